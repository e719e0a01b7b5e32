"""A library without pictures' bytes: rows as the engine leaves them, for finding and putting in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from accounts import actions
from accounts.models import AuditEvent, Project, Role
from generations.actions import organise
from generations.actions.organise import Deed, Done
from generations.models import Asset, AssetKind, Collection
from generations.models.contents import contents
from tests.conftest import Person

T = TypeVar("T")


@dataclass
class Shelf:
    """Ada's pictures, in her own project and in another one."""

    ada: Person
    other: Project
    number: int = 0

    def put(
        self,
        prompt: str = "a red boat",
        *,
        project: Project | None = None,
        made: datetime | None = None,
        size: tuple[int, int] = (64, 48),
        trashed: bool = False,
        **facts: Any,
    ) -> Asset:
        """One picture, as if it had been made then."""
        self.number += 1
        moment = made or datetime.now(UTC)
        asset_id = UUID(int=(int(moment.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62) | self.number)
        project = project or self.ada.project
        asset = Asset.objects.create(
            id=asset_id,
            project=project,
            user=facts.pop("user", self.ada.user),
            kind=facts.pop("kind", AssetKind.GENERATED),
            prompt=prompt,
            storage_key=f"{project.id}/{asset_id}/none",
            sha256=f"{self.number:064x}",
            bytes=1,
            format="png",
            width=size[0],
            height=size[1],
            created_at=moment,
            trashed_at=timezone.now() if trashed else None,
            **facts,
        )
        return Asset.objects.get(id=asset.id)

    def let_in(self, guest: Person, role: Role, project: Project | None = None) -> None:
        actions.set_member(
            principal=self.ada.principal,
            project_id=(project or self.ada.project).id,
            email=guest.user.email,
            role=role,
        )

    def happened(self, project: Project) -> None:
        """Somebody did something there, a moment after everything so far."""
        made = AuditEvent.objects.create(verb="anything", subject="here", project=project)
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE accounts_auditevent SET at = clock_timestamp() + interval '1 s' WHERE id = %s",
                [made.id],
            )


@pytest.fixture
def shelf(ada: Person) -> Shelf:
    return Shelf(ada, actions.create_project(principal=ada.principal, name="Campaign"))


def do(person: Person, verb: str, ids: list[UUID], **what: Any) -> Done:
    """One verb over these pictures."""
    return organise.bulk(principal=person.principal, asked=Deed(verb, **what), ids=ids)


def cover_of(held: Collection) -> UUID | None:
    """What stands for the collection wherever it is shown."""
    return contents([held.id])[held.id].cover


def patient(call: Callable[[], T]) -> T:
    """In a thread of its own: it waits for a lock however long the others take."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = 0")
        return call()
    finally:
        connection.close()


def waiting() -> int:
    """How many of this database wait for a lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return int(cursor.fetchone()[0])
