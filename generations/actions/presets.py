"""Set-ups of the composer worth keeping: a person's own, or shared with a project's members."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from accounts.actions import as_uuid, audit, project_where
from accounts.errors import NotFound, wrong
from accounts.models import Project, Role
from accounts.principal import Principal
from billing.money import dollars
from generations.actions import asking
from generations.actions.keepsakes import check_may_change, clean_name, one_by_one
from generations.models import Asset, Preset

LONGEST_NAME = 100
MOST = 200
"""Of one person."""
_NOT_KEPT = frozenset({"project", "metadata", "upload_urls", "source", "relation", "webhook_url"})


def visible(principal: Principal, preset_id: UUID, *, deleted: bool = False) -> Preset:
    """Raises NotFound."""
    found = Preset.objects.visible_to(principal).filter(id=preset_id, deleted_at__isnull=not deleted).first()
    if found is None:
        raise NotFound(_("There is no such preset."), code="preset_not_found")
    return found


def default_of(principal: Principal, project: Project) -> Preset | None:
    """What the project's composer opens with."""
    return Preset.objects.visible_to(principal).kept().filter(project=project, is_default=True).first()


def body_of(principal: Principal, preset: Preset) -> dict[str, Any]:
    """What it keeps, without pictures that are gone or that the principal may not see."""
    named = {one: as_uuid(one.removeprefix("asset:")) for one in preset.body.get("references", [])}
    ids = [one for one in named.values() if one]
    seen = set(Asset.objects.visible_to(principal).kept().filter(id__in=ids).values_list("id", flat=True))
    return {**preset.body, "references": [one for one, asset_id in named.items() if asset_id in seen]}


@transaction.atomic
def save(
    *, principal: Principal, name: str, body: Mapping[str, Any], project_id: UUID | None = None
) -> Preset:
    """Keep a set-up for myself, or with ``project_id`` for that project's members; editors may.

    Raises Invalid, NotFound, NotAllowed.
    """
    if project_id is not None:
        project_where(principal=principal, project_id=project_id, role=Role.EDITOR)
    _check_room(principal.user.id)
    preset = Preset.objects.create(
        user=principal.user,
        project_id=project_id,
        name=clean_name(name, LONGEST_NAME),
        body=clean_body(principal, body),
    )
    audit(principal.user, "save_preset", preset.id, project_id, name=preset.name)
    return preset


@transaction.atomic
def update(
    *,
    principal: Principal,
    preset_id: UUID,
    name: str | None = None,
    body: Mapping[str, Any] | None = None,
    is_default: bool | None = None,
) -> Preset:
    """Rename it, let it keep something else, or make it what the project's composer opens with.

    The last is for owners. What is None stays. Raises Invalid, NotFound, NotAllowed.
    """
    preset = (
        _mine(principal, preset_id) if name is not None or body is not None else visible(principal, preset_id)
    )
    changes: dict[str, Any] = {}
    if name is not None:
        changes["name"] = clean_name(name, LONGEST_NAME)
    if body is not None:
        changes["body"] = clean_body(principal, body)
    if is_default is not None:
        _make_room(principal, preset, is_default)
        changes["is_default"] = is_default
    Preset.objects.filter(id=preset.id).update(**changes)  # only this: somebody may be changing the rest
    preset = visible(principal, preset.id)  # unless somebody deleted it meanwhile
    audit(principal.user, "update_preset", preset.id, preset.project_id, name=preset.name)
    return preset


def _make_room(principal: Principal, preset: Preset, is_default: bool) -> None:
    """Check that it may be chosen, and leave no other default beside it."""
    if preset.project_id is None:
        raise wrong("is_default", _("is for presets shared with a project; share it first."))
    project_where(principal=principal, project_id=preset.project_id, role=Role.OWNER)
    Project.objects.select_for_update().get(id=preset.project_id)  # two who choose at once come one by one
    if is_default:
        Preset.objects.filter(project_id=preset.project_id, is_default=True).update(is_default=False)


@transaction.atomic
def delete(*, principal: Principal, preset_id: UUID) -> Preset:
    """It can be restored for a day. Raises NotFound, NotAllowed."""
    preset = _mine(principal, preset_id)
    if Preset.objects.filter(id=preset.id, deleted_at=None).update(deleted_at=Now()):
        audit(principal.user, "delete_preset", preset.id, preset.project_id, name=preset.name)
    return preset


@transaction.atomic
def restore(*, principal: Principal, preset_id: UUID) -> Preset:
    """Take back a deletion. If the project has another default by now, that one stays.

    Raises NotFound, NotAllowed, Invalid (as many are kept as may be).
    """
    preset = _mine(principal, preset_id, deleted=True)
    _check_room(preset.user_id)
    if preset.project_id is not None:
        Project.objects.select_for_update().get(id=preset.project_id)
        others = Preset.objects.kept().filter(project_id=preset.project_id, is_default=True)
        preset.is_default = preset.is_default and not others.exists()
    preset.deleted_at = None
    preset.save(update_fields=["deleted_at", "is_default"])
    audit(principal.user, "restore_preset", preset.id, preset.project_id, name=preset.name)
    return preset


def clean_body(principal: Principal, body: Mapping[str, Any]) -> dict[str, Any]:
    """What of a generation's body is kept, as the REST API writes it. Raises Invalid naming each field."""
    said = {name: value for name, value in body.items() if name not in _NOT_KEPT and value not in (None, "")}
    asked = asking.read({**said, "prompt": said.get("prompt") or "…"})
    kept: dict[str, Any] = {
        name: getattr(asked.request, name)
        for name in said
        if name in asked.body and hasattr(asked.request, name)
    }
    kept |= {name: getattr(asked, name) for name in ("provider", "strategy") if name in said}
    if "prompt" in said:
        kept["prompt"] = asked.request.prompt
    if asked.max_price is not None:
        kept["max_price"] = dollars(asked.max_price)
    if asked.tags:
        kept["tags"] = list(asked.tags)
    if asked.references:
        kept["references"] = _in_library(principal, asked.references)
    return kept


def _in_library(principal: Principal, references: tuple[str, ...]) -> list[str]:
    ids = {one: as_uuid(one.removeprefix("asset:")) for one in references}
    found = Asset.objects.visible_to(principal).kept().filter(id__in=[one for one in ids.values() if one])
    known = set(found.values_list("id", flat=True))
    if any(asset_id not in known for asset_id in ids.values()):
        raise wrong("references", _("of a preset must be asset:<id> of pictures in the library."))
    return list(ids)


def _check_room(user_id: UUID) -> None:
    one_by_one(user_id)
    if Preset.objects.kept().filter(user=user_id).count() >= MOST:
        raise wrong(
            "name",
            _("would be one more than the %(most)s presets you may keep; delete one.") % {"most": MOST},
        )


def _mine(principal: Principal, preset_id: UUID, *, deleted: bool = False) -> Preset:
    preset = visible(principal, preset_id, deleted=deleted)
    check_may_change(principal, preset)
    return preset
