"""How many pictures a search would find with each value of each facet, and in which months.

Counted are the newest 10,000 matches at most: exact up to there, "10,000+" beyond. Whole
projects that are larger are counted by ``tallies`` beforehand.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from accounts import rows
from accounts.principal import Principal
from generations.models import finding
from generations.models.bounds import Bounds, bounds_of
from generations.models.collection import CollectionItem, Tally
from generations.models.ids import id_at
from generations.models.search import Search

MOST = 10_000
FACETS = (
    *("project", "user", "provider", "model", "kind", "aspect"),
    *("rating", "favorite", "tag", "collection", "month"),
)
TOTAL = "pictures"
_RECENT = 1_000
"""Tags too new to have been tallied are suggested from this many of the newest pictures."""

_PLAIN = {
    "project": "project_id::text",
    "user": "user_id::text",
    "provider": "nullif(provider, '')",
    "model": "nullif(model, '')",
    "kind": "kind",
    "aspect": "generations_aspect(width, height)",
    "rating": "rating::text",
    "favorite": "CASE WHEN favorite_of @> ARRAY[%(person)s::uuid] THEN 'true' END",
    "month": "generations_month(id)",
    TOTAL: "''",
}


@dataclass(frozen=True, slots=True)
class Count:
    """So many, or at least so many."""

    number: int
    more: bool = False

    def __str__(self) -> str:
        return f"{self.number:,}+" if self.more else f"{self.number:,}"


@dataclass(frozen=True, slots=True)
class FacetValue:
    """One value of a facet: how many pictures the search finds with it, and where choosing it leads.

    ``value`` is as it stands in an address: an id, a slug, a tag, ``16:9``, ``true``. For
    ``rating`` it is the least, 1 to 5. ``address`` is the search with it, or without it if chosen.
    """

    value: str
    pictures: Count
    chosen: bool
    address: str


@dataclass(frozen=True, slots=True)
class Facets:
    """``values`` by facet, the most frequent first; ``as_of`` is when a large project was last counted."""

    total: Count
    values: dict[str, list[FacetValue]]
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class Month:
    """A month of the scrubber, its pictures (None: too many to count now), and its cursor for ``before=``."""

    first: date
    pictures: Count | None
    before: str


@dataclass(slots=True)
class Counts:
    """What was counted of one search: pictures by facet and value."""

    found: dict[str, Counter[str]]
    more: bool = False
    as_of: datetime | None = None

    @property
    def total(self) -> Count:
        return Count(self.found[TOTAL][""], self.more)


def facets(principal: Principal, search: Search, names: Sequence[str] = FACETS[:-1]) -> Facets:
    """For each facet its values with their counts, without regard to what is chosen of that facet.

    Of tags a picture must have all that are chosen, so theirs are counted within the choice.
    Raises NotFound.
    """
    bases: dict[Search, list[str]] = defaultdict(list)
    for name in names:
        bases[search if name == "tag" else search.without(name)].append(name)
    bases[search].append(TOTAL)
    values: dict[str, list[FacetValue]] = {}
    whole = Counts({TOTAL: Counter()})
    for base, wanted in bases.items():
        counts = count(principal, base, wanted)
        whole = counts if base == search else whole
        for name in wanted:
            if name != TOTAL:
                values[name] = _values(search, name, counts)
    return Facets(whole.total, {name: values[name] for name in names}, whole.as_of)


def months(principal: Principal, search: Search) -> list[Month]:
    """The months in which the search finds something, newest first; its dates do not matter.

    Where there are too many matches to count, every month in which the projects have pictures.
    Raises NotFound. A collection, which has an order of its own, has none.
    """
    if search.collection:
        return []
    anytime = search.changed(created_after=None, created_before=None)
    counts = count(principal, anytime, ["month", TOTAL])
    if counts.more:
        bounds = bounds_of(principal, anytime)
        return [_month(name, None) for name in reversed(finding.months_of(bounds))]
    return [
        _month(name, Count(number))
        for name, number in sorted(counts.found["month"].items(), reverse=True)
        if number
    ]


def cursor_at(search: Search, asset_id: UUID) -> str:
    """For ``before=``: the page that begins with this picture. Empty if the collection does not hold it."""
    if search.collection is None:
        return str(UUID(int=asset_id.int + 1))
    item = CollectionItem.objects.filter(collection=search.collection, asset=asset_id).first()
    return f"{item.rank!r}~{item.id - 1}" if item else ""


def suggest(principal: Principal, search: Search, start: str, limit: int = 10) -> list[tuple[str, Count]]:
    """Tags in the search's project (or all of mine) that begin with ``start``, the most frequent first."""
    begun = start.strip().casefold()
    found, more = tags(principal, search.plain())
    fitting = [
        (tag, Count(number, more))
        for tag, number in sorted(found.items(), key=lambda one: (-one[1], one[0]))
        if tag.casefold().startswith(begun)
    ]
    return fitting[:limit]


def tags(principal: Principal, search: Search) -> tuple[Counter[str], bool]:
    """Every tag with its pictures, and whether there are more; of large projects as last tallied."""
    counts = count(principal, search, ["tag", TOTAL])
    found = counts.found["tag"]
    if counts.as_of is not None:
        bounds = bounds_of(principal, search)
        source = _NEWEST.format(state=bounds.state, exact=bounds.exact)
        values = {**bounds.values, "person": principal.user.id, "most": _RECENT}
        for _name, tag, number in rows.read(_counting(source, ["tag"]), values):
            found[tag] = max(found[tag], number)
    return found, counts.more


def count(principal: Principal, search: Search, names: Iterable[str]) -> Counts:
    """Pictures by facet and value, of the newest matches. Raises NotFound."""
    wanted = list(dict.fromkeys([*names, TOTAL]))
    bounds, person = bounds_of(principal, search), principal.user.id
    counts = Counts(defaultdict(Counter))
    if not search.narrowed and not search.trashed:
        counts = _tallied(bounds, person)
        bounds = bounds.outside(set(counts.found["project"]))
    seen = 0
    for source, values in _sources(bounds, person):
        for name, value, number in rows.read(_counting(source, wanted), {**values, "most": MOST + 1 - seen}):
            if value is not None:
                counts.found[name][value] += number
            seen += number if name == TOTAL else 0
        if seen > MOST:
            counts.found[TOTAL][""] -= seen - MOST
            counts.more = True
            break
    return counts


def _sources(bounds: Bounds, person: UUID) -> Iterator[tuple[str, dict[str, Any]]]:
    """Where matches are, nearest first, as SQL with its values; together they are all of them."""
    values = {**bounds.values, "person": person}
    if not bounds.projects:
        return
    if bounds.collection:
        yield _IN_COLLECTION.format(state=bounds.state, exact=bounds.exact, asked=bounds.asked), values
    elif not bounds.parts or bounds.seed is not None:
        yield _NEWEST.format(state=bounds.state, exact=f"{bounds.exact} {bounds.asked}"), values
    else:
        for months_ in finding.windows(bounds, growth=2):
            yield (
                _ASKED.format(state=bounds.state, exact=bounds.exact),
                {**values, "q": bounds.question(months_)},
            )


def _counting(source: str, names: Sequence[str]) -> str:
    """Facet, value and number of each value that some picture of the source has."""
    each = [
        f"SELECT '{name}', {_PLAIN[name]} AS value, count(*) FROM found GROUP BY value"  # noqa: S608 - our words
        for name in names
        if name in _PLAIN
    ]
    if "tag" in names:
        each.append("SELECT 'tag', tag, count(*) FROM found, unnest(tags) AS tag GROUP BY tag")
    if "collection" in names:
        each.append(
            "SELECT 'collection', item.collection_id::text, count(*) FROM found"
            " JOIN generations_collectionitem AS item ON item.asset_id = found.id"
            " JOIN generations_collection AS held ON held.id = item.collection_id AND held.deleted_at IS NULL"
            " GROUP BY item.collection_id"
        )
    return f"WITH found AS MATERIALIZED ({source}) {' UNION ALL '.join(each)}"


def _tallied(bounds: Bounds, person: UUID) -> Counts:
    """The counts of those of the projects that are too large to count now."""
    counts = Counts(defaultdict(Counter))
    for tally in Tally.objects.filter(project__in=bounds.projects):
        name, value = tally.facet, tally.value
        if name == "favorite":
            if value != str(person):
                continue
            value = "true"
        if name == TOTAL:
            counts.found["project"][str(tally.project_id)] = tally.pictures
        counts.found[name][value] += tally.pictures
        counts.as_of = min(counts.as_of or tally.counted_at, tally.counted_at)
    return counts


def _values(search: Search, name: str, counts: Counts) -> list[FacetValue]:
    found = dict(counts.found[name])
    if name == "rating":
        found = {str(least): _at_least(counts.found[name], least) for least in (5, 4, 3, 2, 1)}
    for text in search.said.get(name, []):
        found.setdefault(text, 0)
    order = sorted(found, key=lambda value: (-found[value], value)) if name != "rating" else list(found)
    return [
        FacetValue(
            value,
            Count(min(found[value], MOST) if counts.more else found[value], counts.more),
            search.has(name, value),
            search.toggling(name, value).address,
        )
        for value in order
    ]


def _at_least(ratings: Counter[str], least: int) -> int:
    return sum(number for stars, number in ratings.items() if int(stars) >= least)


def _month(name: str, pictures: Count | None) -> Month:
    year, _, month = name.partition("-")
    first = datetime(int(year), int(month), 1, tzinfo=UTC)
    following = (first + timedelta(days=31)).replace(day=1)
    return Month(first.date(), pictures, str(id_at(following)))


_COLUMNS = "asset.id, project_id, user_id, provider, model, kind, rating, width, height, tags, favorite_of"
_NEWEST = f"""
    SELECT {_COLUMNS} FROM (
      SELECT one.id FROM unnest(%(projects)s::uuid[]) AS mine (project) CROSS JOIN LATERAL (
        SELECT id FROM generations_asset WHERE project_id = mine.project AND {{state}}
        AND id > %(over)s AND id < %(under)s {{exact}} ORDER BY id DESC LIMIT %(most)s) AS one
      ORDER BY one.id DESC LIMIT %(most)s) AS newest
    JOIN generations_asset AS asset USING (id)"""  # noqa: S608 - our words
_ASKED = f"""
    SELECT {_COLUMNS} FROM generations_asset AS asset WHERE terms @@ %(q)s::tsquery
    AND id > %(over)s AND id < %(under)s AND project_id = ANY(%(projects)s)
    AND {{state}} {{exact}} LIMIT %(most)s"""  # noqa: S608 - our words
_IN_COLLECTION = f"""
    SELECT {_COLUMNS} FROM generations_collectionitem AS item
    JOIN generations_asset AS asset ON asset.id = item.asset_id
    WHERE item.collection_id = %(collection)s AND project_id = ANY(%(projects)s)
    AND {{state}} {{exact}} {{asked}} ORDER BY item.rank, item.id LIMIT %(most)s"""  # noqa: S608 - our words
