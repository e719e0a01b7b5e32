"""Collections: pictures of one project put together by hand.

Deleting one keeps its pictures, and for a day their order, so that it can be taken back.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.db import transaction
from django.db.models import F, Max, QuerySet, Window
from django.db.models.functions import Now, RowNumber
from django.utils.translation import gettext as _

from accounts.actions import audit, project_where
from accounts.errors import NotFound, wrong
from accounts.models import Role
from accounts.principal import Principal
from generations.actions import assets
from generations.actions.keepsakes import clean_name
from generations.models import Collection, CollectionItem

LONGEST_NAME = 200
NEAREST = 1e-6
"""Ranks nearer to each other than this are spread anew before another goes between."""
FURTHEST = 2.0**53
"""A rank beyond has no neighbours."""


def visible(principal: Principal, collection_id: UUID, *, deleted: bool = False) -> Collection:
    """Raises NotFound."""
    found = Collection.objects.visible_to(principal, deleted=deleted).filter(id=collection_id).first()
    if found is None:
        raise NotFound(_("There is no such collection."), code="collection_not_found")
    return found


@transaction.atomic
def create(*, principal: Principal, project_id: UUID, name: str) -> Collection:
    """An empty one. Raises Invalid, NotFound, NotAllowed."""
    project = project_where(principal=principal, project_id=project_id, role=Role.EDITOR)
    held = Collection.objects.create(
        project=project, user=principal.user, name=clean_name(name, LONGEST_NAME)
    )
    audit(principal.user, "create_collection", held.id, project.id, name=held.name)
    return held


@transaction.atomic
def update(
    *, principal: Principal, collection_id: UUID, name: str | None = None, cover: UUID | None = None
) -> Collection:
    """Rename it, or choose one of its pictures as its cover; what is None stays.

    Raises Invalid, NotFound, NotAllowed.
    """
    held = _editable(principal, collection_id)
    if name is not None:
        held.name = clean_name(name, LONGEST_NAME)
    if cover is not None:
        if not held.items.filter(asset_id=cover).exists():
            raise wrong("cover", _("must be a picture of the collection; put it in first."))
        held.cover_id = cover
    held.save(update_fields=["name", "cover"])
    audit(
        principal.user, "update_collection", held.id, held.project_id, name=held.name, cover=str(cover or "")
    )
    return held


@transaction.atomic
def delete(*, principal: Principal, collection_id: UUID) -> Collection:
    """Its pictures stay; it can be restored for a day. Raises NotFound, NotAllowed."""
    return _kept_or_not(_editable(principal, collection_id), principal, Now())


@transaction.atomic
def restore(*, principal: Principal, collection_id: UUID) -> Collection:
    """Take back a deletion: with its pictures in their order, and its cover. Raises NotFound, NotAllowed."""
    return _kept_or_not(_editable(principal, collection_id, deleted=True), principal, None)


@transaction.atomic
def place(
    *,
    principal: Principal,
    collection_id: UUID,
    asset_id: UUID,
    before: UUID | None = None,
    after: UUID | None = None,
) -> Collection:
    """Put a picture in, or to another place: just before or after another, else at the end.

    A picture that is there and given no place stays where it is. Raises Invalid, NotFound, NotAllowed.
    """
    asset = assets.visible(principal, asset_id, locked=True)  # before the collection, as bulk verbs do
    held = _editable(principal, collection_id)
    if asset.project_id != held.project_id:
        raise wrong("asset", _("is in another project; move or copy it into the collection's project first."))
    if before and after:
        raise wrong("before", _("and after cannot both be given; give one."))
    if asset_id in {before, after}:
        raise wrong("before" if before else "after", _("must be another picture."))
    item = held.items.filter(asset=asset).first()
    if item is None or before or after:
        rank = _rank(held, before, after, besides=asset_id)
        CollectionItem.objects.update_or_create(collection=held, asset=asset, defaults={"rank": rank})
        audit(principal.user, "place_in_collection", held.id, held.project_id, asset=str(asset_id))
    return held


@transaction.atomic
def remove(*, principal: Principal, collection_id: UUID, asset_id: UUID) -> None:
    """Take a picture out; it stays in the library. Twice changes nothing. Raises NotFound, NotAllowed."""
    held = _editable(principal, collection_id)
    if held.items.filter(asset_id=asset_id).delete()[0]:
        audit(principal.user, "take_from_collection", held.id, held.project_id, asset=str(asset_id))


def clean_ranks(ranks: object) -> Mapping[str, float]:
    """Where pictures stand, by their ids. Raises Invalid."""
    if not isinstance(ranks, Mapping) or not all(
        isinstance(rank, int | float) and abs(rank) <= FURTHEST for rank in ranks.values()
    ):
        raise wrong("ranks", _("must be numbers by the pictures' ids."))
    return ranks


def _kept_or_not(held: Collection, principal: Principal, deleted_at: Now | None) -> Collection:
    Collection.objects.filter(id=held.id).update(deleted_at=deleted_at)
    verb = "restore_collection" if deleted_at is None else "delete_collection"
    audit(principal.user, verb, held.id, held.project_id, name=held.name)
    return held


def _editable(principal: Principal, collection_id: UUID, *, deleted: bool = False) -> Collection:
    """Locked, so that two who put it in order wait for each other."""
    held = visible(principal, collection_id, deleted=deleted)
    project_where(principal=principal, project_id=held.project_id, role=Role.EDITOR)
    locked = Collection.objects.select_for_update().filter(id=held.id, deleted_at=held.deleted_at).first()
    if locked is None:  # deleted, or taken back, a moment ago
        raise NotFound(_("There is no such collection."), code="collection_not_found")
    return locked


def _rank(held: Collection, before: UUID | None, after: UUID | None, *, besides: UUID) -> float:
    others = held.items.exclude(asset_id=besides)
    beside = before or after
    if beside is None:
        return (others.aggregate(last=Max("rank"))["last"] or 0.0) + 1
    low, high = _gap(others, beside, before is not None)
    if high - low < NEAREST:
        _spread(held)
        low, high = _gap(others, beside, before is not None)
    return (low + high) / 2


def _gap(others: QuerySet[CollectionItem], beside: UUID, is_before: bool) -> tuple[float, float]:
    """The ranks between which there is room, just before or after that picture."""
    there = others.filter(asset_id=beside).first()
    if there is None:
        name = "before" if is_before else "after"
        raise wrong(name, _("must be a picture of the collection."))
    ordered = others.order_by("rank", "id") if not is_before else others.order_by("-rank", "-id")
    beyond = ordered.filter(rank__lt=there.rank) if is_before else ordered.filter(rank__gt=there.rank)
    tied = others.filter(rank=there.rank).exclude(id=there.id)
    if tied.exists():
        return there.rank, there.rank
    neighbour = beyond.first()
    if is_before:
        return (neighbour.rank if neighbour else there.rank - 2), there.rank
    return there.rank, (neighbour.rank if neighbour else there.rank + 2)


def _spread(held: Collection) -> None:
    """Whole numbers again, in the same order."""
    numbered = list(held.items.annotate(place=Window(RowNumber(), order_by=[F("rank").asc(), F("id").asc()])))
    for item in numbered:
        item.rank = float(item.place)
    CollectionItem.objects.bulk_update(numbered, ["rank"], batch_size=1000)
