"""What collections show of themselves: their cover, and how many pictures they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from accounts import rows

MOST = 10_000
"""More are not counted."""

# The cover is what was chosen, as long as it is there: one that was taken out, moved or trashed is
# not shown, and is the cover again when it comes back.
_CONTENTS = """
SELECT held.id, coalesce(chosen.id, first.id), (
  SELECT count(*) FROM (
    SELECT 1 FROM generations_collectionitem AS item
    JOIN generations_asset AS asset ON asset.id = item.asset_id
    WHERE item.collection_id = held.id AND asset.trashed_at IS NULL LIMIT %(most)s + 1) AS some_of_them)
FROM generations_collection AS held LEFT JOIN LATERAL (
  SELECT asset.id FROM generations_collectionitem AS item
  JOIN generations_asset AS asset ON asset.id = item.asset_id
  WHERE item.collection_id = held.id AND item.asset_id = held.cover_id AND asset.trashed_at IS NULL
) AS chosen ON true LEFT JOIN LATERAL (
  SELECT asset.id FROM generations_collectionitem AS item
  JOIN generations_asset AS asset ON asset.id = item.asset_id
  WHERE item.collection_id = held.id AND asset.trashed_at IS NULL ORDER BY item.rank, item.id LIMIT 1
) AS first ON true
WHERE held.id = ANY(%(ids)s)
"""


@dataclass(frozen=True, slots=True)
class Contents:
    """``cover`` is the chosen picture, else the first; ``more``: there are more than ``pictures``."""

    cover: UUID | None
    pictures: int
    more: bool


def contents(ids: Sequence[UUID]) -> dict[UUID, Contents]:
    """Of these collections, without what is in the trash: one query, however many there are."""
    found = rows.read(_CONTENTS, {"ids": list(ids), "most": MOST})
    return {one: Contents(cover, min(number, MOST), number > MOST) for one, cover, number in found}
