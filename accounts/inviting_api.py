"""Invitations over HTTP, for the owners of a project; coming in is ``generations.api.joining``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import inviting
from accounts.actions import project_where
from accounts.api import check_names, needed_text
from accounts.describe import PAGED, described, page_of
from accounts.endpoint import Endpoint
from accounts.errors import wrong
from accounts.models import Invitation, Role
from accounts.paging import PAGING, page


class InvitationBody(serializers.Serializer[Any]):
    email = serializers.EmailField(required=False, help_text="Without it: a link for whoever has it")
    role = serializers.ChoiceField(Role.choices, default=Role.EDITOR)


class InvitationAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    object = serializers.CharField(help_text="invitation")
    project = serializers.UUIDField()
    email = serializers.EmailField(allow_null=True)
    role = serializers.ChoiceField(Role.choices)
    url = serializers.URLField(help_text="The link that lets somebody in, once")
    invited_by = serializers.UUIDField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class InvitationMade(InvitationAnswer):
    mailed = serializers.BooleanField(help_text="Whether the link went out by e-mail; else hand it over")


class Invitations(Endpoint):
    """The open invitations of a project."""

    filters = PAGING

    @described(
        "list_invitations",
        "Invitations to a project that still let somebody in",
        {200: page_of(InvitationAnswer, "InvitationPage")},
        query=PAGED,
        errors=[404],
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        rows = inviting.open_ones(principal=self.principal, project_id=project_id)
        return page(request, self.query, rows, lambda found: [invitation_json(row) for row in found])

    @described(
        "invite",
        "Invite somebody by e-mail, or make a link that works once",
        {201: InvitationMade},
        body=InvitationBody,
        errors=[404],
    )
    def post(self, request: Request, project_id: UUID) -> Response:
        body = self.body(request)
        check_names(body, "email", "role")
        made = inviting.invite(
            principal=self.principal,
            project_id=project_id,
            email=_address_in(body),
            role=needed_text(body, "role") if "role" in body else Role.EDITOR,
        )
        answer = {**invitation_json(made), "mailed": inviting.send(made)}
        return Response(answer, status.HTTP_201_CREATED)


def _address_in(body: Mapping[str, Any]) -> str:
    """Whom it is for; only without an ``email``, not with an empty one, is it a link for anybody."""
    if body.get("email") is None:
        return ""
    if not (email := needed_text(body, "email").strip()):
        raise wrong("email", _("must not be empty; leave it out to make a link."))
    return email


class OneInvitation(Endpoint):
    """One invitation."""

    @described("get_invitation", "One invitation", {200: InvitationAnswer}, errors=[404])
    def get(self, request: Request, invitation_id: UUID) -> Response:
        found = inviting.visible(self.principal, invitation_id)
        project_where(principal=self.principal, project_id=found.project_id, role=Role.OWNER)
        return Response(invitation_json(found))

    @described("revoke_invitation", "Take an invitation back", {204: None}, errors=[404])
    def delete(self, request: Request, invitation_id: UUID) -> Response:
        inviting.revoke(principal=self.principal, invitation_id=invitation_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


def invitation_json(invitation: Invitation) -> dict[str, Any]:
    return {
        "id": invitation.id,
        "object": "invitation",
        "project": invitation.project_id,
        "email": invitation.email or None,
        "role": invitation.role,
        "url": inviting.address(invitation),
        "invited_by": invitation.invited_by_id,
        "created_at": invitation.created_at,
        "expires_at": invitation.expires_at,
    }
