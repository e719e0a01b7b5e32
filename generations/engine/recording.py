"""The one door for answers, polls, look-ups and webhooks. Idempotent; an answer is never refused.

``record`` takes what a provider said, or that it said nothing readable, and moves the
submission, its results and its generation in one transaction.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Case, Exists, OuterRef, Value, When
from django.db.models.functions import Now
from django.utils import timezone

from generations.engine import pace
from generations.engine.conclude import conclude, finish_submission, lock
from generations.engine.hearing import Heard, claim_theirs, keep_evidence, promise
from generations.engine.persistence import in_transaction
from generations.engine.refusing import go_elsewhere, lose_track, put_back
from generations.models import Result, Submission, WebhookEvent, move_submission
from generations.states import SubmissionState
from providers.errors import ProviderError, Reason
from providers.provider import Traits
from providers.values import Accepted, Done, Failed, Running

_S = SubmissionState
PROGRESS_STEP = 9
"""Per cent below which progress is not worth a write."""
ASK_ONCE_MORE = timedelta(seconds=2)
LATE = frozenset({_S.ABANDONED, _S.REFUSED, _S.FAILED})


def record(submission_id: UUID, heard: Heard, traits: Traits) -> None:
    """Take in what was said. Raises only what the database raises."""
    if isinstance(heard.report, Running) and _nothing_new(submission_id, heard.report, traits):
        return
    in_transaction(lambda: _record(submission_id, heard, traits))


def _nothing_new(submission_id: UUID, report: Running, traits: Traits) -> bool:
    """Most answers to a poll say "not yet": one statement moves the next question on."""
    if report.results or report.cost:
        return False
    rows = Submission.objects.filter(id=submission_id, state=_S.RUNNING)
    if report.theirs:
        rows = rows.filter(theirs=report.theirs)
    if report.progress is not None:
        rows = rows.filter(progress__gte=report.progress - PROGRESS_STEP)
    polls = rows.values_list("polls", flat=True).first()
    if polls is None:
        return False
    return bool(
        rows.update(
            polls=polls + 1,
            misses=0,
            missing_since=None,
            due_at=_next_poll(traits, polls),
            lease_until=None,
            lease_owner="",
        )
    )


def _record(submission_id: UUID, heard: Heard, traits: Traits) -> None:
    generation_id = Submission.objects.values_list("generation_id", flat=True).get(id=submission_id)
    generation = lock(generation_id)
    submission = Submission.objects.select_for_update().get(id=submission_id)
    submission.generation = generation
    answers_the_post = submission.state == _S.SENDING
    keep_evidence(submission, heard)
    match heard.report:
        case Accepted():
            _accepted(submission, heard.report, heard, traits)
        case Running():
            _running(submission, heard.report, heard, traits)
        case Done():
            _done(submission, heard.report, heard)
        case Failed():
            _failed(submission, heard.report, heard)
        case ProviderError():
            _unanswered(submission, heard.report, heard, traits)
    _count(submission, heard, answers_the_post)
    if not (isinstance(heard.report, Accepted) and generation.status == submission.state == _S.RUNNING):
        conclude(generation)


def _accepted(submission: Submission, report: Accepted, heard: Heard, traits: Traits) -> None:
    if not claim_theirs(submission, report.theirs):
        lose_track(submission, heard, "the provider gave an id that belongs to another submission")
        return
    if submission.state in {_S.SENDING, _S.UNKNOWN, _S.ABANDONED}:
        move_submission(
            submission,
            _S.RUNNING,
            who=heard.who,
            due_at=_next_poll(traits, submission.polls),
            polls=0,
            misses=0,
            missing_since=None,
            reason="",
            detail="",
        )


def _running(submission: Submission, report: Running, heard: Heard, traits: Traits) -> None:
    if not claim_theirs(submission, report.theirs):
        lose_track(submission, heard, "the provider gave an id that belongs to another submission")
        return
    if submission.state in {_S.SENDING, _S.UNKNOWN, _S.ABANDONED}:
        move_submission(submission, _S.RUNNING, who=heard.who)
    if submission.state != _S.RUNNING:
        return
    promise(submission, report.results, heard)
    progress = (
        submission.progress if report.progress is None else max(report.progress, submission.progress or 0)
    )
    Submission.objects.filter(id=submission.id).update(
        progress=progress,
        polls=submission.polls + 1,
        misses=0,
        missing_since=None,
        due_at=_next_poll(traits, submission.polls),
    )


def _done(submission: Submission, report: Done, heard: Heard) -> None:
    if submission.state in {_S.DONE, _S.CANCELED, _S.PLANNED}:
        return
    claim_theirs(submission, report.theirs)
    promise(submission, report.results, heard)
    if submission.state == _S.STORING:
        return
    if submission.state == _S.RUNNING and submission.misses == 0 and _looks_short(submission, report):
        Submission.objects.filter(id=submission.id).update(misses=1, due_at=timezone.now() + ASK_ONCE_MORE)
        return
    if not report.results and not Result.objects.filter(submission=submission).exists():
        if submission.state not in LATE:
            move_submission(
                submission,
                _S.FAILED,
                who=heard.who,
                reason=Reason.BAD_RESULT.value,
                why="no pictures in the answer",
            )
        return
    move_submission(submission, _S.STORING, who=heard.who, due_at=None, progress=100)
    finish_submission(submission)


def _looks_short(submission: Submission, report: Done) -> bool:
    """Whether fewer pictures came than were asked for: a polled list may still be growing."""
    told = len(report.results) + report.failed
    return told < submission.pictures and not submission.asked.get("sequential")


def _failed(submission: Submission, report: Failed, heard: Heard) -> None:
    if submission.state not in {_S.SENDING, _S.RUNNING, _S.UNKNOWN}:
        return
    claim_theirs(submission, report.theirs)
    detail = {"reason": report.reason.value, "detail": report.detail[:2000]}
    if report.reason == Reason.IN_FLIGHT:
        lose_track(submission, heard, "the provider has this id already")
        return
    if submission.state == _S.UNKNOWN and (report.reason.passing or report.reason.pauses_account):
        # A second POST was turned away at the gate, which says nothing about the first.
        wait = min(600.0, max(5.0, report.retry_after or 15.0))
        Submission.objects.filter(id=submission.id).update(due_at=timezone.now() + timedelta(seconds=wait))
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
    if report.reason not in {Reason.INVALID_REQUEST, Reason.CONTENT_REFUSED}:
        go_elsewhere(submission)


def _unanswered(submission: Submission, error: ProviderError, heard: Heard, traits: Traits) -> None:
    if submission.state == _S.SENDING:
        if error.reason == Reason.UNREACHABLE:
            put_back(submission, heard, Reason.UNREACHABLE, None)
            return
        lose_track(submission, heard, error.detail or error.reason.value)
        status = heard.answer.status if heard.answer else 0
        if status in traits.unbilled and not traits.keeps_our_key:
            # Its contract says that this status is never billed: the hold goes at once.
            move_submission(
                submission, _S.ABANDONED, reason=Reason.PROVIDER_FAILED.value, why=f"status {status}"
            )
        return
    if submission.state not in {_S.RUNNING, _S.UNKNOWN}:
        return
    now = timezone.now()
    changes: dict[str, object] = {"polls": submission.polls + 1, "detail": error.detail[:2000]}
    if error.reason == Reason.NOT_FOUND:
        changes |= {"misses": submission.misses + 1, "missing_since": submission.missing_since or now}
    wait = error.retry_after or pace.poll_gap(traits, submission.polls)
    changes["due_at"] = now + timedelta(seconds=min(wait, 60.0))
    Submission.objects.filter(id=submission.id).update(**changes)


def _next_poll(traits: Traits, polls: int) -> datetime | Case:
    """When to ask again, for an UPDATE of submissions: at once, if the provider wrote while it was asked."""
    later = timezone.now() + timedelta(seconds=pace.poll_gap(traits, polls))
    if not traits.webhook:
        return later
    written = WebhookEvent.objects.filter(submission=OuterRef("pk"), read_at=None)
    return Case(When(Exists(written), then=Now()), default=Value(later))


def _count(submission: Submission, heard: Heard, answers_the_post: bool) -> None:
    """Tell the breaker: silence and server errors are failures, refusals and results are not.

    Only the answer to a POST ends a pause: polls go on well while a key's credit is used up.
    """
    if isinstance(heard.report, ProviderError):
        if heard.report.reason in {Reason.UNREACHABLE, Reason.NO_ANSWER}:
            pace.count_failure(submission.account_id)
    elif not (isinstance(heard.report, Failed) and heard.report.reason.refused):
        pace.count_success(submission.account_id, ends_pause=answers_the_post)
