"""A project's work, newest first: each wish with its pictures, or the places where they will be."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from accounts.models import Project, Role
from accounts.principal import Principal
from generations.models import Asset, Generation
from generations.states import ENDED, GenerationStatus
from generations.web.framing import frame_of

PAGE = 20


@dataclass
class Work:
    """One generation as a page shows it."""

    generation: Generation
    pictures: list[Asset] = field(default_factory=list)
    editable: bool = True
    final_price: int | None = None
    """Micro-dollars for one of its pictures in full; None where that is not offered."""
    token: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def live(self) -> bool:
        return self.generation.status not in ENDED

    @property
    def frame(self) -> tuple[int, int]:
        return frame_of(self.generation.parameters)

    @property
    def waiting(self) -> range:
        """One for each picture that is still to come."""
        missing = self.generation.requested - len(self.pictures)
        return range(missing if self.live and missing > 0 else 0)

    @property
    def missing(self) -> int:
        """How many were asked for and will not come."""
        short = self.generation.requested - self.generation.delivered
        return max(0, short) if self.generation.status == GenerationStatus.SUCCEEDED else 0

    @property
    def version(self) -> str:
        """Changes when what is shown changes."""
        shown = self.generation
        canceling = "c" if shown.cancel_requested_at else ""
        return f"{shown.status}-{shown.progress}-{len(self.pictures)}-{shown.provider}{canceling}"


@dataclass(frozen=True)
class Stream:
    """A page of work, and where the older work begins."""

    works: list[Work]
    older: UUID | None

    @property
    def live(self) -> bool:
        return any(work.live for work in self.works)


def may_make(principal: Principal, project: Project) -> bool:
    """Whether the person may ask for pictures there."""
    mine = Project.objects.where_may(principal, Role.EDITOR).filter(id=project.id, archived_at=None)
    return mine.exists()


def page(principal: Principal, project: Project, *, before: UUID | None, editable: bool) -> Stream:
    """Work of the project that was asked for before that one; keyset, never counted.

    What belongs to a batch stands on the batch's own page.
    """
    rows = Generation.objects.visible_to(principal).filter(project=project, batch=None).order_by("-id")
    if before is not None:
        rows = rows.filter(id__lt=before)
    found = list(rows.select_related("user")[: PAGE + 1])
    works = with_pictures(found[:PAGE], editable=editable)
    return Stream(works, found[PAGE - 1].id if len(found) > PAGE else None)


def with_pictures(generations: Sequence[Generation], *, editable: bool = True) -> list[Work]:
    """Each with its pictures: one more query, however many there are."""
    known = {one.id: one for one in generations}
    pictures: dict[UUID, list[Asset]] = defaultdict(list)
    for asset in Asset.objects.made_by(generations):
        assert asset.generation_id is not None
        asset.generation = known[asset.generation_id]
        pictures[asset.generation_id].append(asset)
    return [Work(one, pictures[one.id], editable) for one in generations]


def changed(principal: Principal, seen: Iterable[tuple[UUID, str]], editable: set[UUID]) -> list[Work]:
    """Those of the works somebody is looking at that look different now."""
    versions = dict(seen)
    rows = Generation.objects.visible_to(principal).filter(id__in=versions).select_related("user")
    works = with_pictures(list(rows.order_by("id")))
    for work in works:
        work.editable = work.generation.project_id in editable
    return [work for work in works if work.version != versions[work.generation.id]]
