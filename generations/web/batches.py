"""Batches: their list, and one of them as it goes, with what can be done about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.actions import as_uuid
from accounts.models import Project
from accounts.principal import Principal
from accounts.web.doorway import is_fragment, signed_in
from generations.actions import steering
from generations.actions.steering import Course
from generations.models import Batch, Generation
from generations.states import ENDED, GenerationStatus
from generations.web import finals, stream
from generations.web.stream import Work, may_make

PAGE = 30
LISTED = 30
MOST_LIVE = 5
"""Batches under way that the composer's page shows."""


@dataclass(frozen=True)
class Going:
    """A batch as a page shows it."""

    batch: Batch
    course: Course
    editable: bool = False

    @property
    def status(self) -> str:
        return self.course.status(self.batch)

    @property
    def live(self) -> bool:
        return self.course.live > 0

    @property
    def over(self) -> int:
        """Works that have ended."""
        return self.batch.works - self.course.live

    @property
    def done(self) -> int:
        """Works that have ended; once all have, those of which something was made."""
        return self.over if self.live else self.course.made

    @property
    def counted(self) -> list[tuple[str, int]]:
        """Each status that some of its works have, in words, and how many."""
        return [(str(GenerationStatus(name).label), number) for name, number in self.course.counts.items()]

    @property
    def version(self) -> str:
        """Changes when what is shown changes."""
        return f"{self.status}-{self.course.delivered}-{self.over}-{self.course.charged}"


def going(found: list[Batch], *, editable: bool = False) -> list[Going]:
    courses = steering.courses(found)
    return [Going(batch, courses[batch.id], editable) for batch in found]


def under_way(principal: Principal, project: Project) -> list[Going]:
    """Those of the project that have not ended."""
    live = Generation.objects.live().filter(project=project, batch__isnull=False).values("batch")
    found = Batch.objects.visible_to(principal).filter(id__in=live).order_by("-id")
    return going(list(found[:MOST_LIVE]))


@require_safe
@signed_in
def batches(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    rows = Batch.objects.visible_to(principal).select_related("project", "user").order_by("-id")
    wanted = as_uuid(request.GET.get("project", ""))
    if wanted:
        rows = rows.filter(project=wanted)
    if before := as_uuid(request.GET.get("before", "")):
        rows = rows.filter(id__lt=before)
    found = list(rows[: LISTED + 1])
    context = {
        "batches": going(found[:LISTED]),
        "older": found[LISTED - 1].id if len(found) > LISTED else None,
        "project": Project.objects.visible_to(principal).filter(id=wanted).first() if wanted else None,
    }
    return render(request, "batches.html", context)


@require_safe
@signed_in
def batch(request: HttpRequest, principal: Principal, batch_id: UUID) -> HttpResponseBase:
    """How far it is, and its works in their order; ``only`` narrows to those that failed or still go."""
    found = steering.visible(principal, batch_id)
    editable = may_make(principal, found.project)
    works, further = _works(found, request, editable=editable)
    context = {
        "going": going([found], editable=editable)[0],
        "project": found.project,
        "works": works,
        "further": further,
        "only": request.GET.get("only", ""),
    }
    return render(request, "_fragments/batch_works.html" if is_fragment(request) else "batch.html", context)


def _works(found: Batch, request: HttpRequest, *, editable: bool) -> tuple[list[Work], UUID | None]:
    rows = Generation.objects.filter(batch=found).select_related("user").order_by("id")
    only = request.GET.get("only", "")
    if only == "failed":
        rows = rows.filter(status__in=[GenerationStatus.FAILED, GenerationStatus.CANCELED])
    elif only == "live":
        rows = rows.exclude(status__in=ENDED)
    if after := as_uuid(request.GET.get("after", "")):
        rows = rows.filter(id__gt=after)
    page = list(rows[: PAGE + 1])
    works = stream.with_pictures(page[:PAGE], editable=editable)
    finals.price(works)
    return works, page[PAGE - 1].id if len(page) > PAGE else None


def changed(principal: Principal, seen: str) -> Going | None:
    """The batch that somebody is looking at (``id:version``), if it looks different now."""
    text, _colon, version = seen.partition(":")
    wanted = as_uuid(text)
    found = Batch.objects.visible_to(principal).filter(id=wanted).first() if wanted else None
    if found is None:
        return None
    one = going([found], editable=may_make(principal, found.project))[0]
    return one if one.version != version else None


def _verb(act: Callable[..., Batch]) -> Any:
    @require_POST
    @signed_in
    def view(request: HttpRequest, principal: Principal, batch_id: UUID) -> HttpResponseBase:
        found = act(principal=principal, batch_id=batch_id)
        if not is_fragment(request):
            return redirect("batch", found.id)
        one = going([found], editable=True)[0]
        return render(request, "_fragments/changed.html", {"works": [], "going": one})

    return view


pause = _verb(steering.pause)
resume = _verb(steering.resume)
cancel = _verb(steering.cancel)
