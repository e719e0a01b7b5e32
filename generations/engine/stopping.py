"""Stopping what was asked for, as far as it has not left; and batches: at rest, stopped, ended."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from generations.engine import clock, planning, reading
from generations.engine.conclude import conclude
from generations.engine.noticing import BATCH_ENDED
from generations.engine.persistence import in_transaction
from generations.models import Batch, Generation, Notice, Submission, move_submission, notify
from generations.states import SubmissionState
from providers.errors import Reason, Unusable

_S = SubmissionState


def stop(generation_id: UUID, *, who: str) -> bool:
    """Call off what has not been sent, and ask for the rest to be stopped; False if it had ended.

    In the caller's transaction. Twice changes nothing.
    """
    generation = reading.lock_generation(generation_id)
    if generation.ended:
        return False
    if generation.cancel_requested_at is None:
        generation.cancel_requested_at = clock.now()
        generation.save(update_fields=["cancel_requested_at"])
    for submission in Submission.objects.filter(generation=generation, state=_S.PLANNED):
        # What was put back may have been taken on all the same: its pictures may still come, and are kept.
        end = _S.REFUSED if submission.posts else _S.CANCELED
        move_submission(submission, end, who=who, why="canceled", reason=Reason.CANCELED.value)
    running = Submission.objects.filter(generation=generation, state=_S.RUNNING).select_related("account")
    if stoppable := [one.id for one in running if _can_stop(one)]:
        Submission.objects.filter(id__in=stoppable, state=_S.RUNNING).update(due_at=Now())
    conclude(generation)
    notify(planning.DUE_CHANNEL)
    return True


def _can_stop(submission: Submission) -> bool:
    """Whether its gateway can be told; where it cannot, a question before its time would gain nothing."""
    try:
        gateway = submission.account.adapter(secret=False)
    except Unusable:
        return False
    return gateway.cancel(submission.theirs or str(submission.ours)) is not None


def stop_batch(batch: Batch, *, who: str) -> None:
    """Each work in a transaction of its own: whoever ends one locks its wallet after it.

    Being killed half-way costs nothing: what was to be sent is at rest, and the sweep goes on here.
    """
    for generation_id in list(
        Generation.objects.live().filter(batch=batch).order_by("id").values_list("id", flat=True)
    ):
        in_transaction(partial(stop, generation_id, who=who))


def look_after_batches() -> None:
    """Finish what a killed cancel left, and tell people that their batch has ended. Harmless twice."""
    stranded = Generation.objects.filter(
        submissions__in=Submission.objects.filter(state=_S.PLANNED, due_at=planning.AT_REST),
        cancel_requested_at__isnull=False,
    )
    for generation_id in list(stranded.values_list("id", flat=True).distinct()[:200]):
        in_transaction(partial(stop, generation_id, who="sweep"))
    working = Generation.objects.live().filter(batch=OuterRef("pk"))
    for batch in Batch.objects.filter(noticed_at=None).exclude(Exists(working)).order_by("id")[:50]:
        in_transaction(partial(_tell, batch))


def _tell(batch: Batch) -> None:
    """Once; whoever canceled it knows already."""
    told = Batch.objects.filter(id=batch.id, noticed_at=None).update(noticed_at=Now())
    if told and batch.canceled_at is None:
        about = {"batch": str(batch.id)}
        Notice.objects.create(
            user_id=batch.user_id, project_id=batch.project_id, kind=BATCH_ENDED, about=about
        )
