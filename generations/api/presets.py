"""Presets over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions import as_uuid
from accounts.describe import PAGED, described, page_of, query
from accounts.endpoint import Endpoint
from accounts.errors import wrong
from accounts.paging import PAGING, page
from generations.actions import presets
from generations.api.present import stamp
from generations.models import Preset

_NAME = "At most 100 characters"
_BODY = "A generation's body; without `project`, and without `prompt` it keeps none"


class PresetAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    object = serializers.CharField(help_text="preset")
    name = serializers.CharField()
    user = serializers.UUIDField()
    project = serializers.UUIDField(
        allow_null=True, help_text="With whose members it is shared; null: my own"
    )
    is_default = serializers.BooleanField(help_text="What the project's composer opens with")
    body = serializers.DictField(help_text=_BODY)
    created_at = serializers.DateTimeField()


class PresetBody(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=presets.LONGEST_NAME, help_text=_NAME)
    body = serializers.DictField(help_text=_BODY)
    project = serializers.UUIDField(required=False, allow_null=True, help_text="Share it with this project")


class PresetChange(serializers.Serializer[Any]):
    name = serializers.CharField(required=False, max_length=presets.LONGEST_NAME, help_text=_NAME)
    body = serializers.DictField(required=False, help_text=_BODY)
    is_default = serializers.BooleanField(required=False, help_text="Owners of its project may say so")


class Presets(Endpoint):
    """Set-ups worth keeping."""

    filters = PAGING | {"project"}

    @described(
        "list_presets",
        "My own presets and those shared with my projects",
        {200: page_of(PresetAnswer, "PresetPage")},
        query=[*PAGED, query("project", "Shared with this project", OpenApiTypes.UUID)],
    )
    def get(self, request: Request) -> Response:
        found = self.query.within_project(Preset.objects.visible_to(self.principal).kept())
        return page(request, self.query, found, _many)

    @described("save_preset", "Keep a set-up", {201: PresetAnswer}, body=PresetBody, errors=[404])
    def post(self, request: Request) -> Response:
        body = _known(self.body(request), {"name", "body", "project"})
        project = body.get("project")
        if project is not None and as_uuid(str(project)) is None:
            raise wrong("project", _("must be the id of a project."))
        preset = presets.save(
            principal=self.principal,
            name=_text(body, "name") or "",
            body=_object(body, "body") or {},
            project_id=as_uuid(str(project)) if project is not None else None,
        )
        return Response(preset_json(preset), status.HTTP_201_CREATED)


class OnePreset(Endpoint):
    """One preset."""

    @described("get_preset", "One preset", {200: PresetAnswer}, errors=[404])
    def get(self, request: Request, preset_id: UUID) -> Response:
        return Response(preset_json(presets.visible(self.principal, preset_id)))

    @described(
        "update_preset", "Rename it, keep something else, or make it the default", {200: PresetAnswer},
        body=PresetChange, errors=[404],
    )  # fmt: skip
    def patch(self, request: Request, preset_id: UUID) -> Response:
        body = _known(self.body(request), {"name", "body", "is_default"})
        is_default = body.get("is_default")
        if is_default is not None and not isinstance(is_default, bool):
            raise wrong("is_default", _("must be true or false."))
        preset = presets.update(
            principal=self.principal,
            preset_id=preset_id,
            name=_text(body, "name"),
            body=_object(body, "body"),
            is_default=is_default,
        )
        return Response(preset_json(preset))

    @described("delete_preset", "Delete it; it can be restored for a day", {204: None}, errors=[404])
    def delete(self, request: Request, preset_id: UUID) -> Response:
        presets.delete(principal=self.principal, preset_id=preset_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class RestorePreset(Endpoint):
    """Second thoughts."""

    @described("restore_preset", "Take back its deletion", {200: PresetAnswer}, errors=[404])
    def post(self, request: Request, preset_id: UUID) -> Response:
        return Response(preset_json(presets.restore(principal=self.principal, preset_id=preset_id)))


def preset_json(preset: Preset) -> dict[str, Any]:
    return {
        "id": str(preset.id),
        "object": "preset",
        "name": preset.name,
        "user": str(preset.user_id),
        "project": str(preset.project_id) if preset.project_id else None,
        "is_default": preset.is_default,
        "body": preset.body,
        "created_at": stamp(preset.created_at),
    }


def _many(found: Sequence[Preset]) -> list[dict[str, Any]]:
    return [preset_json(preset) for preset in found]


def _known(body: dict[str, Any], names: set[str]) -> dict[str, Any]:
    for name in sorted(set(body) - names):
        raise wrong(
            name, _("is not a field here; known are: %(names)s.") % {"names": ", ".join(sorted(names))}
        )
    return body


def _text(body: dict[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise wrong(name, _("must be text."))
    return value


def _object(body: dict[str, Any], name: str) -> dict[str, Any] | None:
    value = body.get(name)
    if value is not None and not isinstance(value, dict):
        raise wrong(name, _("must be an object."))
    return value
