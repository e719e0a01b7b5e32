"""The library over HTTP: pictures, their bytes, and the trash."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse
from rest_framework import status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions import as_uuid
from accounts.describe import PAGED, described, page_of, query
from accounts.endpoint import MEBIBYTE, Endpoint
from accounts.errors import Invalid
from accounts.paging import PAGING, page
from generations import imaging, links
from generations.actions import assets, uploads
from generations.api import files
from generations.api.answers import AssetAnswer, AssetBody, UploadBody
from generations.api.present import asset_json, asset_rows
from generations.models import Asset, Kind
from generations.storage import StorageUnavailable
from providers.values import ASPECTS

_FILTERS = frozenset(
    {"project", "q", "provider", "model", "user", "kind", "tag", "aspect", "trashed"}
    | {"created_after", "created_before"}
)
_PICTURE = {(200, kind): OpenApiTypes.BINARY for kind in imaging.MEDIA_TYPES.values()}
_BYTES: Any = {
    **_PICTURE,
    206: OpenApiResponse(description="The range asked for"),
    302: OpenApiResponse(description="A link to the store, good for some minutes"),
    304: OpenApiResponse(description="What you have is what there is"),
}


class Assets(Endpoint):
    """The library."""

    parser_classes = [MultiPartParser]
    filters = PAGING | _FILTERS
    max_body = uploads.MOST_BYTES + MEBIBYTE

    @described(
        "list_assets",
        "The library, newest first",
        {200: page_of(AssetAnswer, "AssetPage")},
        query=[
            *PAGED,
            query("project", "In this project", OpenApiTypes.UUID),
            query("q", "Words of the prompt or the name, all of them"),
            query("provider", "Made at this provider"),
            query("model", "Made with this model"),
            query("user", "By this person", OpenApiTypes.UUID),
            query("kind", "Generated or uploaded", enum=Kind.values),
            query("tag", "With this tag"),
            query("aspect", "Of about this shape, such as 16:9"),
            query("created_after", "Since then, a time or a day", OpenApiTypes.DATETIME),
            query("created_before", "Until then", OpenApiTypes.DATETIME),
            query("trashed", "The trash instead", OpenApiTypes.BOOL, default=False),
        ],
    )
    def get(self, request: Request) -> Response:
        found = _filtered(self, Asset.objects.visible_to(self.principal))
        return page(request, self.query, asset_rows(found), lambda rows: [asset_json(row) for row in rows])

    @described(
        "upload_asset",
        "Bring a picture; the same one twice in a project is the same asset",
        {201: AssetAnswer},
        body={"multipart/form-data": UploadBody},
        errors=[404],
    )
    def post(self, request: Request) -> Response:
        body = self.body(request)
        file = request.FILES.get("file")
        if not isinstance(file, UploadedFile):
            raise Invalid("file is missing; send the picture as multipart field file.", fields=_FILE_MISSING)
        tags = request.POST.getlist("tags")
        asset = uploads.upload(
            principal=self.principal,
            project_id=_project(body.get("project")),
            chunks=file.chunks(),
            name=str(body.get("name") or file.name or ""),
            tags=tuple(assets.clean_tags(tags)),
        )
        return Response(_one(asset), status.HTTP_201_CREATED)


class OneAsset(Endpoint):
    """One picture."""

    @described("get_asset", "One picture, in the library or in the trash", {200: AssetAnswer}, errors=[404])
    def get(self, request: Request, asset_id: UUID) -> Response:
        return Response(_one(assets.visible(self.principal, asset_id)))

    @described("update_asset", "Name or tag a picture", {200: AssetAnswer}, body=AssetBody, errors=[404])
    def patch(self, request: Request, asset_id: UUID) -> Response:
        body = self.body(request)
        _check_changes(body)
        return Response(_one(assets.update(principal=self.principal, asset_id=asset_id, **body)))

    @described(
        "trash_asset",
        "Move a picture to the trash, from where it can come back for 30 days",
        {204: None},
        errors=[404],
    )
    def delete(self, request: Request, asset_id: UUID) -> Response:
        assets.trash(principal=self.principal, asset_id=asset_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Restore(Endpoint):
    """Out of the trash."""

    @described("restore_asset", "Take a picture back from the trash", {200: AssetAnswer}, errors=[404])
    def post(self, request: Request, asset_id: UUID) -> Response:
        return Response(_one(assets.restore(principal=self.principal, asset_id=asset_id)))


class Content(Endpoint):
    """The bytes of a picture."""

    filters = frozenset({"format", "quality"})

    @described(
        "get_content",
        "The picture as it came or, with `format`, made from it; ranges and conditions are understood",
        _BYTES,
        query=[
            query("format", "Another format", enum=files.FORMATS),
            query("quality", "20 to 99, for another format", OpenApiTypes.INT),
        ],
        errors=[404, 416],
    )
    def get(self, request: Request, asset_id: UUID) -> HttpResponseBase:
        asset = assets.visible(self.principal, asset_id)
        kind = next(iter(self.query.words("format", list(files.FORMATS))), None)
        quality = self.query.whole("quality", 20, 99, 0) or None
        if kind is None or (kind == asset.format and quality is None):
            return files.original(request, asset)
        return files.converted(request, asset, kind, quality)


class Thumbnail(Endpoint):
    """A picture, smaller."""

    filters = frozenset({"size"})

    @described(
        "get_thumbnail",
        "A WebP of at most so many pixels a side",
        {(200, "image/webp"): OpenApiTypes.BINARY, **{code: _BYTES[code] for code in (206, 302, 304)}},
        query=[query("size", "Pixels", OpenApiTypes.INT, enum=sorted(imaging.SIZES), default=512)],
        errors=[404, 416],
    )
    def get(self, request: Request, asset_id: UUID) -> HttpResponseBase:
        size = self.query.words("size", [str(size) for size in sorted(imaging.SIZES)]) or ["512"]
        return files.thumbnail(request, assets.visible(self.principal, asset_id), int(size[0]))


@require_safe
def linked(request: HttpRequest, token: str) -> HttpResponseBase:
    """A picture by its signed link, for programs that send no key."""
    found = links.follow(token)
    if found is None:
        return HttpResponse("This link is not valid any more.", status=404, content_type="text/plain")
    try:
        if found.format is None or found.format == found.asset.format:
            return files.original(request, found.asset)
        return files.converted(request, found.asset, found.format, found.quality)
    except StorageUnavailable:
        return HttpResponse(
            "Try again soon.", status=503, content_type="text/plain", headers={"Retry-After": "5"}
        )


_FILE_MISSING = {"file": ["Send the picture as the multipart field file."]}


def _one(asset: Asset) -> dict[str, Any]:
    return asset_json(asset_rows(Asset.objects.filter(id=asset.id)).get())


def _project(value: object) -> UUID | None:
    if not value:
        return None
    found = as_uuid(value) if isinstance(value, str) else None
    if found is None:
        raise Invalid("project must be the id of a project.", fields={"project": ["Must be an id."]})
    return found


def _check_changes(body: dict[str, Any]) -> None:
    wrong = {name: ["Is not something that can be changed."] for name in body if name not in {"name", "tags"}}
    if "name" in body and not isinstance(body["name"], str):
        wrong["name"] = ["Must be text."]
    tags = body.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        wrong["tags"] = ["Must be a list of texts."]
    if wrong:
        raise Invalid(f"Check {', '.join(wrong)}.", fields=wrong)


def _filtered(endpoint: Endpoint, found: QuerySet[Asset, Asset]) -> QuerySet[Asset, Asset]:
    asked = endpoint.query
    tag = asked.text("tag")
    filters = {
        "project": asked.uuid("project"),
        "provider": asked.text("provider"),
        "model": asked.text("model"),
        "user": asked.uuid("user"),
        "kind__in": asked.words("kind", Kind.values),
        "tags__contains": [tag] if tag else None,
        "created_at__gte": asked.moment("created_after"),
        "created_at__lt": asked.moment("created_before"),
    }
    found = found.filter(
        **{name: value for name, value in filters.items() if value},
        trashed_at__isnull=not asked.flag("trashed"),
    )
    if words := asked.text("q"):
        found = found.with_words(words)  # type: ignore[attr-defined]
    for aspect in asked.words("aspect", [name for name, sides in ASPECTS.items() if sides])[:1]:
        across, down = ASPECTS[aspect] or (1, 1)
        # Gateways round to whole blocks of pixels: 3 % either way is the same shape.
        found = found.filter(
            width__gte=F("height") * across * 97 / (down * 100),
            width__lte=F("height") * across * 103 / (down * 100),
        )
    return found
