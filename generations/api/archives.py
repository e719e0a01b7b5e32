"""Many pictures as one ZIP, over HTTP."""

from __future__ import annotations

from typing import Any

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers
from rest_framework.request import Request

from accounts.api import check_names
from accounts.describe import described
from accounts.endpoint import Endpoint
from accounts.models import Scope
from generations.actions import archiving
from generations.actions.archiving import Archive
from generations.api.searching import ids_in, search_in


class ArchiveBody(serializers.Serializer[Any]):
    """Which pictures: ``ids`` or ``search``."""

    ids = serializers.ListField(
        child=serializers.UUIDField(), required=False, help_text=f"At most {archiving.MOST:,}"
    )
    search = serializers.DictField(
        required=False, help_text=f"The filters of the list; at most {archiving.MOST:,} matches"
    )


class Download(Endpoint):
    """A ZIP of originals."""

    scopes = {"POST": Scope.READ}

    @described(
        "download_assets",
        "A ZIP of originals, streamed; its last file says how each was made and what is missing",
        {(200, "application/zip"): OpenApiTypes.BINARY},
        body=ArchiveBody,
        errors=[404],
    )
    def post(self, request: Request) -> StreamingHttpResponse:
        body = self.body(request)
        check_names(body, "ids", "search")
        made = archiving.archive(
            principal=self.principal,
            ids=ids_in(body, "ids") if "ids" in body else None,
            search=search_in(body["search"]) if "search" in body else None,
        )
        return zip_response(made)


def zip_response(made: Archive) -> StreamingHttpResponse:
    """The archive as a file to be saved; it is closed with the answer, or when the caller hangs up."""
    headers = {
        "Content-Disposition": content_disposition_header(True, made.name) or "attachment",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Accel-Buffering": "no",
    }
    return StreamingHttpResponse(made, content_type="application/zip", headers=headers)
