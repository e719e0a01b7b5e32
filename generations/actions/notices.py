"""Notices: what a person should know, kept until it is read, and long after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from accounts.models import Project, User
from accounts.principal import Principal
from generations.engine.noticing import BATCH_ENDED, WORK_ENDED
from generations.models import Asset, Batch, Comparison, Generation, Notice
from generations.states import GenerationStatus

COMMENTED = "comment"
CAME_IN = "invitation_accepted"
MOST_COUNTED = 99
MOST_WAITED_FOR = 40


@dataclass(frozen=True, slots=True)
class Said:
    """A notice as people read it. ``path`` is what to open, empty where there is nothing any more."""

    id: UUID
    kind: str
    sentence: str
    path: str
    created_at: datetime
    read: bool


def tell(user: User, kind: str, project: Project | None, about: Mapping[str, object]) -> Notice:
    """Leave a notice for somebody. In the caller's transaction; ``about`` holds ids."""
    named = {name: str(value) for name, value in about.items()}
    return Notice.objects.create(user=user, kind=kind, project=project, about=named)


def mine(principal: Principal) -> QuerySet[Notice]:
    """What the person was told; to a key that is bound to a project, only what is about that one.

    Also what is about something they can no longer see: ``said`` keeps to itself what that was.
    """
    told = Notice.objects.filter(user=principal.user)
    return told.filter(project_id=principal.project_id) if principal.project_id else told


def unread(principal: Principal) -> int:
    """How many are not read, up to 99."""
    return len(mine(principal).filter(read_at=None).values_list("id")[:MOST_COUNTED])


def mark_read(*, principal: Principal, ids: Iterable[UUID] | None = None) -> int:
    """Mark those named, or all; how many were unread. Other people's ids change nothing."""
    told = mine(principal).filter(read_at=None)
    if ids is not None:
        told = told.filter(id__in=list(ids)[:1000])
    return told.update(read_at=Now())


def waited_for(principal: Principal, ids: Iterable[UUID]) -> tuple[list[Said], list[UUID]]:
    """Of these works and comparisons of one's own: those that are over, in words, and those that go on.

    A batch tells of its own end, and whoever canceled a work knows.
    """
    named = list(ids)[:MOST_WAITED_FOR]
    asked = Q(user=principal.user, id__in=named)
    works = Generation.objects.visible_to(principal).filter(asked, batch=None)
    works = works.exclude(status=GenerationStatus.CANCELED)
    compared = Comparison.objects.visible_to(principal).filter(asked)
    going = Generation.objects.live().filter(Q(id__in=named) | Q(comparison__in=named))
    waiting = {one for ids_ in going.values_list("id", "comparison") for one in ids_ if one in named}
    over = [
        *(_over(one, _ended(one), f"/generations/{one.id}") for one in works),
        *(_over(one, _ready(one.prompt), f"/comparisons/{one.id}?blind=1") for one in compared),
    ]
    return [one for one in over if one.id not in waiting], [one.id for one in over if one.id in waiting]


def _over(row: Generation | Comparison, sentence: str, path: str) -> Said:
    return Said(row.id, WORK_ENDED, sentence, path, row.created_at, read=False)


def said(principal: Principal, notices: Sequence[Notice]) -> list[Said]:
    """In words, in the language of the moment; four queries, however many there are."""
    facts = _Facts(principal, notices)
    return [_said(notice, facts) for notice in notices]


class _Facts:
    """What notices are about, as far as the principal may see it."""

    def __init__(self, principal: Principal, notices: Sequence[Notice]) -> None:
        self.generations = Generation.objects.visible_to(principal).in_bulk(_ids(notices, "generation"))
        self.batches = Batch.objects.visible_to(principal).in_bulk(_ids(notices, "batch"))
        self.assets = Asset.objects.visible_to(principal).in_bulk(_ids(notices, "asset"))
        self.people = User.objects.in_bulk(_ids(notices, "by"))
        self.projects = Project.objects.visible_to(principal).in_bulk(
            {notice.project_id for notice in notices if notice.project_id}
        )


def _said(notice: Notice, facts: _Facts) -> Said:
    sentence, path = _words(notice, facts)
    return Said(notice.id, notice.kind, sentence, path, notice.created_at, notice.read_at is not None)


def _words(notice: Notice, facts: _Facts) -> tuple[str, str]:
    about = {name: UUID(value) for name, value in notice.about.items()}
    by = facts.people.get(about.get("by", notice.id))
    who = by.display_name if by else _("Somebody")
    project = facts.projects.get(notice.project_id) if notice.project_id else None
    if notice.kind == WORK_ENDED and (work := facts.generations.get(about["generation"])):
        return _ended(work), f"/generations/{work.id}"
    if notice.kind == BATCH_ENDED and (batch := facts.batches.get(about["batch"])):
        return _("The batch “%(name)s” has ended.") % {"name": brief(batch.name)}, f"/batches/{batch.id}"
    if notice.kind == COMMENTED and (asset := facts.assets.get(about["asset"])):
        named = {"who": who, "what": brief(str(asset))}
        return _("%(who)s commented on “%(what)s”.") % named, f"/pictures/{asset.id}"
    if notice.kind == CAME_IN and project:
        named = {"who": who, "project": project.name}
        return _("%(who)s accepted your invitation to %(project)s.") % named, f"/projects/{project.id}"
    return _("This is about something you can no longer see."), ""


def _ended(work: Generation) -> str:
    if work.status == GenerationStatus.SUCCEEDED:
        return _ready(work.prompt)
    said = {"prompt": brief(work.prompt)}
    return _("Not made: “%(prompt)s”. Nothing was charged for what is missing.") % said


def _ready(prompt: str) -> str:
    return _("Ready: “%(prompt)s”") % {"prompt": brief(prompt)}


def brief(text: str, most: int = 80) -> str:
    """On one line, of at most so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _ids(notices: Iterable[Notice], name: str) -> set[UUID]:
    return {UUID(notice.about[name]) for notice in notices if name in notice.about}
