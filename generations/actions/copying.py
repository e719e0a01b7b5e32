"""Copies of pictures: a new picture with an object of its own, in the same or another project.

What is asked for is a row. Whoever works on it leaves it there until the object and the new
picture are there; so a copy that was interrupted goes on, and one that is asked for is never lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from uuid6 import uuid7

from accounts.models import Project
from accounts.principal import Principal
from generations.engine import duplicating
from generations.models import Asset, Copying

AT_ONCE = 8
"""So many are copied before the answer; the rest within some seconds, by whoever keeps house."""


def ask(*, principal: Principal, sources: Sequence[Asset], project: Project) -> list[UUID]:
    """The ids of the pictures that will be. Call inside a transaction, and ``begin`` after it."""
    asked = [
        Copying(id=uuid7(), source=source, project=project, user=principal.user)
        for source in sources
        if source.trashed_at is None
    ]
    Copying.objects.bulk_create(asked)
    return [one.id for one in asked]


def begin(ids: Sequence[UUID]) -> None:
    """Make the first of them now."""
    duplicating.work(ids[:AT_ONCE])
