"""Projects and their people, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import actions
from accounts.describe import PAGED, described, page_of
from accounts.endpoint import Endpoint
from accounts.errors import Invalid, NotFound, wrong
from accounts.models import Membership, Project, Role
from accounts.paging import PAGING, page
from accounts.principal import Principal


class ProjectBody(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200)


class ProjectChange(serializers.Serializer[Any]):
    name = serializers.CharField(required=False, max_length=200)
    archived = serializers.BooleanField(required=False)
    prompts_in_pictures = serializers.BooleanField(
        required=False, help_text="Whether downloads say in their metadata what was asked for"
    )


class ProjectAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    object = serializers.CharField(help_text="project")
    name = serializers.CharField()
    role = serializers.ChoiceField(Role.choices, help_text="What you may do in it")
    created_at = serializers.DateTimeField()
    archived_at = serializers.DateTimeField(allow_null=True)
    prompts_in_pictures = serializers.BooleanField()


class MemberBody(serializers.Serializer[Any]):
    email = serializers.EmailField()
    role = serializers.ChoiceField(Role.choices, default=Role.VIEWER)


class RoleBody(serializers.Serializer[Any]):
    role = serializers.ChoiceField(Role.choices)


class MemberAnswer(serializers.Serializer[Any]):
    user = serializers.UUIDField()
    object = serializers.CharField(help_text="member")
    email = serializers.EmailField()
    name = serializers.CharField()
    role = serializers.ChoiceField(Role.choices)
    created_at = serializers.DateTimeField()


class Projects(Endpoint):
    """The projects of a person."""

    filters = PAGING

    @described("list_projects", "My projects", {200: page_of(ProjectAnswer, "ProjectPage")}, query=PAGED)
    def get(self, request: Request) -> Response:
        return page(
            request,
            self.query,
            Project.objects.visible_to(self.principal),
            lambda projects: projects_json(self.principal, projects),
        )

    @described("create_project", "Start a project, as its owner", {201: ProjectAnswer}, body=ProjectBody)
    def post(self, request: Request) -> Response:
        project = actions.create_project(principal=self.principal, name=_name(self.body(request)))
        return Response(projects_json(self.principal, [project])[0], status.HTTP_201_CREATED)


class OneProject(Endpoint):
    """One project."""

    @described("get_project", "One project", {200: ProjectAnswer}, errors=[404])
    def get(self, request: Request, project_id: UUID) -> Response:
        project = visible(self.principal, project_id)
        return Response(projects_json(self.principal, [project])[0])

    @described(
        "update_project",
        "Rename a project, archive it or take it out, choose whether downloads name their prompts",
        {200: ProjectAnswer},
        body=ProjectChange,
        errors=[404],
    )
    def patch(self, request: Request, project_id: UUID) -> Response:
        body = self.body(request)
        check_names(body, "name", "archived", "prompts_in_pictures")
        name = _name({"name": body["name"]}) if "name" in body else None
        prompts, archived = _flag(body, "prompts_in_pictures"), _flag(body, "archived")
        with transaction.atomic():
            actions.update_project(
                principal=self.principal, project_id=project_id, name=name, prompts_in_pictures=prompts
            )
            if archived is not None:
                verb = actions.archive_project if archived else actions.unarchive_project
                verb(principal=self.principal, project_id=project_id)
        return Response(projects_json(self.principal, [visible(self.principal, project_id)])[0])

    @described(
        "archive_project",
        "Put a project away; its pictures and books are kept",
        {204: None},
        errors=[404, 409],
    )
    def delete(self, request: Request, project_id: UUID) -> Response:
        actions.archive_project(principal=self.principal, project_id=project_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Members(Endpoint):
    """The people of a project."""

    filters = PAGING

    @described(
        "list_members",
        "Who is in a project",
        {200: page_of(MemberAnswer, "MemberPage")},
        query=PAGED,
        errors=[404],
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        project = visible(self.principal, project_id)
        members = Membership.objects.filter(project=project).select_related("user")
        return page(request, self.query, members, lambda rows: [member_json(row) for row in rows])

    @described(
        "add_member",
        "Let somebody in, or change their role",
        {201: MemberAnswer},
        body=MemberBody,
        errors=[404],
    )
    def post(self, request: Request, project_id: UUID) -> Response:
        body = self.body(request)
        check_names(body, "email", "role")
        member = actions.set_member(
            principal=self.principal,
            project_id=project_id,
            email=needed_text(body, "email"),
            role=needed_text(body, "role") if "role" in body else Role.VIEWER,
        )
        return Response(member_json(member), status.HTTP_201_CREATED)


class OneMember(Endpoint):
    """One person's place in a project."""

    @described("change_role", "Change a role", {200: MemberAnswer}, body=RoleBody, errors=[404])
    def patch(self, request: Request, project_id: UUID, user_id: UUID) -> Response:
        body = self.body(request)
        check_names(body, "role")
        project = visible(self.principal, project_id)
        member = Membership.objects.filter(project=project, user_id=user_id).select_related("user").first()
        if member is None:
            raise NotFound(_("There is no such member."))
        changed = actions.set_member(
            principal=self.principal,
            project_id=project_id,
            email=member.user.email,
            role=needed_text(body, "role"),
        )
        return Response(member_json(changed))

    @described("remove_member", "Remove somebody, or leave", {204: None}, errors=[404, 409])
    def delete(self, request: Request, project_id: UUID, user_id: UUID) -> Response:
        actions.remove_member(principal=self.principal, project_id=project_id, user_id=user_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


def projects_json(principal: Principal, projects: Sequence[Project]) -> list[dict[str, Any]]:
    """Projects with the principal's role in each."""
    roles = dict(
        Membership.objects.filter(user=principal.user, project__in=projects).values_list("project_id", "role")
    )
    return [
        {
            "id": project.id,
            "object": "project",
            "name": project.name,
            "role": roles.get(project.id),
            "created_at": project.created_at,
            "archived_at": project.archived_at,
            "prompts_in_pictures": project.prompts_in_pictures,
        }
        for project in projects
    ]


def member_json(member: Membership) -> dict[str, Any]:
    return {
        "user": member.user_id,
        "object": "member",
        "email": member.user.email,
        "name": member.user.display_name,
        "role": member.role,
        "created_at": member.created_at,
    }


def visible(principal: Principal, project_id: UUID) -> Project:
    """Raises NotFound."""
    found = Project.objects.visible_to(principal).filter(id=project_id).first()
    if found is None:
        raise NotFound(_("There is no such project."), code="project_not_found")
    return found


def check_names(body: dict[str, Any], *known: str) -> None:
    strange = {name: [_("Leave it out.")] for name in body if name not in known}
    if strange:
        raise Invalid(
            _("%(names)s: not known here; known are %(known)s.")
            % {"names": ", ".join(strange), "known": ", ".join(known)},
            fields=strange,
        )


def _name(body: dict[str, Any]) -> str:
    check_names(body, "name")
    name = needed_text(body, "name")
    if len(name) > 200:
        raise wrong("name", _("may be at most 200 characters."))
    return name


def _flag(body: dict[str, Any], name: str) -> bool | None:
    value = body.get(name)
    if name in body and not isinstance(value, bool):
        raise Invalid(
            _("%(name)s must be true or false.") % {"name": name},
            fields={name: [_("Must be true or false.")]},
        )
    return value


def text_in(body: Mapping[str, Any], name: str) -> str | None:
    """A text in a body, or None where there is none. Raises Invalid."""
    given = body.get(name)
    if given is not None and not isinstance(given, str):
        raise wrong(name, _("must be text."))
    return given


def needed_text(body: Mapping[str, Any], name: str) -> str:
    """A text that a body must have. Raises Invalid."""
    given = text_in(body, name)
    if given is None:
        raise wrong(name, _("must be text."))
    return given
