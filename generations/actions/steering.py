"""Batches under way: paused, resumed, canceled, and how far each has come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.contrib.postgres.aggregates import BoolOr
from django.db import transaction
from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from accounts.actions import audit, project_where
from accounts.errors import Conflict, NotFound
from accounts.models import Role
from accounts.principal import Principal
from generations.engine import planning, stopping
from generations.models import Batch, Generation, Submission, notify
from generations.models.submission import SubmissionQuerySet
from generations.states import ENDED, GenerationStatus, SubmissionState
from generations.tasks import wake


def visible(principal: Principal, batch_id: UUID) -> Batch:
    """Raises NotFound."""
    found = Batch.objects.visible_to(principal).filter(id=batch_id).first()
    if found is None:
        raise NotFound(_("There is no such batch."), code="batch_not_found")
    return found


def pause(*, principal: Principal, batch_id: UUID) -> Batch:
    """Send nothing more for now; what is on the wire goes on. Twice changes nothing. Raises Conflict."""
    batch = _editable(principal, batch_id)
    with transaction.atomic():
        _lock_open(batch)
        if Batch.objects.filter(id=batch.id, paused_at=None).update(paused_at=Now()):
            planning.lay_at_rest(_planned(batch))
            audit(principal.user, "pause_batch", batch.id, batch.project_id)
    batch.refresh_from_db()
    return batch


def resume(*, principal: Principal, batch_id: UUID) -> Batch:
    """Go on; the time it stood still does not count against its works. Raises Conflict."""
    batch = _editable(principal, batch_id)
    with transaction.atomic():
        live = _lock_open(batch)
        paused_at = Batch.objects.values_list("paused_at", flat=True).get(id=batch.id)
        if paused_at is not None and Batch.objects.filter(id=batch.id, paused_at=paused_at).update(
            paused_at=None
        ):
            Generation.objects.filter(id__in=live).update(deadline_at=F("deadline_at") + (Now() - paused_at))
            _planned(batch).filter(due_at=planning.AT_REST).update(due_at=Now())
            audit(principal.user, "resume_batch", batch.id, batch.project_id)
            notify(planning.DUE_CHANNEL)
    wake()
    batch.refresh_from_db()
    return batch


def cancel(*, principal: Principal, batch_id: UUID) -> Batch:
    """Call off all that has not been sent, and give its price back. What gateways finish is kept.

    Twice changes nothing.
    """
    batch = _editable(principal, batch_id)
    with transaction.atomic():
        live = _lock(batch)
        if live and Batch.objects.filter(id=batch.id, canceled_at=None).update(canceled_at=Now()):
            Generation.objects.filter(id__in=live, cancel_requested_at=None).update(cancel_requested_at=Now())
            planning.lay_at_rest(_planned(batch))
            audit(principal.user, "cancel_batch", batch.id, batch.project_id)
    stopping.stop_batch(batch, who=str(principal.user.id))
    batch.refresh_from_db()
    return batch


def _editable(principal: Principal, batch_id: UUID) -> Batch:
    batch = visible(principal, batch_id)
    project_where(principal=principal, project_id=batch.project_id, role=Role.EDITOR)
    return batch


def _lock(batch: Batch) -> list[UUID]:
    """Its works that have not ended, locked, so that nothing of them is put back or planned meanwhile."""
    live = Generation.objects.live().filter(batch=batch).order_by("id").select_for_update(no_key=True)
    return list(live.values_list("id", flat=True))


def _lock_open(batch: Batch) -> list[UUID]:
    live = _lock(batch)
    canceled = Batch.objects.filter(id=batch.id, canceled_at__isnull=False).exists()
    if canceled or not live:
        raise Conflict(
            _("This batch has ended; there is nothing left to pause or resume."), code="batch_ended"
        )
    return live


def _planned(batch: Batch) -> SubmissionQuerySet:
    return Submission.objects.filter(generation__batch=batch, state=SubmissionState.PLANNED)


@dataclass(frozen=True, slots=True)
class Course:
    """How far a batch has come. Money is micro-dollars: ``held`` for running work, ``charged`` for ended.

    ``made``: works with pictures, of which ``delivered`` are there in all.
    """

    counts: Mapping[str, int]
    made: int
    delivered: int
    held: int
    charged: int
    sandbox: bool
    """Whether any of it is the sandbox's."""

    @property
    def live(self) -> int:
        """Works that have not ended."""
        return sum(number for status, number in self.counts.items() if status not in ENDED)

    def status(self, batch: Batch) -> str:
        """``running``, ``paused``, ``canceling``, ``canceled`` or ``ended``."""
        if not self.live:
            return "canceled" if batch.canceled_at else "ended"
        if batch.canceled_at:
            return "canceling"
        return "paused" if batch.paused_at else "running"


def courses(batches: Sequence[Batch]) -> dict[UUID, Course]:
    """One query, however many there are."""
    rows = (
        Generation.objects.filter(batch__in=batches)
        .values("batch", "status")
        .annotate(
            works=Count("id"),
            made=Count("id", filter=Q(delivered__gt=0)),
            pictures=Sum("delivered"),
            quotes=Sum("quoted"),
            charges=Sum("charged"),
            samples=BoolOr("sandbox"),
        )
        .order_by()
    )
    counts: dict[UUID, Counter[str]] = {batch.id: Counter() for batch in batches}
    sums: dict[UUID, Counter[str]] = {batch.id: Counter() for batch in batches}
    for row in rows:
        of = row["batch"]
        counts[of][row["status"]] += row["works"]
        sums[of]["made"] += row["made"]
        sums[of]["delivered"] += row["pictures"]
        sums[of]["charged"] += row["charges"]
        sums[of]["samples"] += row["samples"]
        if row["status"] not in ENDED:
            sums[of]["held"] += row["quotes"]
    ordered = {
        of: {one: found[one] for one in GenerationStatus.values if found[one]} for of, found in counts.items()
    }
    return {
        of: Course(
            ordered[of],
            found["made"],
            found["delivered"],
            found["held"],
            found["charged"],
            sandbox=bool(found["samples"]),
        )
        for of, found in sums.items()
    }
