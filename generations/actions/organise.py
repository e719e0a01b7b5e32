"""One verb over many pictures at once: all of it happens, or nothing.

The rows are locked in the order of their ids before anything is decided, so two people who do
things to the same pictures at once wait for each other and neither loses what the other did.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from accounts.actions import audit, project_to_fill, project_where
from accounts.errors import NotFound, wrong
from accounts.models import Role
from accounts.principal import Principal
from generations.actions import collecting, copying, undoing
from generations.actions.assets import MOST_TAGS, clean_rating, clean_tags
from generations.models import Asset, Collection, CollectionItem
from generations.models.search import Search
from generations.models.terms import question

MOST_IDS = 1_000
MOST_FOUND = 10_000
_LISTED = 100
"""So many ids are written into the audit trail."""


@dataclass(frozen=True, slots=True)
class Deed:
    """What is to be done, and what the verb needs for it."""

    verb: str
    tags: Sequence[str] = ()
    rating: int | None = None
    project: UUID | None = None
    collection: UUID | None = None
    ranks: Mapping[str, float] = field(default_factory=dict)
    """Where in the collection they stood, by their ids; others go to its end."""


@dataclass(slots=True)
class Done:
    """``changed``: the pictures that are different now; for ``copy``, the new ones.

    ``undo`` are the calls that take it back, as bodies for the same verb.
    """

    changed: list[UUID]
    not_found: list[UUID] = field(default_factory=list)
    undo: list[dict[str, Any]] = field(default_factory=list)


Rows = list[Asset]


@dataclass(frozen=True, slots=True)
class Work:
    """What is asked, by whom, and the pictures as they are, locked."""

    principal: Principal
    rows: Rows
    asked: Deed


def bulk(
    *, principal: Principal, asked: Deed, ids: Sequence[UUID] = (), search: Search | None = None
) -> Done:
    """Do it to up to 1,000 pictures by their ids, or to all of up to 10,000 that a search finds.

    Raises Invalid, NotFound (project or collection), NotAllowed (then nothing is changed).
    """
    verb = VERBS.get(asked.verb)
    if verb is None:
        raise wrong("verb", _("must be one of %(known)s.") % {"known": ", ".join(VERBS)})
    if (search is None) == (not ids):
        raise wrong("ids", _("must be a list of ids; or leave it out and give search."))
    if len(ids) > MOST_IDS:
        sentence = _("may be at most %(most)s; send them in parts, or give search.")
        raise wrong("ids", sentence % {"most": f"{MOST_IDS:,}"})
    if search == Search():
        raise wrong("search", _("looks for everything; choose words or a filter first."))
    if search and search.q and not question(search.q):
        # Only signs: a list shows everything else that fits, which nobody meant to change.
        raise wrong("search", _("has a q without a word to look for; give it one or leave it out."))
    with transaction.atomic():
        wanted = list(dict.fromkeys(ids)) if search is None else _matching(principal, search)
        rows = _locked(principal, wanted)
        if asked.verb not in FOR_VIEWERS:
            for project_id in sorted({row.project_id for row in rows}):
                role = Role.VIEWER if asked.verb == "copy" else Role.EDITOR
                project_where(principal=principal, project_id=project_id, role=role)
        done = verb(Work(principal, rows, asked))
        found = {row.id for row in rows}
        done.not_found = [one for one in wanted if one not in found]
        _audit(principal, asked, rows, done)
    if asked.verb == "copy":
        copying.begin(done.changed)
    return done


def _tag(work: Work) -> Done:
    tags = _some_tags(work.asked)
    added = {row.id: [tag for tag in tags if tag not in row.tags] for row in work.rows}
    full = [row for row in work.rows if len(row.tags) + len(added[row.id]) > MOST_TAGS]
    if full:
        sentence = _("are too many for %(n)s of the pictures: at most %(most)s each.")
        raise wrong("tags", sentence % {"n": len(full), "most": MOST_TAGS})
    changed = [one for one, more in added.items() if more]
    more = RawSQL("tags || ARRAY(SELECT tag FROM unnest(%s::text[]) AS tag WHERE tag <> ALL (tags))", [tags])
    _update(changed, tags=more)
    return Done(changed, undo=undoing.each(changed, lambda one: {"verb": "untag", "tags": added[one]}))


def _untag(work: Work) -> Done:
    tags = _some_tags(work.asked)
    lost = {row.id: [tag for tag in row.tags if tag in tags] for row in work.rows}
    changed = [one for one, less in lost.items() if less]
    left = RawSQL("ARRAY(SELECT tag FROM unnest(tags) AS tag WHERE tag <> ALL (%s::text[]))", [tags])
    _update(changed, tags=left)
    return Done(changed, undo=undoing.each(changed, lambda one: {"verb": "tag", "tags": lost[one]}))


def _rate(work: Work) -> Done:
    rating = clean_rating(work.asked.rating)
    before = {row.id: row.rating for row in work.rows if row.rating != rating}
    _update(before, rating=rating)
    return Done(list(before), undo=undoing.each(before, lambda one: {"verb": "rate", "rating": before[one]}))


def _favorite(work: Work) -> Done:
    me = work.principal.user.id
    changed = [row.id for row in work.rows if me not in row.favorite_of]
    _update(changed, favorite_of=RawSQL("array_append(favorite_of, %s::uuid)", [me]))
    return Done(changed, undo=undoing.same(changed, {"verb": "unfavorite"}))


def _unfavorite(work: Work) -> Done:
    me = work.principal.user.id
    changed = [row.id for row in work.rows if me in row.favorite_of]
    _update(changed, favorite_of=RawSQL("array_remove(favorite_of, %s::uuid)", [me]))
    return Done(changed, undo=undoing.same(changed, {"verb": "favorite"}))


def _move(work: Work) -> Done:
    """Into another project, out of the old one's collections. What is kept stays where it is kept."""
    target = project_to_fill(principal=work.principal, project_id=_needed(work.asked.project, "project"))
    before = {row.id: row.project_id for row in work.rows if row.project_id != target.id}
    items = CollectionItem.objects.filter(asset__in=before).order_by("collection_id", "rank", "id")
    put_back = undoing.collect(items.filter(collection__deleted_at=None))  # the others take nothing
    items.delete()
    _update(before, project=target)
    undo = undoing.each(before, lambda one: {"verb": "move", "project": str(before[one])})
    return Done(list(before), undo=[*undo, *put_back])


def _copy(work: Work) -> Done:
    target = project_to_fill(principal=work.principal, project_id=_needed(work.asked.project, "project"))
    made = copying.ask(principal=work.principal, sources=work.rows, project=target)
    return Done(made, undo=undoing.same(made, {"verb": "trash"}))


def _collect(work: Work) -> Done:
    """To the end of a collection, in the order they were named, or to where they stood in it."""
    held, ranks = _collection(work), collecting.clean_ranks(work.asked.ranks)
    foreign = [row for row in work.rows if row.project_id != held.project_id]
    if foreign:
        sentence = _("holds pictures of its own project; move or copy %(n)s of these there first.")
        raise wrong("collection", sentence % {"n": len(foreign)})
    inside = set(held.items.filter(asset__in=work.rows).values_list("asset_id", flat=True))
    last = held.items.aggregate(last=Max("rank"))["last"] or 0.0
    changed = [row.id for row in work.rows if row.id not in inside]
    CollectionItem.objects.bulk_create(
        CollectionItem(collection=held, asset_id=one, rank=ranks.get(str(one), last + place))
        for place, one in enumerate(changed, 1)
    )
    undo = undoing.same(changed, {"verb": "uncollect", "collection": str(held.id)})
    return Done(changed, undo=undo)


def _uncollect(work: Work) -> Done:
    held = _collection(work)
    items = held.items.filter(asset__in=work.rows).order_by("rank", "id")
    changed, undo = list(items.values_list("asset_id", flat=True)), undoing.collect(items)
    items.delete()
    return Done(changed, undo=undo)


def _trash(work: Work) -> Done:
    changed = [row.id for row in work.rows if row.trashed_at is None]
    _update(changed, trashed_at=Now())
    return Done(changed, undo=undoing.same(changed, {"verb": "restore"}))


def _restore(work: Work) -> Done:
    changed = [row.id for row in work.rows if row.trashed_at is not None]
    _update(changed, trashed_at=None)
    return Done(changed, undo=undoing.same(changed, {"verb": "trash"}))


VERBS: dict[str, Callable[[Work], Done]] = {
    "tag": _tag,
    "untag": _untag,
    "rate": _rate,
    "favorite": _favorite,
    "unfavorite": _unfavorite,
    "move": _move,
    "copy": _copy,
    "collect": _collect,
    "uncollect": _uncollect,
    "trash": _trash,
    "restore": _restore,
}
FOR_VIEWERS = frozenset({"favorite", "unfavorite"})
"""A favourite is its person's own and changes nothing for anybody else."""


def _matching(principal: Principal, search: Search) -> list[UUID]:
    found = Asset.objects.matching(search, principal).order_by("-id").values_list("id", flat=True)
    ids = list(found[: MOST_FOUND + 1])
    if len(ids) > MOST_FOUND:
        sentence = _("finds more than %(most)s pictures; narrow it.")
        raise wrong("search", sentence % {"most": f"{MOST_FOUND:,}"})
    return ids


def _locked(principal: Principal, ids: list[UUID]) -> Rows:
    """The pictures as they are now, for nobody else to change, in the order they were named."""
    rows = Asset.objects.visible_to(principal).filter(id__in=ids).order_by("id")
    narrow = rows.only("id", "project_id", "tags", "rating", "favorite_of", "trashed_at")
    found = {row.id: row for row in narrow.select_for_update(of=("self",), no_key=True)}
    return [found[one] for one in ids if one in found]


def _update(ids: Iterable[UUID], **changes: Any) -> None:
    Asset.objects.filter(id__in=list(ids)).update(**changes)


def _collection(work: Work) -> Collection:
    wanted = _needed(work.asked.collection, "collection")
    mine = Collection.objects.visible_to(work.principal).select_for_update(of=("self",))
    found = mine.filter(id=wanted).first()
    if found is None:
        raise NotFound(_("There is no such collection."), code="collection_not_found")
    project_where(principal=work.principal, project_id=found.project_id, role=Role.EDITOR)
    return found


def _needed(value: UUID | None, name: str) -> UUID:
    if value is None:
        raise wrong(name, _("is missing; give the id of a %(name)s.") % {"name": name})
    return value


def _some_tags(asked: Deed) -> list[str]:
    if tags := clean_tags(asked.tags):
        return tags
    raise wrong("tags", _("is missing; name one or more."))


def _audit(principal: Principal, asked: Deed, rows: Rows, done: Done) -> None:
    """One line in each project in which something is different now."""
    if not done.changed:
        return
    changed = set(done.changed)
    touched: dict[UUID, list[str]] = defaultdict(list)
    for row in rows:
        if row.id in changed or asked.verb == "copy":
            touched[row.project_id].append(str(row.id))
    if asked.verb in {"move", "copy"} and asked.project:
        touched.setdefault(asked.project, [str(one) for one in done.changed])
    used = _used(asked)
    for project_id, ids in touched.items():
        detail = {**used, "pictures": len(ids), "ids": ids[:_LISTED]}
        audit(principal.user, f"{asked.verb}_assets", project_id, project_id, **detail)


def _used(asked: Deed) -> dict[str, Any]:
    """What the verb went by, and nothing that merely came along: the trail is kept for good."""
    match asked.verb:
        case "tag" | "untag":
            return {"tags": clean_tags(asked.tags)}
        case "rate":
            return {"rating": asked.rating}
        case "move" | "copy":
            return {"project_to": str(asked.project)}
        case "collect" | "uncollect":
            return {"collection": str(asked.collection)}
    return {}
