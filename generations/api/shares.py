"""Links that show one picture to somebody without a sign-in, over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import check_names, text_in
from accounts.describe import PAGED, described, page_of
from accounts.endpoint import Endpoint
from accounts.errors import wrong
from accounts.paging import PAGING, page
from generations.actions import sharing
from generations.api.present import stamp
from generations.models import ShareLink


class ShareBody(serializers.Serializer[Any]):
    expires_in = serializers.ChoiceField(list(sharing.LIVES), default="7d")
    password = serializers.CharField(
        required=False,
        allow_null=True,
        min_length=sharing.SHORTEST_PASSWORD,
        max_length=sharing.LONGEST_PASSWORD,
        help_text="Asked for before the picture is shown",
    )
    may_download = serializers.BooleanField(default=False, help_text="The original too, not only a view")


class ShareAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    object = serializers.CharField(help_text="share")
    asset = serializers.UUIDField()
    user = serializers.UUIDField(help_text="Who made it; when they leave the project it is dead")
    url = serializers.URLField(help_text="For whoever is to see the picture")
    has_password = serializers.BooleanField()
    may_download = serializers.BooleanField()
    views = serializers.IntegerField(help_text="How often its page was opened")
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)
    open = serializers.BooleanField(help_text="Whether it shows the picture now")


class Shares(Endpoint):
    """The links of a picture."""

    filters = PAGING

    @described(
        "list_shares",
        "A picture's links, the newest first; for editors and owners",
        {200: page_of(ShareAnswer, "SharePage")},
        query=PAGED,
        errors=[404],
    )
    def get(self, request: Request, asset_id: UUID) -> Response:
        return page(request, self.query, sharing.of(self.principal, asset_id), shares_json)

    @described(
        "share_asset",
        "Make a link that shows the picture, and nothing else, to whoever has it",
        {201: ShareAnswer},
        body=ShareBody,
        errors=[404],
    )
    def post(self, request: Request, asset_id: UUID) -> Response:
        body = self.body(request)
        check_names(body, "expires_in", "password", "may_download")
        may_download = body.get("may_download", False)
        if not isinstance(may_download, bool):
            raise wrong("may_download", _("must be true or false."))
        link = sharing.share(
            principal=self.principal,
            asset_id=asset_id,
            expires_in=text_in(body, "expires_in") or "7d",
            password=text_in(body, "password") or "",
            may_download=may_download,
        )
        return Response(shares_json([link])[0], status.HTTP_201_CREATED)


class OneShare(Endpoint):
    """One link."""

    @described("get_share", "One link", {200: ShareAnswer}, errors=[404])
    def get(self, request: Request, share_id: UUID) -> Response:
        return Response(shares_json([sharing.visible(self.principal, share_id)])[0])

    @described(
        "revoke_share", "Make a link show nothing any more; it stays in the list", {204: None}, errors=[404]
    )
    def delete(self, request: Request, share_id: UUID) -> Response:
        sharing.revoke(principal=self.principal, link_id=share_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


def shares_json(links: Sequence[ShareLink]) -> list[dict[str, Any]]:
    ids = [link.id for link in links]
    alive = set(ShareLink.objects.open().filter(id__in=ids).values_list("id", flat=True))
    return [
        {
            "id": str(link.id),
            "object": "share",
            "asset": str(link.asset_id),
            "user": str(link.user_id),
            "url": sharing.address(link),
            "has_password": bool(link.password),
            "may_download": link.may_download,
            "views": link.views,
            "created_at": stamp(link.created_at),
            "expires_at": stamp(link.expires_at),
            "revoked_at": stamp(link.revoked_at),
            "open": link.id in alive,
        }
        for link in links
    ]
