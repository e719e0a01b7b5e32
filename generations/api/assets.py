"""The library over HTTP: pictures, their bytes, and the trash."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
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
from accounts.errors import Invalid, NotFound
from accounts.models import Scope
from accounts.paging import PAGING
from generations import imaging, links
from generations.actions import assets, uploads
from generations.api import files, searching
from generations.api.answers import AssetAnswer, AssetBody, UploadBody
from generations.api.present import assets_json
from generations.models import Asset
from generations.models.search import Search

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
    filters = PAGING | searching.FILTERS
    repeated = searching.REPEATED
    scopes = {"POST": None}  # of which either of two will do
    max_body = uploads.MOST_BYTES + MEBIBYTE

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method == "POST":  # before the body is read
            uploads.check_may(self.principal)

    @described(
        "list_assets",
        "The library, newest first; a collection in its own order",
        {200: page_of(AssetAnswer, "AssetPage")},
        query=[*PAGED, *searching.DESCRIBED],
    )
    def get(self, request: Request) -> HttpResponse:
        search = Search.read(request.query_params)
        return searching.listed(request, self.query, self.principal, search)

    @described(
        "upload_asset",
        "Bring a picture; the same one twice in a project is one asset, which takes the new name and tags",
        {201: AssetAnswer},
        body={"multipart/form-data": UploadBody},
        errors=[404],
    )
    def post(self, request: Request) -> Response:
        body = self.body(request)
        _check_upload(body)
        file = request.FILES.get("file")
        if not isinstance(file, UploadedFile):
            raise Invalid(
                _("file is missing; send the picture as multipart field file."),
                fields={"file": [_("Send the picture as the multipart field file.")]},
            )
        name, tags = str(body.get("name") or ""), assets.clean_tags(request.POST.getlist("tags"))
        asset = uploads.upload(
            principal=self.principal,
            project_id=_project(body.get("project")),
            chunks=file.chunks(),
            name=name or file.name or "",
            tags=tuple(tags),
        )
        if self.principal.may(Scope.WRITE):
            asset = assets.bring_again(principal=self.principal, asset_id=asset.id, name=name, tags=tags)
        return Response(_one(asset), status.HTTP_201_CREATED)


class OneAsset(Endpoint):
    """One picture."""

    @described("get_asset", "One picture, in the library or in the trash", {200: AssetAnswer}, errors=[404])
    def get(self, request: Request, asset_id: UUID) -> Response:
        return Response(_one(assets.visible(self.principal, asset_id)))

    @described(
        "update_asset",
        "Name, tag or rate a picture, or make it a favourite",
        {200: AssetAnswer},
        body=AssetBody,
        errors=[404],
    )
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

    filters = frozenset({"format", "quality", "size", "download"})

    @described(
        "get_content",
        "The picture as it came or, with `format`, made from it; ranges and conditions are understood",
        _BYTES,
        query=[
            query("format", "Another format", enum=files.FORMATS),
            query("quality", "20 to 99, for another format", OpenApiTypes.INT),
            query("size", "Pixels of its longer side at most", OpenApiTypes.INT, enum=files.SIZES),
            query("download", "To be saved rather than shown", OpenApiTypes.BOOL, default=False),
        ],
        errors=[404, 412, 416],
    )
    def get(self, request: Request, asset_id: UUID) -> HttpResponseBase:
        asset = assets.visible(self.principal, asset_id)
        kind = self.query.word("format", list(files.FORMATS))
        quality = self.query.whole("quality", 20, 99, 0) or None
        size = int(self.query.word("size", [str(size) for size in files.SIZES]) or 0) or None
        if kind is None:
            alone = {"quality": quality, "size": size}
            sentence = _("Goes with format; name the format that is to be made.")
            _refuse({name: [sentence] for name, value in alone.items() if value})
        saved = bool(self.query.flag("download"))
        if kind is None or (kind == asset.format and quality is None and size is None):
            return files.original(request, asset, saved=saved)
        return files.converted(request, asset, kind, quality, size, saved=saved)


class Thumbnail(Endpoint):
    """A picture, smaller."""

    filters = frozenset({"size", "download"})

    @described(
        "get_thumbnail",
        "A WebP of at most so many pixels a side",
        {(200, "image/webp"): OpenApiTypes.BINARY, **{code: _BYTES[code] for code in (206, 302, 304)}},
        query=[
            query("size", "Pixels", OpenApiTypes.INT, enum=sorted(imaging.SIZES), default=512),
            query("download", "To be saved rather than shown", OpenApiTypes.BOOL, default=False),
        ],
        errors=[404, 412, 416],
    )
    def get(self, request: Request, asset_id: UUID) -> HttpResponseBase:
        size = self.query.word("size", [str(size) for size in sorted(imaging.SIZES)]) or "512"
        saved = bool(self.query.flag("download"))
        return files.thumbnail(request, assets.visible(self.principal, asset_id), int(size), saved=saved)


@csrf_exempt  # which only makes a POST 405 instead of 403
@require_safe
def linked(request: HttpRequest, token: str) -> HttpResponseBase:
    """A picture by its signed link, for programs that send no key."""
    found = links.follow(token)
    if found is None:
        raise NotFound(_("This link is not valid any more."), code="link_not_valid")
    if found.format is None or found.format == found.asset.format:
        return files.original(request, found.asset)
    return files.converted(request, found.asset, found.format, found.quality)


_CHANGEABLE = frozenset({"name", "tags", "rating", "favorite"})
_UPLOAD = frozenset({"file", "project", "name", "tags"})


def _one(asset: Asset) -> dict[str, Any]:
    return assets_json([asset.id])[0]


def _project(value: object) -> UUID | None:
    if not value:
        return None
    found = as_uuid(value) if isinstance(value, str) else None
    if found is None:
        raise Invalid(_("project must be the id of a project."), fields={"project": [_("Must be an id.")]})
    return found


def _check_upload(body: dict[str, Any]) -> None:
    wrong = {name: [_("Is not a field of an upload.")] for name in body if name not in _UPLOAD}
    for name in ("file", "project", "name"):
        if isinstance(body.get(name), list):
            wrong[name] = [_("Send it once; one request brings one picture.")]
    _refuse(wrong)


def _refuse(wrong: dict[str, list[str]]) -> None:
    if wrong:
        raise Invalid(_("Check %(names)s.") % {"names": ", ".join(wrong)}, fields=wrong)


def _check_changes(body: dict[str, Any]) -> None:
    wrong = {name: [_("Is not something that can be changed.")] for name in body if name not in _CHANGEABLE}
    if "name" in body and (not isinstance(body["name"], str) or len(body["name"]) > 255):
        wrong["name"] = [_("Must be text of at most 255 characters.")]
    tags = body.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        wrong["tags"] = [_("Must be a list of texts.")]
    if not isinstance(body.get("favorite", False), bool):
        wrong["favorite"] = [_("Must be true or false.")]
    if "rating" in body:
        assets.clean_rating(body["rating"])
    _refuse(wrong)
