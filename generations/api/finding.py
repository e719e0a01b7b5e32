"""Where a picture came from, and what is like it, over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import check_names
from accounts.describe import described, page_of
from accounts.endpoint import MEBIBYTE, Endpoint
from accounts.errors import Invalid, wrong
from accounts.models import Scope
from accounts.paging import whole
from generations.actions import finding, uploads
from generations.actions.finding import Match
from generations.api.answers import AssetAnswer
from generations.api.present import assets_json


class FindBody(serializers.Serializer[Any]):
    """The picture that is looked for. It is not kept."""

    file = serializers.FileField(help_text="PNG, JPEG, WebP or AVIF of at most 64 MB")


class MatchAnswer(serializers.Serializer[Any]):
    object = serializers.CharField(help_text="match")
    by = serializers.ChoiceField(
        [finding.EXACT, finding.METADATA, finding.LIKENESS, finding.WORDS],
        help_text="The same bytes; named by the file's metadata; alike to the eye; the same words",
    )
    percent = serializers.IntegerField(allow_null=True, help_text="How much it looks alike, if that is known")
    words = serializers.ListField(child=serializers.CharField())
    asset = AssetAnswer()


class FindingAnswer(serializers.Serializer[Any]):
    object = serializers.CharField(help_text="finding")
    sha256 = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    format = serializers.CharField()
    matches = MatchAnswer(many=True)


class Find(Endpoint):
    """Look for a picture by the picture."""

    parser_classes = [MultiPartParser]
    scopes = {"POST": Scope.READ}
    max_body = uploads.MOST_BYTES + MEBIBYTE

    @described(
        "find_asset",
        "Where a picture came from: by its bytes, by its metadata, then by what it looks like",
        {200: FindingAnswer},
        body={"multipart/form-data": FindBody},
    )
    def post(self, request: Request) -> Response:
        body = self.body(request)
        check_names(body, "file")
        if isinstance(body.get("file"), list):
            raise wrong("file", _("may be sent once; one request looks for one picture."))
        file = request.FILES.get("file")
        if not isinstance(file, UploadedFile):
            raise Invalid(
                _("file is missing; send the picture as multipart field file."),
                fields={"file": [_("Send the picture as the multipart field file.")]},
            )
        found = finding.find(principal=self.principal, chunks=file.chunks())
        return Response(
            {
                "object": "finding",
                "sha256": found.sha256,
                "width": found.width,
                "height": found.height,
                "format": found.format,
                "matches": matches_json(found.matches),
            }
        )


class Similar(Endpoint):
    """What is like a picture of the library."""

    @described(
        "list_similar",
        "Pictures like this one, and why: alike to the eye, then with the same words in their prompts",
        {200: page_of(MatchAnswer, "SimilarPage")},
        errors=[404],
    )
    def get(self, request: Request, asset_id: UUID) -> Response:
        return whole(matches_json(finding.similar(principal=self.principal, asset_id=asset_id)))


def matches_json(matches: Sequence[Match]) -> list[dict[str, Any]]:
    shown = {one["id"]: one for one in assets_json([match.asset.id for match in matches])}
    return [
        {
            "object": "match",
            "by": match.by,
            "percent": match.percent,
            "words": list(match.words),
            "asset": shown[str(match.asset.id)],
        }
        for match in matches
        if str(match.asset.id) in shown
    ]
