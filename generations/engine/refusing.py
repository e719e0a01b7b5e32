"""What was surely not taken on goes out again, elsewhere, or not at all; what may have been is looked up."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from generations.engine import pace, planning
from generations.engine.conclude import conclude, lock
from generations.engine.hearing import Heard
from generations.engine.persistence import in_transaction
from generations.models import Submission, move_submission, notify
from generations.states import SubmissionState
from providers.errors import Reason

_S = SubmissionState
SEND_TRIES = 5


def refuse_unsent(submission: Submission, reason: Reason) -> bool:
    """Close a submission that cannot be sent through its account, and look for another way."""

    def work() -> bool:
        submission.state = _S.PLANNED  # also after a deadlock has undone an earlier try
        generation = lock(submission.generation_id)
        submission.generation = generation
        if not move_submission(submission, _S.REFUSED, reason=reason.value):
            return False
        go_elsewhere(submission)
        conclude(generation)
        return True

    return in_transaction(work)


def put_back(submission: Submission, heard: Heard, reason: Reason, retry_after: float | None) -> None:
    """Surely not taken on: the same submission goes out again later, unless its time is up."""
    now = timezone.now()
    tries = submission.tries + 1
    unreachable = reason == Reason.UNREACHABLE
    if reason == Reason.RATE_LIMITED or retry_after is not None:
        wait = min(600.0, max(1.0, retry_after if retry_after is not None else pace.backoff(tries, base=1.0)))
        pace.pause(submission.account_id, pace.BUSY, seconds=wait)
    else:
        wait = pace.backoff(tries)
    over = now + timedelta(seconds=wait) > submission.generation.deadline_at or (
        unreachable and tries >= SEND_TRIES
    )
    if over or submission.generation.cancel_requested_at:
        gone = Reason.CANCELED if submission.generation.cancel_requested_at else reason
        move_submission(submission, _S.REFUSED, who=heard.who, reason=gone.value, tries=tries)
        if gone == Reason.UNREACHABLE:
            go_elsewhere(submission)
        return
    move_submission(
        submission,
        _S.PLANNED,
        who=heard.who,
        why=reason.value,
        due_at=now + timedelta(seconds=wait),
        tries=tries,
        sent_at=None,
        reason=reason.value,
    )


def lose_track(submission: Submission, heard: Heard, why: str) -> None:
    """Nobody can say whether it was taken on: look it up, never send it blindly again."""
    now = timezone.now()
    if submission.state in {_S.SENDING, _S.RUNNING}:
        move_submission(
            submission,
            _S.UNKNOWN,
            who=heard.who,
            why=why,
            due_at=now,
            reason=Reason.NO_ANSWER.value,
            polls=0,
            misses=0,
            missing_since=None,
        )
    elif submission.state == _S.UNKNOWN:
        Submission.objects.filter(id=submission.id).update(due_at=now + timedelta(seconds=5))


def go_elsewhere(submission: Submission) -> None:
    generation = submission.generation
    if generation.cancel_requested_at or timezone.now() > generation.deadline_at:
        return
    if planning.plan_elsewhere(generation, submission):
        notify(planning.DUE_CHANNEL)
