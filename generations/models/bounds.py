"""A search as the database is asked: in which projects, what must be true, between which ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts import rows
from accounts.errors import NotFound
from accounts.models import Project, User
from accounts.principal import Principal
from generations.models.collection import Collection
from generations.models.ids import id_at
from generations.models.search import Search, any_of

MOST_SHELVES = 300
"""More pairs of project and month than these are not named to the index, but looked at in the rows."""
FIRST, LAST = UUID(int=0), UUID(int=(1 << 128) - 1)
_SLACK = timedelta(days=1)
"""An id is minted up to so long before its row is written."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """A search as the database is asked: in which projects, what must be true, between which ids."""

    projects: list[UUID]
    parts: list[str]
    over: UUID
    under: UUID
    since: datetime | None
    until: datetime | None
    trashed: bool
    collection: UUID | None
    seed: int | None = None

    def question(self, months: Sequence[str]) -> str:
        """The whole of it as one tsquery, in some months."""
        if len(self.projects) * len(months) > MOST_SHELVES:
            return " & ".join([*self.parts, any_of("month", months)])
        shelf = "trashed" if self.trashed else "kept"
        shelves = [f"{project}:{month}" for project in self.projects for month in months]
        return " & ".join([*self.parts, any_of(shelf, shelves)])

    def between(self, over: UUID, under: UUID) -> Bounds:
        """The same, within narrower bounds, which are not part of it."""
        return replace(self, over=max(self.over, over), under=min(self.under, under))

    def beyond(self, edge: UUID, newer: bool) -> Bounds:
        """What is newer than an id, or older."""
        return self.between(edge, LAST) if newer else self.between(FIRST, edge)

    @property
    def values(self) -> dict[str, Any]:
        return {
            "projects": self.projects,
            "over": self.over,
            "under": self.under,
            "since": self.since or datetime.min.replace(tzinfo=UTC),
            "until": self.until or datetime.max.replace(tzinfo=UTC),
            "q": " & ".join(self.parts),
            "collection": self.collection,
            "seed": self.seed,
        }

    @property
    def exact(self) -> str:
        """What no term says, where it is asked for: the seed, and times, which ids only come close to."""
        timed = self.since is not None or self.until is not None
        when = "AND created_at >= %(since)s AND created_at < %(until)s" if timed else ""
        return when if self.seed is None else f"{when} AND seed = %(seed)s"

    @property
    def asked(self) -> str:
        return "AND terms @@ %(q)s::tsquery" if self.parts else ""

    def outside(self, projects: set[str]) -> Bounds:
        """The same without some projects."""
        return replace(self, projects=[one for one in self.projects if str(one) not in projects])

    @property
    def state(self) -> str:
        return "trashed_at IS NOT NULL AND purged_at IS NULL" if self.trashed else "trashed_at IS NULL"


def bounds_of(principal: Principal, search: Search) -> Bounds:
    """Raises NotFound for a project or a collection that the principal may not see."""
    mine = {one for (one,) in rows.planned(rows.composed(_mine), [principal.user.id])}
    for only in (principal.project_id, search.project):
        mine &= {only} if only else mine
    projects = sorted(mine)
    if search.project and not projects:
        raise NotFound(_("There is no such project."), code="project_not_found")
    if search.collection:
        held = Collection.objects.visible_to(principal).filter(id=search.collection).first()
        if held is None:
            raise NotFound(_("There is no such collection."), code="collection_not_found")
        projects = [held.project_id] if held.project_id in projects else []
    after, before = search.created_after, search.created_before
    return Bounds(
        projects,
        search.parts(principal.user.id),
        id_at(after - _SLACK) if after else FIRST,
        id_at(before + _SLACK) if before else LAST,
        after,
        before,
        search.trashed,
        search.collection,
        search.seed,
    )


def _mine() -> QuerySet[Project, Any]:
    """The ids of a person's projects."""
    return Project.objects.visible_to(Principal(User())).values_list("id")
