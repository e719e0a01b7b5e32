"""POST /v1/images/generations, POST /v1/images/edits, GET /v1/models."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import ApiKeyAuthentication
from accounts.describe import described, header
from accounts.endpoint import Endpoint, Json
from accounts.errors import Invalid
from accounts.models import Scope
from accounts.principal import Principal
from generations.actions import generate, references, uploads
from generations.api.generations import MOST_BODY
from generations.api.openai.making import make
from generations.api.openai.reading import model_id, read
from providers import catalog

MOST_IMAGES = 14
_LISTS = ("tags", "image", "images")
_PLACEHOLDER = "asset:to be uploaded"
_KEY = header("Idempotency-Key", "The same key and body is answered again and never done twice")


class OpenAIErrorDetail(serializers.Serializer[Any]):
    message = serializers.CharField()
    type = serializers.CharField()
    param = serializers.CharField(allow_null=True)
    code = serializers.CharField()


class OpenAIError(serializers.Serializer[Any]):
    error = OpenAIErrorDetail()


class ImageBody(serializers.Serializer[Any]):
    prompt = serializers.CharField()
    model = serializers.CharField(required=False, help_text="A model's id, or `model@provider`")
    n = serializers.IntegerField(default=1, min_value=1, max_value=20)
    size = serializers.CharField(default="auto", help_text="`auto`, or such as `2048x2048`")
    response_format = serializers.ChoiceField(["url", "b64_json"], default="url")
    output_format = serializers.ChoiceField(["png", "jpeg", "webp", "avif"], required=False)
    output_compression = serializers.IntegerField(required=False, min_value=0, max_value=100)
    user = serializers.CharField(required=False)


class EditBody(ImageBody):
    image = serializers.ListField(child=serializers.FileField())


class ImageAnswer(serializers.Serializer[Any]):
    url = serializers.URLField(required=False, help_text="Needs no header; lives LINK_TTL seconds")
    b64_json = serializers.CharField(required=False)
    revised_prompt = serializers.CharField(required=False)


class ImagesAnswer(serializers.Serializer[Any]):
    created = serializers.IntegerField()
    data = ImageAnswer(many=True)  # type: ignore[assignment]


class OpenAIModel(serializers.Serializer[Any]):
    id = serializers.CharField()
    object = serializers.CharField()
    created = serializers.IntegerField()
    owned_by = serializers.CharField()


class OpenAIModels(serializers.Serializer[Any]):
    object = serializers.CharField()
    data = OpenAIModel(many=True)  # type: ignore[assignment]


class Generations(Endpoint):
    """Pictures from words."""

    authentication_classes = [ApiKeyAuthentication]
    scopes = {"POST": Scope.GENERATE}

    @described(
        "openai_generate",
        "As OpenAI's images/generations; answers when the pictures are kept",
        {200: ImagesAnswer},
        body=ImageBody,
        headers=[_KEY],
        errors=[402, 404, 422, 502, 504],
        error=OpenAIError,
    )
    def post(self, request: Request) -> Response:
        body = self.body(request)
        return make(request, self.principal, body, read(body))


class Edits(Endpoint):
    """Pictures from words and pictures."""

    authentication_classes = [ApiKeyAuthentication]
    parser_classes = [MultiPartParser, Json]
    scopes = {"POST": Scope.GENERATE}
    max_body = MOST_BODY

    @described(
        "openai_edit",
        "As OpenAI's images/edits, by multipart or JSON; up to 14 pictures, no mask",
        {200: ImagesAnswer},
        body={"multipart/form-data": EditBody, "application/json": EditBody},
        headers=[_KEY],
        errors=[402, 404, 422, 502, 504],
        error=OpenAIError,
    )
    def post(self, request: Request) -> Response:
        body = {name: value for name, value in self.body(request).items() if name not in request.FILES}
        body = _with_lists(body, request.POST)
        for name in set(request.FILES) - {"image", "image[]", "mask"}:
            raise Invalid(
                _("%(name)s is not a file of this request; send pictures as image.") % {"name": name},
                code="unknown_parameter",
                fields={name: [_("Send pictures as image.")]},
            )
        if "mask" in body or "mask" in request.FILES:
            raise Invalid(
                _("mask is not offered; describe the change in the prompt."),
                fields={"mask": [_("Leave it out.")]},
            )
        brought = [file for name in ("image", "image[]") for file in request.FILES.getlist(name)]
        named = list(_named(body))
        if not 1 <= len(brought) + len(named) <= MOST_IMAGES:
            raise Invalid(
                _("image must be 1 to %(most)s pictures.") % {"most": MOST_IMAGES},
                fields={"image": [_("Send 1 to 14.")]},
            )
        _check_sizes(brought)
        wish = read(body, [*named, *([_PLACEHOLDER] * len(brought))])
        known = {**body, "files": [_digest(file) for file in brought]}
        return make(
            request,
            self.principal,
            known,
            wish,
            lambda: (*named, *(_bring(self.principal, wish.asked.project_id, file) for file in brought)),
        )


class Models(Endpoint):
    """What may be named as ``model``."""

    authentication_classes = [ApiKeyAuthentication]
    scopes = {"GET": None}

    @described("openai_models", "What may be named as model", {200: OpenAIModels}, error=OpenAIError)
    def get(self, request: Request) -> Response:
        names = [
            name
            for model in catalog.models()
            for name in (model.id, *(f"{model.id}@{offer.provider}" for offer in catalog.offers(model.id)))
        ]
        return Response({"object": "list", "data": [_model(name) for name in names]})


class OneModel(Endpoint):
    """One of them."""

    authentication_classes = [ApiKeyAuthentication]
    scopes = {"GET": None}

    @described("openai_model", "One model", {200: OpenAIModel}, errors=[404], error=OpenAIError)
    def get(self, request: Request, name: str) -> Response:
        model_id(name)
        return Response(_model(name))


def _model(name: str) -> dict[str, Any]:
    model, _ = model_id(name)
    return {"id": name, "object": "model", "created": 0, "owned_by": catalog.model(model).maker}


def _with_lists(body: dict[str, Any], form: QueryDict) -> dict[str, Any]:
    """In a form a list is its name said again, or the name with [] as OpenAI's SDK writes it."""
    lists = {name: [*form.getlist(name), *form.getlist(f"{name}[]")] for name in _LISTS}
    said = {name: values for name, values in lists.items() if values}
    return {name: value for name, value in body.items() if name.removesuffix("[]") not in said} | said


def _named(body: dict[str, Any]) -> Iterator[str]:
    """Pictures that a JSON body names: data URIs, addresses, or ids of our library."""
    image = body.get("image") or []
    images = body.get("images") or []
    for entry in [
        *(image if isinstance(image, list) else [image]),
        *(images if isinstance(images, list) else [images]),
    ]:
        if isinstance(entry, dict):
            address = entry.get("image_url")
            entry = f"asset:{entry['file_id']}" if entry.get("file_id") else address
            entry = entry.get("url") if isinstance(entry, dict) else entry
        if not isinstance(entry, str):
            raise Invalid(
                _("image must be pictures, their addresses or data URIs."),
                fields={"image": [_("Unreadable.")]},
            )
        yield entry


def _check_sizes(files: list[UploadedFile[Any]]) -> None:
    for file in files:
        try:
            references.check_size(file.size or 0)
        except Invalid as error:
            raise Invalid(f"image: {error.message}", fields={"image": [error.message]}) from None


def _digest(file: UploadedFile[Any]) -> str:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    return digest.hexdigest()


def _bring(principal: Principal, project_id: Any, file: UploadedFile[Any]) -> str:
    project = project_id or generate.default_project(principal).id
    try:
        kept = uploads.upload(
            principal=principal, project_id=project, chunks=file.chunks(), name=file.name or ""
        )
    except Invalid as error:
        said = error.message.removeprefix("file ")
        raise Invalid(f"image {said}", code=error.code, fields={"image": [said]}) from None
    return f"asset:{kept.id}"
