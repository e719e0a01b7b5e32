"""Pictures that look like another, by 64 bits each: at a million as at ten, by four indexes of 16 bits.

What is at most ``imaging.ALIKE`` bits away has a band of 16 bits that is at most two bits away,
so asking the index of each band for every value near enough finds all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import combinations
from uuid import UUID

from accounts import rows
from accounts.models import Project
from accounts.principal import Principal
from generations.imaging import ALIKE, NOTHING

_BITS = 16
_BANDS = range(4)
_EXACT, _ROUGH = 2, 1
"""Bits by which a band may differ: for what was asked, and for what it might have been before a cut."""

# Value by value, so that the planner asks the index, whatever it believes of the whole.
_NEAR = " UNION ALL ".join(
    f"""SELECT one.* FROM unnest(%(band{band})s::bigint[]) AS value CROSS JOIN LATERAL (
      SELECT id, project_id, likeness FROM generations_asset
      WHERE ((likeness >> {_BITS * band}) & 65535) = value AND likeness <> 0 AND trashed_at IS NULL
      OFFSET 0) AS one"""  # noqa: S608 - our own words
    for band in _BANDS
)
_SQL = f"""
WITH near AS MATERIALIZED ({_NEAR})
SELECT id, min(bit_count((likeness # wanted)::bit(64))) AS apart
FROM near, unnest(%(wanted)s::bigint[]) AS wanted
WHERE project_id = ANY(%(projects)s) AND id <> ALL(%(but)s::uuid[])
GROUP BY id HAVING min(bit_count((likeness # wanted)::bit(64))) <= %(most)s
ORDER BY apart, id DESC LIMIT %(limit)s
"""  # noqa: S608 - our own words


def alike(
    principal: Principal, wanted: Sequence[int], *, but: Sequence[UUID] = (), limit: int = 24
) -> list[tuple[UUID, int]]:
    """Pictures not in the trash that the principal may see and that look alike, and how many bits apart.

    ``wanted`` are likenesses of one picture, the most important first; the nearest come first.
    """
    wanted = [one for one in dict.fromkeys(wanted) if one != NOTHING]
    projects = list(Project.objects.visible_to(principal).values_list("id", flat=True))
    if not wanted or not projects:
        return []
    bands = {f"band{band}": _values(wanted, band) for band in _BANDS}
    asked = {"wanted": wanted, "projects": projects, "but": list(but), "most": ALIKE, "limit": limit}
    return [(found[0], found[1]) for found in rows.read(_SQL, {**asked, **bands})]


def apart(one: int, other: int) -> int:
    """In how many bits two likenesses differ."""
    return ((one ^ other) & ((1 << 64) - 1)).bit_count()


def percent(bits: int) -> int:
    """How alike two pictures are, in per cent; 100 means the eye sees no difference."""
    return round(100 * (64 - bits) / 64)


def _values(wanted: Sequence[int], band: int) -> list[int]:
    """What the band may be in a picture that is alike."""
    found: set[int] = set()
    for place, one in enumerate(wanted):
        own = (one >> (_BITS * band)) & 0xFFFF
        found |= {own ^ flipped for flipped in _flips(_ROUGH if place else _EXACT)}
    return sorted(found)


@cache
def _flips(most: int) -> list[int]:
    """Every pattern of at most so many bits."""
    return [
        sum(1 << bit for bit in bits)
        for count in range(most + 1)
        for bits in combinations(range(_BITS), count)
    ]
