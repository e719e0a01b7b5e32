"""What people do with pictures that are kept: look, name, tag, throw away, take back."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from accounts.actions import audit, project_where
from accounts.errors import Invalid, NotFound
from accounts.models import Role
from accounts.principal import Principal
from generations.actions.uploads import clean_name
from generations.models import Asset

MOST_TAGS = 50
LONGEST_TAG = 100


def visible(principal: Principal, asset_id: UUID) -> Asset:
    """The picture, kept or in the trash. Raises NotFound."""
    found = Asset.objects.visible_to(principal).filter(id=asset_id).first()
    if found is None:
        raise NotFound("There is no such picture.", code="asset_not_found")
    return found


@transaction.atomic
def update(
    *, principal: Principal, asset_id: UUID, name: str | None = None, tags: Sequence[str] | None = None
) -> Asset:
    """Name or tag a picture; what is None stays. Raises Invalid, NotFound, NotAllowed."""
    asset = _editable(principal, asset_id)
    changes: dict[str, object] = {}
    if name is not None:
        changes["name"] = clean_name(name)
    if tags is not None:
        changes["tags"] = clean_tags(tags)
    if changes:
        Asset.objects.filter(id=asset.id).update(**changes)
        audit(principal.user, "update_asset", asset.id, **changes)
        asset.refresh_from_db()
    return asset


@transaction.atomic
def trash(*, principal: Principal, asset_id: UUID) -> Asset:
    """Move a picture to the trash, from where it can come back for 30 days. Twice changes nothing."""
    asset = _editable(principal, asset_id)
    if Asset.objects.filter(id=asset.id, trashed_at=None).update(trashed_at=Now()):
        audit(principal.user, "trash_asset", asset.id)
        asset.refresh_from_db()
    return asset


@transaction.atomic
def restore(*, principal: Principal, asset_id: UUID) -> Asset:
    """Take a picture back from the trash. Twice changes nothing."""
    asset = _editable(principal, asset_id)
    if Asset.objects.filter(id=asset.id, trashed_at__isnull=False).update(trashed_at=None):
        audit(principal.user, "restore_asset", asset.id)
        asset.refresh_from_db()
    return asset


def clean_tags(tags: Sequence[str]) -> list[str]:
    """Each tag once, trimmed, in the order given. Raises Invalid."""
    cleaned = list(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))
    if len(cleaned) > MOST_TAGS or any(len(tag) > LONGEST_TAG or "\x00" in tag for tag in cleaned):
        sentence = f"may be at most {MOST_TAGS} texts of at most {LONGEST_TAG} characters."
        raise Invalid(f"tags {sentence}", fields={"tags": [sentence]})
    return cleaned


def _editable(principal: Principal, asset_id: UUID) -> Asset:
    asset = visible(principal, asset_id)
    project_where(principal=principal, project_id=asset.project_id, role=Role.EDITOR)
    return asset
