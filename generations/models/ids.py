"""Ids (UUID version 7) begin with the moment they were minted at: their order is that of time."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from uuid import UUID


def id_at(moment: datetime) -> UUID:
    """The first id of a time: ids that are minted then or later are not less."""
    return UUID(int=max(0, int(moment.timestamp() * 1000)) << 80)


def minted_at(moment: datetime) -> UUID:
    """A new id (version 7) as if it had been minted then: an old picture stands among those of its time."""
    at = max(0, int(moment.timestamp() * 1000))
    return UUID(int=at << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62))


def moment_of(asset_id: UUID) -> datetime:
    """When an id was minted."""
    return datetime.fromtimestamp((asset_id.int >> 80) / 1000, UTC)
