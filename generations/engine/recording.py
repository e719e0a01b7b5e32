"""The one door for answers, polls, look-ups and webhooks. Idempotent; an answer is never refused.

``record`` takes what a provider said, or that it said nothing readable, and moves the
submission, its results and its generation in one transaction.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError
from django.db.models.functions import Now
from django.utils.translation import gettext_noop

from accounts import rows
from generations.engine import breaker, clock, killing, pace, reading, shortfall
from generations.engine.breaker import OF_THE_REQUEST
from generations.engine.conclude import conclude, finish_submission
from generations.engine.hearing import Heard, claim_theirs, keep_evidence, promise, theirs_of, wrote_of_it
from generations.engine.persistence import in_transaction
from generations.engine.refusing import go_elsewhere, lose_track, put_back
from generations.models import Result, Submission, move_submission, moves
from generations.models.moves import Sql
from generations.states import SubmissionState
from providers.errors import ProviderError, Reason
from providers.provider import Traits
from providers.values import Accepted, Done, Failed, Running

log = logging.getLogger(__name__)
_S = SubmissionState
PROGRESS_STEP = 9
"""Per cent below which progress is not worth a write."""
_ANOTHERS = gettext_noop("the gateway gave an id that belongs to another submission")
LATE = frozenset({_S.ABANDONED, _S.REFUSED, _S.FAILED})
"""Ends of ours that a provider may know better: it has the order, and its pictures are paid for."""


def record(submission_id: UUID, heard: Heard, traits: Traits) -> None:
    """Take in what was said. Raises only what the database raises."""
    if isinstance(heard.report, Running) and _nothing_new(submission_id, heard, heard.report, traits):
        return
    try:
        in_transaction(lambda: _record(submission_id, heard, traits))
    except IntegrityError:  # another submission was told the same id at this very moment
        in_transaction(lambda: _record(submission_id, heard, traits))


_NOTHING_NEW = """
UPDATE generations_submission SET polls = %(polls)s + 1, misses = 0, missing_since = NULL,
  due_at = {due_at}, lease_until = NULL, lease_owner = ''
WHERE id = %(id)s AND state = 'running' AND (%(theirs)s::text IS NULL OR theirs = %(theirs)s)
  AND (%(progress)s::int IS NULL OR progress >= %(progress)s)
RETURNING id
"""


def _nothing_new(submission_id: UUID, heard: Heard, report: Running, traits: Traits) -> bool:
    """Most answers to a poll say "not yet": one statement moves the next question on."""
    if report.results or report.cost or report.word or heard.asked is None:
        return False
    values = {
        "polls": heard.asked.polls,
        "id": submission_id,
        "theirs": report.theirs or None,
        "progress": None if report.progress is None else report.progress - PROGRESS_STEP,
        "later": _later(traits, heard.asked),
    }
    due_at = _WRITTEN_MEANWHILE.format("%(later)s") if traits.webhook else "%(later)s"
    return bool(rows.planned(_NOTHING_NEW.format(due_at=due_at), values))


def _record(submission_id: UUID, heard: Heard, traits: Traits) -> None:
    submission, taken, ailing = reading.lock_submission(submission_id, theirs_of(heard))
    generation, heard = submission.generation, replace(heard, taken=taken)
    killing.moment("in_record")
    if _is_beside_the_post(submission, heard):
        return
    keep_evidence(submission, heard)
    match heard.report:
        case Done() | Failed() if heard.post is None and not claim_theirs(submission, heard):
            lose_track(submission, heard, _ANOTHERS)
        case Accepted():
            _accepted(submission, heard, traits)
        case Running():
            _running(submission, heard.report, heard, traits)
        case Done():
            _done(submission, heard.report, heard, traits)
        case Failed():
            _failed(submission, heard.report, heard)
        case ProviderError():
            _unanswered(submission, heard.report, heard, traits)
    moves.write(submission)
    breaker.tell(submission, heard, ailing=ailing)
    if not (isinstance(heard.report, Accepted) and generation.status == submission.state == _S.RUNNING):
        conclude(generation)


def _is_beside_the_post(submission: Submission, heard: Heard) -> bool:
    """While a request is on the wire only its answer counts, and its lease is its sender's.

    A word that was read before it left is about an earlier one; the answer will tell which id is whose.
    A refusal recorded twice, its first COMMIT having been cut, says nothing of what was sent since.
    """
    if submission.state != _S.SENDING:
        return False
    refusal = isinstance(heard.report, Failed | ProviderError)
    return heard.post is None or (refusal and heard.post != submission.posts)


def _accepted(submission: Submission, heard: Heard, traits: Traits) -> None:
    if not claim_theirs(submission, heard):
        lose_track(submission, heard, _ANOTHERS)
        return
    if submission.state in _TAKEN_ON:
        _follow(submission, heard, traits)


_TAKEN_ON = frozenset({_S.PLANNED, _S.SENDING, _S.UNKNOWN, *LATE})
"""States in which it is news that the work was taken on."""


def _follow(submission: Submission, heard: Heard, traits: Traits) -> None:
    """The provider has it, whatever was thought before: ask until it ends, and at least once."""
    if submission.sent_at is None:  # it was put back
        moves.note(submission, sent_at=Now())
    move_submission(
        submission,
        _S.RUNNING,
        who=heard.who,
        due_at=_next_poll(traits, submission),
        polls=0,
        misses=0,
        missing_since=None,
        reason="",
        detail="",
    )


def _running(submission: Submission, report: Running, heard: Heard, traits: Traits) -> None:
    if not claim_theirs(submission, heard):
        lose_track(submission, heard, _ANOTHERS)
        return
    asked = submission.polls + 1
    if submission.state in _TAKEN_ON:
        asked = 0
        _follow(submission, heard, traits)
    if submission.state != _S.RUNNING:
        return
    promise(submission, report.results, heard, traits)
    if report.word and report.word not in submission.detail:
        moves.note(submission, detail=f"{report.word}: a status that is not known here, taken for going on")
        log.warning("%s says %s, which is not known here", submission.provider, report.word)
    progress = (
        submission.progress if report.progress is None else max(report.progress, submission.progress or 0)
    )
    moves.note(
        submission,
        progress=progress,
        polls=asked,
        misses=0,
        missing_since=None,
        due_at=_next_poll(traits, submission),
    )


def _done(submission: Submission, report: Done, heard: Heard, traits: Traits) -> None:
    if submission.state in {_S.DONE, _S.CANCELED, _S.PLANNED}:
        return
    claim_theirs(submission, heard)
    askable = heard.post is None or report.theirs
    if askable and submission.state in {_S.SENDING, _S.UNKNOWN} and shortfall.shows(submission, report):
        _follow(submission, heard, traits)
    fresh = promise(submission, report.results, heard, traits)
    if submission.state == _S.STORING:
        return
    if shortfall.may_be_made_up(submission, report, traits, grew=fresh):
        return
    if not report.results and not Result.objects.filter(submission=submission).exists():
        if submission.state not in LATE:
            move_submission(
                submission,
                _S.FAILED,
                who=heard.who,
                reason=Reason.BAD_RESULT.value,
                why=gettext_noop("no pictures in the answer"),
            )
        return
    move_submission(submission, _S.STORING, who=heard.who, due_at=None, progress=100)
    if not fresh:
        finish_submission(submission)


def _failed(submission: Submission, report: Failed, heard: Heard) -> None:
    if submission.state not in {_S.SENDING, _S.RUNNING, _S.UNKNOWN}:
        return
    claim_theirs(submission, heard)
    detail = {"reason": report.reason.value, "detail": report.detail[:2000]}
    if report.reason == Reason.IN_FLIGHT:
        lose_track(submission, heard, gettext_noop("the gateway has this id already"))
        return
    if submission.state == _S.SENDING and report.reason.refused and wrote_of_it(submission):
        lose_track(submission, heard, gettext_noop("it refused, and wrote of it all the same"))
        return
    if _is_about_a_later_post(submission, report, heard):
        wait = min(600.0, max(5.0, report.retry_after or 15.0))
        moves.note(submission, due_at=clock.now() + timedelta(seconds=wait))
        if report.reason.pauses_account:
            pace.pause(submission.account_id, report.reason.value)
        return
    if submission.state == _S.RUNNING or not report.reason.refused:
        if Result.objects.filter(submission=submission).exists():
            move_submission(submission, _S.STORING, who=heard.who, due_at=None, **detail)
            finish_submission(submission)
        else:
            move_submission(submission, _S.FAILED, who=heard.who, why=report.detail, **detail)
        return
    if report.reason.passing and submission.state == _S.SENDING:
        put_back(submission, heard, report.reason, report.retry_after)
        return
    move_submission(submission, _S.REFUSED, who=heard.who, why=report.detail, **detail)
    if report.reason.pauses_account:
        pace.pause(submission.account_id, report.reason.value)
    if report.reason not in OF_THE_REQUEST:
        go_elsewhere(submission)


def _is_about_a_later_post(submission: Submission, report: Failed, heard: Heard) -> bool:
    """A repeated POST that is turned away at the gate says nothing about the first, which may be paid for.

    If the request itself was at fault, the first was refused too, unless it is known to run.
    """
    if submission.state == _S.RUNNING:
        return heard.post is not None and report.reason.refused
    if submission.state != _S.UNKNOWN or report.reason in OF_THE_REQUEST or not report.reason.refused:
        return False
    repeated = heard.post is not None and submission.posts > 1
    return repeated or report.reason.passing or report.reason.pauses_account


def _unanswered(submission: Submission, error: ProviderError, heard: Heard, traits: Traits) -> None:
    if submission.state == _S.SENDING:
        if error.reason == Reason.UNREACHABLE:
            put_back(submission, heard, Reason.UNREACHABLE, None)
            return
        claim_theirs(submission, heard)
        lose_track(submission, heard, error.detail or error.reason.value)
        promise(submission, error.results, heard, traits)
        moves.note(submission, due_at=clock.now() + timedelta(seconds=error.retry_after or 0))
        if heard.status in traits.unbilled and not traits.keeps_our_key:
            # Its contract says that this status is never billed: the hold goes at once.
            move_submission(
                submission, _S.ABANDONED, reason=Reason.PROVIDER_FAILED.value, why=f"status {heard.status}"
            )
        return
    if submission.state not in {_S.RUNNING, _S.UNKNOWN}:
        return
    now = clock.now()
    changes: dict[str, object] = {"polls": submission.polls + 1, "detail": error.detail[:2000]}
    if error.reason == Reason.NOT_FOUND:
        changes |= {"misses": submission.misses + 1, "missing_since": submission.missing_since or now}
    wait = error.retry_after or min(60.0, pace.retry_gap(traits, submission.polls))
    moves.note(submission, due_at=now + timedelta(seconds=wait), **changes)


_WRITTEN_MEANWHILE = (
    "CASE WHEN EXISTS (SELECT FROM generations_webhookevent WHERE submission_id = generations_submission.id "
    "AND read_at IS NULL) THEN statement_timestamp() ELSE {}::timestamptz END"
)


def _next_poll(traits: Traits, submission: Submission) -> datetime | Sql:
    """When to ask again: at once, if the provider wrote while it was asked."""
    later = _later(traits, submission)
    return Sql(_WRITTEN_MEANWHILE.format("%s"), (later,)) if traits.webhook else later


def _later(traits: Traits, submission: Submission) -> datetime:
    now = clock.now()
    age = (now - (submission.sent_at or now)).total_seconds()
    return now + timedelta(seconds=pace.poll_gap(traits, age, pace.expected(submission.provider)))
