"""The one door for answers, polls, look-ups and webhooks. Idempotent; an answer is never refused.

``record`` takes what a provider said, or that it said nothing readable, and moves the
submission, its results and its generation in one transaction.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Case, Exists, OuterRef, Value, When
from django.db.models.functions import Now
from django.utils import timezone
from uuid6 import uuid7

from generations.engine import pace, planning
from generations.engine.conclude import conclude, finish_submission, lock
from generations.engine.persistence import in_transaction
from generations.models import Result, Submission, WebhookEvent, move_submission, notify
from generations.states import ResultState, SubmissionState
from providers.errors import ProviderError, Reason
from providers.provider import Traits
from providers.values import Accepted, Answer, Cost, Done, Failed, Report, Running
from providers.values import Result as Promised

_S = SubmissionState
RAW_MAX = 64 * 1024
SEND_TRIES = 5
PROGRESS_STEP = 9
"""Per cent below which progress is not worth a write."""
ASK_ONCE_MORE = timedelta(seconds=2)
LATE = frozenset({_S.ABANDONED, _S.REFUSED, _S.FAILED})


@dataclass(frozen=True, slots=True)
class Kept:
    """An original that came inside the answer and is in storage already."""

    asset_id: UUID
    storage_key: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Heard:
    """What a provider said, and the evidence. ``kept`` holds originals that came with it, by result key."""

    report: Report | ProviderError
    answer: Answer | None = None
    kept: Mapping[str, Kept] = field(default_factory=dict)
    who: str = ""
    asked_at: datetime | None = None


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
    _keep_evidence(submission, heard)
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


def refuse_unsent(submission: Submission, reason: Reason) -> bool:
    """Close a submission that cannot be sent through its account, and look for another way."""

    def work() -> bool:
        submission.state = _S.PLANNED  # also after a deadlock has undone an earlier try
        generation = lock(submission.generation_id)
        submission.generation = generation
        if not move_submission(submission, _S.REFUSED, reason=reason.value):
            return False
        _go_elsewhere(submission)
        conclude(generation)
        return True

    return in_transaction(work)


def _keep_evidence(submission: Submission, heard: Heard) -> None:
    changes: dict[str, object] = {"lease_until": None, "lease_owner": ""}
    if heard.answer is not None:
        changes |= {"http_status": heard.answer.status, "raw": redacted(heard.answer.body)}
    cost = getattr(heard.report, "cost", None)
    if isinstance(cost, Cost):
        changes |= {
            "cost": cost.micros,
            "cost_raw": cost.raw[:200],
            # While it runs, what is told is the cost of the pictures so far.
            "cost_final": cost.final and cost.micros is not None and not isinstance(heard.report, Running),
            "cost_elsewhere": cost.elsewhere,
        }
    request_id = getattr(heard.report, "request_id", None)
    if request_id:
        changes["request_id"] = str(request_id)[:200]
    Submission.objects.filter(id=submission.id).update(**changes)
    for name, value in changes.items():
        setattr(submission, name, value)


def _claim_theirs(submission: Submission, theirs: str | None) -> bool:
    """Write down the provider's id; False if it belongs to another submission already."""
    if not theirs or submission.theirs == theirs:
        return True
    if submission.theirs:
        return True  # the first id we were told stays
    try:
        with transaction.atomic():
            Submission.objects.filter(id=submission.id).update(theirs=theirs[:200])
    except IntegrityError:
        return False
    submission.theirs = theirs[:200]
    return True


def _accepted(submission: Submission, report: Accepted, heard: Heard, traits: Traits) -> None:
    if not _claim_theirs(submission, report.theirs):
        _lose_track(submission, heard, "the provider gave an id that belongs to another submission")
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
    if not _claim_theirs(submission, report.theirs):
        _lose_track(submission, heard, "the provider gave an id that belongs to another submission")
        return
    if submission.state in {_S.SENDING, _S.UNKNOWN, _S.ABANDONED}:
        move_submission(submission, _S.RUNNING, who=heard.who)
    if submission.state != _S.RUNNING:
        return
    _promise(submission, report.results, heard)
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
    _claim_theirs(submission, report.theirs)
    _promise(submission, report.results, heard)
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
    _claim_theirs(submission, report.theirs)
    detail = {"reason": report.reason.value, "detail": report.detail[:2000]}
    if report.reason == Reason.IN_FLIGHT:
        _lose_track(submission, heard, "the provider has this id already")
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
        _put_back(submission, heard, report.reason, report.retry_after)
        return
    move_submission(submission, _S.REFUSED, who=heard.who, why=report.detail, **detail)
    if report.reason.pauses_account:
        pace.pause(submission.account_id, report.reason.value)
    if report.reason not in {Reason.INVALID_REQUEST, Reason.CONTENT_REFUSED}:
        _go_elsewhere(submission)


def _put_back(submission: Submission, heard: Heard, reason: Reason, retry_after: float | None) -> None:
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
            _go_elsewhere(submission)
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


def _unanswered(submission: Submission, error: ProviderError, heard: Heard, traits: Traits) -> None:
    if submission.state == _S.SENDING:
        if error.reason == Reason.UNREACHABLE:
            _put_back(submission, heard, Reason.UNREACHABLE, None)
            return
        _lose_track(submission, heard, error.detail or error.reason.value)
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


def _lose_track(submission: Submission, heard: Heard, why: str) -> None:
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


def _go_elsewhere(submission: Submission) -> None:
    generation = submission.generation
    if generation.cancel_requested_at or timezone.now() > generation.deadline_at:
        return
    if planning.plan_elsewhere(generation, submission):
        notify(planning.DUE_CHANNEL)


def _promise(submission: Submission, results: tuple[Promised, ...], heard: Heard) -> None:
    """Write down each promised picture once; a fresh link replaces one that was not fetched yet."""
    known = {row.key: row for row in Result.objects.filter(submission=submission)}
    fresh: list[Result] = []
    for promised in results:
        row = known.get(promised.key)
        if row is not None:
            if promised.url and row.state == ResultState.PENDING and row.url != promised.url:
                Result.objects.filter(id=row.id, state=ResultState.PENDING).update(url=promised.url)
            continue
        kept = heard.kept.get(promised.key)
        fresh.append(
            Result(
                submission=submission,
                key=promised.key[:200],
                position=len(known) + len(fresh),
                url=promised.url or "",
                asset_id=kept.asset_id if kept else uuid7(),
                state=ResultState.FETCHED if kept else ResultState.PENDING,
                storage_key=kept.storage_key if kept else "",
                sha256=kept.sha256 if kept else "",
                bytes=kept.size if kept else None,
                seed=promised.seed,
                revised_prompt=promised.revised_prompt or "",
                flagged=promised.flagged,
            )
        )
    if fresh:
        Result.objects.bulk_create(fresh, ignore_conflicts=True)
        notify(planning.DUE_CHANNEL)
        if heard.kept:
            notify(planning.MEDIA_CHANNEL)


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


_SIGNED = re.compile(r'(https?://[^\s"\\]*?\?)[^\s"\\]*')
_LONG = re.compile(r"[A-Za-z0-9+/=_-]{2000,}")


def redacted(body: bytes) -> str:
    """The start of an answer without inline pictures and signatures of links."""
    text = body[: RAW_MAX * 4].decode("utf-8", errors="replace").replace("\x00", "")
    text = _LONG.sub("…", text)
    return _SIGNED.sub(r"\1…", text)[:RAW_MAX]
