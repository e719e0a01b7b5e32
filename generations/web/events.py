"""One stream of events for a page that watches work: which of it moved, so that the page asks what it became.

It tells ids, never contents: the page asks for those as it does where no stream gets through.
"""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from functools import partial
from uuid import UUID

from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from accounts.actions import project_where
from accounts.models import Role
from accounts.principal import Principal
from accounts.web.doorway import signed_in
from generations.api.streaming import streamed
from generations.models import Generation
from generations.waiting import TooManyWaiting, Watch

LONGEST = 600.0
"""Seconds after which the browser is let go, to come again by itself."""
KEEP_ALIVE = 5.0
"""Seconds between signs of life: a page that hears none for a while looks for a better way."""
AT_MOST_EVERY = 0.25
"""Seconds between two questions to the database for one page, however much moves."""


@require_safe
@signed_in
def events(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """Server-sent events for a project that I may see; 503 where this process has no room for more."""
    project = project_where(principal=principal, project_id=request.GET.get("project", ""), role=Role.VIEWER)
    try:
        return streamed(partial(_told, principal, project.id), wide=True)
    except TooManyWaiting as refusal:
        return HttpResponse(status=503, headers={"Retry-After": str(int(refusal.retry_after or 2))})


def _told(principal: Principal, project_id: UUID, watch: Watch) -> Generator[str]:
    """First of all "look": whatever moved before the page listened. Then what moves in the project."""
    end = time.monotonic() + LONGEST
    yield "retry: 2000\nevent: look\ndata: []\n\n"
    said_at = time.monotonic()
    while time.monotonic() < end:
        watch.sleep(KEEP_ALIVE)
        moved = watch.moved()
        said = _said(principal, project_id, moved)
        if not said and time.monotonic() - said_at > KEEP_ALIVE:
            said = "event: still\ndata: []\n\n"
        if said:
            yield said
            said_at = time.monotonic()
        if moved != set():
            time.sleep(AT_MOST_EVERY)  # no condition to wait for: what moves meanwhile is told together


def _said(principal: Principal, project_id: UUID, moved: set[UUID] | None) -> str:
    if moved is None:
        return "event: look\ndata: []\n\n"
    mine = _of_project(principal, project_id, moved)
    return f"event: moved\ndata: {json.dumps(mine)}\n\n" if mine else ""


def _of_project(principal: Principal, project_id: UUID, moved: set[UUID]) -> list[str]:
    """Those of the project, as long as its pages are there for whoever listens."""
    if not moved:
        return []
    found = Generation.objects.visible_to(principal).filter(id__in=moved, project=project_id)
    ids = [str(one) for one in found.values_list("id", flat=True)]
    connection.close()
    return ids
