"""What people do with pictures that are kept: look, name, tag, throw away, take back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from accounts.actions import audit, project_where
from accounts.errors import Conflict, NotFound, wrong
from accounts.models import Role
from accounts.principal import Principal
from generations.actions.uploads import clean_name
from generations.models import Asset
from generations.models.terms import Words, words_of

MOST_TAGS = 50
LONGEST_TAG = 100


def visible(principal: Principal, asset_id: UUID, *, locked: bool = False) -> Asset:
    """The picture, kept or in the trash; ``locked``: nobody changes it before I am done. Raises NotFound."""
    mine = Asset.objects.visible_to(principal).filter(id=asset_id)
    found = (mine.select_for_update(of=("self",), no_key=True) if locked else mine).first()
    if found is None:
        raise NotFound(_("There is no such picture."), code="asset_not_found")
    return found


def kept(principal: Principal, asset_id: UUID) -> Asset:
    """The picture, if it is not in the trash. Raises NotFound, Conflict."""
    asset = visible(principal, asset_id)
    if asset.trashed_at is not None:
        raise Conflict(_("This picture is in the trash; take it back first."), code="asset_in_trash")
    return asset


@transaction.atomic
def update(
    *,
    principal: Principal,
    asset_id: UUID,
    name: str | None = None,
    tags: Sequence[str] | None = None,
    rating: int | None = None,
    favorite: bool | None = None,
) -> Asset:
    """Name, tag, rate a picture, or make it my favourite; what is None stays.

    A viewer may have favourites and change nothing else. Raises Invalid, NotFound, NotAllowed.
    """
    asset = visible(principal, asset_id)
    changes: dict[str, Any] = {}
    if name is not None:
        changes["name"] = clean_name(name)
    if tags is not None:
        changes["tags"] = clean_tags(tags)
    if rating is not None:
        changes["rating"] = clean_rating(rating)
    if changes:
        asset = _editable(principal, asset_id)
        audit(principal.user, "update_asset", asset.id, asset.project_id, **changes)
    if name is not None:
        changes["terms"] = Words(words_of(asset.prompt, changes["name"]))
    if favorite is not None:
        mine = "array_append(array_remove(favorite_of, %s::uuid), %s::uuid)"
        changes["favorite_of"] = (
            RawSQL(mine, [principal.user.id] * 2)  # noqa: S611 - the words are ours
            if favorite
            else RawSQL("array_remove(favorite_of, %s::uuid)", [principal.user.id])
        )
    if changes:
        Asset.objects.filter(id=asset.id).update(**changes)
        asset.refresh_from_db()
    return asset


@transaction.atomic
def bring_again(*, principal: Principal, asset_id: UUID, name: str, tags: Sequence[str]) -> Asset:
    """A picture that was there already takes the name and the tags it is brought with again.

    Raises what ``update`` raises.
    """
    asset = visible(principal, asset_id, locked=True)
    new_name = clean_name(name) not in {"", asset.name}
    new_tags = [tag for tag in tags if tag not in asset.tags]
    if not new_name and not new_tags:
        return asset
    return update(
        principal=principal,
        asset_id=asset.id,
        name=name if new_name else None,
        tags=[*asset.tags, *new_tags] if new_tags else None,
    )


@transaction.atomic
def trash(*, principal: Principal, asset_id: UUID) -> Asset:
    """Move a picture to the trash, from where it can come back for 30 days. Twice changes nothing."""
    asset = _editable(principal, asset_id)
    if Asset.objects.filter(id=asset.id, trashed_at=None).update(trashed_at=Now()):
        audit(principal.user, "trash_asset", asset.id, asset.project_id)
        asset.refresh_from_db()
    return asset


@transaction.atomic
def restore(*, principal: Principal, asset_id: UUID) -> Asset:
    """Take a picture back from the trash. Twice changes nothing."""
    asset = _editable(principal, asset_id)
    if Asset.objects.filter(id=asset.id, trashed_at__isnull=False, purged_at=None).update(trashed_at=None):
        audit(principal.user, "restore_asset", asset.id, asset.project_id)
        asset.refresh_from_db()
    return asset


def clean_tags(tags: Sequence[str]) -> list[str]:
    """Each tag once, trimmed, in the order given. Raises Invalid."""
    cleaned = list(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))
    if len(cleaned) > MOST_TAGS or any(len(tag) > LONGEST_TAG or "\x00" in tag for tag in cleaned):
        sentence = _("may be at most %(most)s texts of at most %(longest)s characters.")
        raise wrong("tags", sentence % {"most": MOST_TAGS, "longest": LONGEST_TAG})
    return cleaned


def clean_rating(rating: object) -> int:
    """So many stars, 0 for none. Raises Invalid."""
    if isinstance(rating, bool) or not isinstance(rating, int) or not 0 <= rating <= 5:
        raise wrong("rating", _("must be a whole number from 0 to 5; 0 takes the stars away."))
    return rating


def _editable(principal: Principal, asset_id: UUID) -> Asset:
    asset = visible(principal, asset_id)
    project_where(principal=principal, project_id=asset.project_id, role=Role.EDITOR)
    return asset
