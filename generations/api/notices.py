"""Notices over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import check_names
from accounts.describe import PAGED, described, page_of, query
from accounts.endpoint import Endpoint
from accounts.errors import wrong
from accounts.paging import PAGING, page
from generations.actions import notices
from generations.api.present import stamp
from generations.api.searching import ids_in
from generations.models import Notice


class NoticeAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    object = serializers.CharField(help_text="notice")
    kind = serializers.CharField(help_text="work_ended, batch_ended, comment, invitation_accepted")
    project = serializers.UUIDField(allow_null=True)
    about = serializers.DictField(child=serializers.UUIDField(), help_text="What to open")
    sentence = serializers.CharField(help_text="For people, in the caller's language")
    created_at = serializers.DateTimeField()
    read_at = serializers.DateTimeField(allow_null=True)


class ReadBody(serializers.Serializer[Any]):
    ids = serializers.ListField(
        child=serializers.UUIDField(), required=False, help_text="Up to 1,000; without it: all"
    )


class ReadAnswer(serializers.Serializer[Any]):
    changed = serializers.IntegerField(help_text="So many were not read before")


class Notices(Endpoint):
    """What I was told."""

    filters = PAGING | {"unread"}

    @described(
        "list_notices",
        "What I was told, the newest first",
        {200: page_of(NoticeAnswer, "NoticePage")},
        query=[*PAGED, query("unread", "Only those that are not read", OpenApiTypes.BOOL)],
    )
    def get(self, request: Request) -> Response:
        told = notices.mine(self.principal)
        if (unread := self.query.flag("unread")) is not None:
            told = told.filter(read_at__isnull=unread)
        return page(request, self.query, told, lambda rows: _notices_json(self, rows))


class Read(Endpoint):
    """Having read them."""

    @described("read_notices", "Mark notices as read", {200: ReadAnswer}, body=ReadBody)
    def post(self, request: Request) -> Response:
        body = self.body(request)
        check_names(body, "ids")
        ids = ids_in(body, "ids") if "ids" in body else None
        if ids is not None and len(ids) > 1000:
            raise wrong("ids", _("must be a list of at most 1,000 ids."))
        return Response({"changed": notices.mark_read(principal=self.principal, ids=ids)})


def _notices_json(view: Endpoint, rows: Sequence[Notice]) -> list[dict[str, Any]]:
    return [
        {
            "id": row.id,
            "object": "notice",
            "kind": row.kind,
            "project": row.project_id,
            "about": row.about,
            "sentence": said.sentence,
            "created_at": stamp(row.created_at),
            "read_at": stamp(row.read_at),
        }
        for row, said in zip(rows, notices.said(view.principal, rows), strict=True)
    ]
