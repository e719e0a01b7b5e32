"""What was surely not taken on goes out again, elsewhere, or not at all; what may have been is looked up."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError
from django.db.models.functions import Now

from generations.engine import clock, pace, planning, reading
from generations.engine.conclude import conclude
from generations.engine.hearing import Heard
from generations.engine.persistence import in_transaction
from generations.models import Move, Submission, move_submission, moves, notify
from generations.states import SubmissionState
from providers.errors import Reason

_S = SubmissionState
SEND_TRIES = 5


def refuse_unsent(submission: Submission, reason: Reason, *, why: str = "", elsewhere: bool = True) -> bool:
    """Close what cannot be sent through its account; with ``elsewhere``, look for another way."""

    def work() -> bool:
        submission.state = _S.PLANNED  # also after a deadlock has undone an earlier try
        generation = reading.lock_generation(submission.generation_id)
        submission.generation = generation
        if not move_submission(submission, _S.REFUSED, reason=reason.value, why=why):
            return False
        if elsewhere:
            go_elsewhere(submission)
        conclude(generation)
        return True

    return in_transaction(work)


def put_back(submission: Submission, heard: Heard, reason: Reason, retry_after: float | None) -> None:
    """Surely not taken on: the same submission goes out again later, unless its time is up."""
    now = clock.now()
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
        due_at=planning.when(submission.generation, now + timedelta(seconds=wait)),
        tries=tries,
        sent_at=None,
        reason=reason.value,
    )


def follow_apart(submission_id: UUID, theirs: str, *, mine: str | None = None) -> None:
    """Look after an earlier request of a submission that was sent again: it had been taken on after all.

    Each is one paid request, so the earlier one becomes a submission of its own, with the id the provider
    gave it. Its pictures count like the others'; nobody is charged for more than were asked for.
    ``mine`` is the submission's own id as long as no answer has told it.
    """

    def work() -> None:
        submission, taken, _ = reading.lock_submission(submission_id, theirs)
        waiting = submission.state in {_S.PLANNED, _S.SENDING}  # whose id it is will be known then
        if taken or waiting or submission.posts < 2 or theirs == (submission.theirs or mine):
            return
        generation = submission.generation
        moves.note(submission, posts=submission.posts - 1)
        moves.write(submission)
        earlier = Submission.objects.create(
            generation=generation,
            account_id=submission.account_id,
            provider=submission.provider,
            asked=submission.asked,
            pictures=submission.pictures,
            unit_price=submission.unit_price,
            state=_S.RUNNING,
            theirs=theirs,
            posts=1,
            sent_at=Now(),
        )
        Move.objects.create(
            generation=generation,
            submission=earlier,
            before=_S.PLANNED,
            after=_S.RUNNING,
            who="webhook",
            why=f"an earlier request of {submission.id}, refused and taken on all the same",
        )
        notify(planning.DUE_CHANNEL)
        conclude(generation)

    with suppress(IntegrityError):  # somebody else was told the same at this very moment
        in_transaction(work)


def lose_track(submission: Submission, heard: Heard, why: str) -> None:
    """Nobody can say whether it was taken on: look it up, never send it blindly again."""
    now = clock.now()
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
        moves.note(submission, due_at=now + timedelta(seconds=5))


def go_elsewhere(submission: Submission) -> bool:
    """Plan a part that is not served here somewhere else; False if nobody wants it, or there is no way."""
    generation = submission.generation
    if generation.cancel_requested_at or clock.now() > generation.deadline_at:
        return False
    if found := planning.plan_elsewhere(generation, submission):
        notify(planning.DUE_CHANNEL)
    return found
