"""Pages of a search, at any depth for the same price: nothing is counted, nothing skipped, nothing ranked.

Newest first, by id. A search that narrows nothing walks the index of (project, id). One that
does first walks the newest thousand pictures, which answers every common question, and some
more where they promise to be enough; then it asks the index of terms, back in time: one
month, then eight, then all that are left. So neither a word that everything has nor one that
nothing has makes it read the whole library, and no plan rests on what the planner believes. A seed
has an index of its own in the order of ids, which is walked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from accounts import rows
from accounts.errors import Invalid, wrong
from accounts.principal import Principal
from generations.models.asset import Asset
from generations.models.bounds import Bounds, bounds_of
from generations.models.collection import CollectionItem
from generations.models.ids import moment_of
from generations.models.search import Search

PROBE = 1000
GROWTH = 8
"""How many times as many months are asked next."""
FEW, ALL = 2_000, 1_000_000
"""Where no more matches than these are to be expected, all months that are left are asked at once."""


@dataclass(frozen=True, slots=True)
class Page:
    """Pictures in the order of the search. ``next`` is for ``before=``, ``previous`` for ``after=``."""

    ids: list[UUID]
    next: str | None
    previous: str | None

    def assets(self) -> list[Asset]:
        """The pictures themselves; one that went away since is left out."""
        found = Asset.objects.in_bulk(self.ids)
        return [found[one] for one in self.ids if one in found]


def page_of(
    principal: Principal, search: Search, *, before: str = "", after: str = "", limit: int = 60
) -> Page:
    """One page; ``before`` and ``after`` are a page's ``next`` and ``previous`` (outside collections: ids).

    Raises NotFound (a project or collection that is not mine), Invalid (a cursor that is none).
    """
    bounds = bounds_of(principal, search)
    newer = bool(after) and not before
    name = "after" if newer else "before"
    if bounds.collection:
        found, cursors = _collected(bounds, _position(name, before or after), newer, limit + 1)
    else:
        edge = _edge(name, before or after)
        found = ids_of(bounds, edge, newer, limit + 1)
        cursors = [str(one) for one in found]
    more = len(found) > limit
    found, cursors = found[:limit], cursors[:limit]
    if newer:
        found, cursors = found[::-1], cursors[::-1]
    has_next = bool(found) if newer else more
    has_previous = more if newer else bool(before) and bool(found)
    return Page(found, cursors[-1] if has_next else None, cursors[0] if has_previous else None)


def neighbours(principal: Principal, search: Search, asset_id: UUID) -> tuple[UUID | None, UUID | None]:
    """The pictures before and after this one in the order of the search: newer and older. Raises NotFound."""
    bounds = bounds_of(principal, search)
    if not bounds.collection:
        found = [ids_of(bounds, asset_id, newer, 1) for newer in (True, False)]
    else:
        item = CollectionItem.objects.filter(collection=bounds.collection, asset=asset_id).first()
        place = (item.rank, item.id) if item else None
        found = [_collected(bounds, place, newer, 1)[0] if place else [] for newer in (True, False)]
    before, after = (next(iter(ids), None) for ids in found)
    return before, after


def ids_of(bounds: Bounds, edge: UUID | None, newer: bool, limit: int) -> list[UUID]:
    """So many pictures beyond the edge, the nearest first."""
    if edge is not None:
        bounds = bounds.beyond(edge, newer)
    if not bounds.projects:
        return []
    if not bounds.parts or bounds.seed is not None:
        walked = _walk(bounds, newer, bounds.asked)
        # Narrowed by nothing, its best plan is always the same.
        give = rows.read if bounds.exact or bounds.parts else rows.planned
        return [row[0] for row in give(walked, {**bounds.values, "limit": limit})]
    found: list[UUID] = []
    step = 1
    if len(bounds.projects) == 1 or not bounds.trashed:
        near = _probe(bounds, newer, limit, PROBE)
        missing = limit - len(near.found)
        if near.end is not None and 0 < missing <= 3 * len(near.found):
            # Where the rest will be if it goes on like that, and half as far again.
            depth = PROBE // 4 + PROBE * 3 * missing // (2 * len(near.found))
            near = near.joined(_probe(bounds.beyond(near.end, newer), newer, missing, depth))
        if len(near.found) >= limit or near.end is None:
            return near.found
        bounds = bounds.beyond(near.end, newer)
        found = near.found
        step = ALL if near.expected(ends_of(bounds), newer) <= FEW else 1 if found else GROWTH
    for months in windows(bounds, newer, step):
        left = limit - len(found)
        found += [row[0] for row in rows.read(_asked(bounds, newer), _terms(bounds, months, left))]
        if len(found) >= limit:
            break
    return found


def windows(bounds: Bounds, newer: bool = False, step: int = 1, growth: int = GROWTH) -> Iterator[list[str]]:
    """The months in which there may be something, from the nearest: few at first, then many at once."""
    months = months_of(bounds)
    if not newer:
        months.reverse()
    at, size = 0, step
    while at < len(months):
        yield months[at : at + size]
        at, size = at + size, size * growth


def months_of(bounds: Bounds) -> list[str]:
    """Every month from the first to the last picture of the projects within the bounds, oldest first."""
    ends = ends_of(bounds)
    if ends is None:
        return []
    first, last = (moment_of(one) for one in ends)
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return [
        f"{first.year + (first.month - 1 + n) // 12}-{(first.month - 1 + n) % 12 + 1:02}"
        for n in range(count)
    ]


def ends_of(bounds: Bounds) -> tuple[UUID, UUID] | None:
    """The first and the last picture of the projects within the bounds, whatever is asked of them."""
    ends = f"SELECT ({_walk(bounds, True)}), ({_walk(bounds, False)})"
    ((first, last),) = rows.read(ends, {**bounds.values, "limit": 1})
    return None if first is None or last is None else (first, last)


@dataclass(frozen=True, slots=True)
class Near:
    """What was found among the nearest, and where those begin and end; no end if nothing is beyond."""

    found: list[UUID]
    begin: UUID | None
    end: UUID | None

    def joined(self, further: Near) -> Near:
        """With what was found beyond its end."""
        return Near([*self.found, *further.found], self.begin, further.end)

    def expected(self, rest: tuple[UUID, UUID] | None, newer: bool) -> float:
        """About how many will be found beyond, if they are as many a day as here, and one more."""
        if rest is None or self.begin is None or self.end is None:
            return 0
        walked = abs(moment_of(self.begin) - moment_of(self.end)).total_seconds()
        beyond = abs(moment_of(rest[1 if newer else 0]) - moment_of(self.end)).total_seconds()
        return (len(self.found) + 1) * beyond / max(walked, 0.001)


def _walk(bounds: Bounds, newer: bool, asked: str = "") -> str:
    """The nearest pictures of each project by its index, and the nearest of those."""
    order = "ASC" if newer else "DESC"
    return f"""
        SELECT one.id FROM unnest(%(projects)s::uuid[]) AS mine (project) CROSS JOIN LATERAL (
          SELECT id FROM generations_asset WHERE project_id = mine.project AND {bounds.state}
          AND id > %(over)s AND id < %(under)s {bounds.exact} {asked}
          ORDER BY id {order} LIMIT %(limit)s) AS one
        ORDER BY one.id {order} LIMIT %(limit)s"""  # noqa: S608 - our own words


def _probe(bounds: Bounds, newer: bool, limit: int, depth: int) -> Near:
    """What is found among so many of the nearest: one project's, or everybody's, of which some count.

    Their ids come first, from the index of (project, id) alone, which no planner finds too dear.
    """
    order = "ASC" if newer else "DESC"
    one = len(bounds.projects) == 1
    sql = f"""
        WITH nearest AS MATERIALIZED (
          SELECT id FROM generations_asset
          WHERE {"project_id = %(project)s AND" if one else ""} {bounds.state}
          AND id > %(over)s AND id < %(under)s ORDER BY id {order} LIMIT %(probe)s),
        near AS MATERIALIZED (
          SELECT id, terms @@ %(q)s::tsquery AND project_id = ANY(%(projects)s) {bounds.exact} AS hit
          FROM nearest JOIN generations_asset USING (id))
        SELECT ARRAY(SELECT id FROM near WHERE hit ORDER BY id {order} LIMIT %(limit)s),
          (SELECT id FROM nearest ORDER BY id {order} LIMIT 1),
          (SELECT id FROM nearest ORDER BY id {order} OFFSET %(probe)s - 1)"""  # noqa: S608 - our own words
    values = {**bounds.values, "project": bounds.projects[0], "limit": limit, "probe": depth}
    ((found, begin, end),) = rows.read(sql, values)
    return Near(list(found), begin, end)


def _asked(bounds: Bounds, newer: bool) -> str:
    """By the index of terms alone: the bounds wait outside, lest the planner walk by them."""
    order = "ASC" if newer else "DESC"
    return f"""
        WITH found AS MATERIALIZED (
          SELECT id, project_id, created_at, trashed_at, purged_at FROM generations_asset
          WHERE terms @@ %(q)s::tsquery)
        SELECT id FROM found WHERE id > %(over)s AND id < %(under)s AND project_id = ANY(%(projects)s)
        AND {bounds.state} {bounds.exact} ORDER BY id {order} LIMIT %(limit)s"""  # noqa: S608 - our own words


def _terms(bounds: Bounds, months: Sequence[str], limit: int) -> dict[str, Any]:
    return {**bounds.values, "q": bounds.question(months), "limit": limit}


def _collected(
    bounds: Bounds, place: tuple[float, int] | None, newer: bool, limit: int
) -> tuple[list[UUID], list[str]]:
    """Pictures of a collection beyond a place, in its order, and the cursor of each."""
    order, beyond = ("DESC", "<") if newer else ("ASC", ">")
    edge = f"AND (item.rank, item.id) {beyond} (%(rank)s::float8, %(item)s::bigint)" if place else ""
    sql = f"""
        SELECT asset.id, item.rank, item.id FROM generations_collectionitem AS item
        JOIN generations_asset AS asset ON asset.id = item.asset_id
        WHERE item.collection_id = %(collection)s AND project_id = ANY(%(projects)s)
        AND {bounds.state} {bounds.exact} {bounds.asked} {edge}
        ORDER BY item.rank {order}, item.id {order} LIMIT %(limit)s"""  # noqa: S608 - our own words
    rank, item = place or (0, 0)
    found = rows.read(sql, {**bounds.values, "limit": limit, "rank": rank, "item": item})
    return [row[0] for row in found], [f"{row[1]!r}~{row[2]}" for row in found]


def _edge(name: str, cursor: str) -> UUID | None:
    try:
        return UUID(cursor) if cursor else None
    except ValueError:
        raise _not_ours(name) from None


def _position(name: str, cursor: str) -> tuple[float, int] | None:
    if not cursor:
        return None
    rank, _, item = cursor.partition("~")
    try:
        place = float(rank), int(item)
    except ValueError:
        raise _not_ours(name) from None
    if not 0 <= place[1] < 2**63:  # which no row of the database has
        raise _not_ours(name)
    return place


def _not_ours(name: str) -> Invalid:
    return wrong(name, _("must be taken from next or previous of a page of the same search."))
