"""The moments before and after a paid request: what is committed before its first byte leaves."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext_noop

from accounts import rows
from generations.engine import clock, keeping, killing, pace, planning, reading, refusing
from generations.engine.claiming import LEASE
from generations.engine.conclude import conclude, finish_submission
from generations.engine.pace import Permission
from generations.engine.persistence import in_transaction
from generations.models import (
    Generation,
    Result,
    Submission,
    move_generation,
    move_submission,
    moves,
)
from generations.states import GenerationStatus, ResultState, SubmissionState
from providers.door import is_reachable
from providers.errors import Reason, Unusable
from providers.models import ProviderAccount
from providers.provider import Provider, Traits
from providers.values import Exchange, ImageRequest, Reference, Report

log = logging.getLogger(__name__)
_S = SubmissionState
LOOKUP_GRACE = timedelta(minutes=15)
"""How long a gateway that can be asked, or that writes to us, is given beyond its longest time."""
SOON, SELDOM = 5.0, 160.0
"""Seconds, doubling, between POSTs under our key: harmless, so they go on through an outage."""
CONFLICT = 409
"""The status with which a gateway says it is still busy with the first call."""
SHUT_FOR = timedelta(hours=24)
"""How long to wait for somebody to repair an account: its key, or how it is set."""
MISSES = 3
MISSING_FOR = timedelta(seconds=60)
RUN_MAX = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do on the wire for a submission: maybe the ``paid`` POST, or the ``last`` word."""

    submission: Submission
    provider: Provider
    exchange: Exchange[Report]
    paid: bool = False
    last: bool = False


def adapter_of(submission: Submission) -> Provider | None:
    """The provider through the submission's account; None if that cannot be used, which the log explains."""
    try:
        return submission.account.adapter()
    except Unusable as error:
        log.error("provider account %s cannot be used: %s", submission.account_id, error)
    return None


def references_of(submission: Submission) -> tuple[Reference, ...]:
    """The pictures it builds on, as bytes and a type, in order. Raises what storage and imaging raise."""
    return tuple(keeping.read_reference(use.asset) for use in submission.generation.reference_uses.all())


def begin(submission: Submission, fence: int, sent_as: str = "") -> bool:
    """Commit that the paid request is about to leave, and as what. False if it may not leave now.

    Under the account's lock, so that its limits are kept exactly however many workers there are;
    the fence keeps a worker that lost its lease from sending. If the connection is cut at COMMIT, the
    row says whether it took effect: no byte has left, and nobody else can have had this fence.
    """
    post = submission.posts + 1

    def work() -> bool:
        submission.state = _S.PLANNED  # also after a deadlock has undone an earlier try
        mine = reading.lock_to_send(submission.id, fence, _S.PLANNED)
        if mine is None:
            return False
        generation, account = mine.generation, mine.account
        permission, wait = pace.may_send(account)
        if permission is not Permission.GO:
            _wait_or_move_on(submission, generation, permission, account, wait)
            return False
        # An earlier answer says nothing about this call.
        changes: dict[str, Any] = {"sent_at": Now(), "due_at": Now(), "posts": post, "http_status": None}
        changes |= {"sent_as": sent_as, "cost_elsewhere": account.traits.paid_elsewhere}
        if not move_submission(submission, _S.SENDING, reason="", **changes):
            return False
        if generation.status != GenerationStatus.RUNNING:
            move_generation(generation, GenerationStatus.RUNNING)
        return True

    def landed() -> bool | None:
        reading.lock_generation(submission.generation_id)
        sent = Submission.objects.filter(id=submission.id, fence=fence, state=_S.SENDING, posts=post)
        return True if sent.update(lease_until=Now() + timedelta(seconds=LEASE)) else None

    went = in_transaction(work, landed=landed)
    if went:
        submission.state, submission.posts = _S.SENDING, post
        killing.moment("after_sending_commit")
    return went


def begin_again(submission: Submission, fence: int) -> bool:
    """Commit one more POST of the same bytes, where the gateway keeps our key."""

    def work() -> bool:
        mine = reading.lock_to_send(submission.id, fence, _S.UNKNOWN)
        if mine is None:
            return False
        permission, wait = pace.may_send(mine.account, again=True)
        if permission is not Permission.GO:
            rest(submission.id, fence, wait)
            return False
        changed = Submission.objects.filter(id=submission.id)
        return bool(changed.update(posts=F("posts") + 1, http_status=None))

    went = in_transaction(work)
    submission.posts += went
    return went


def _wait_or_move_on(
    submission: Submission,
    generation: Generation,
    permission: Permission,
    account: ProviderAccount,
    wait: float,
) -> None:
    """Not now: come back when there is room, try another account or offer, or give up in time."""
    down = permission is Permission.RESTING and (account.pause_level > 0 or not account.enabled)
    if clock.now() > generation.deadline_at:
        reason = Reason.NOT_OFFERED if down else Reason.RATE_LIMITED
        if move_submission(submission, _S.REFUSED, reason=reason.value, why=gettext_noop("waited too long")):
            conclude(generation)
        return
    submission.generation = generation  # as it is now
    if down and refusing.go_elsewhere(submission):
        move_submission(
            submission, _S.REFUSED, reason=Reason.NOT_OFFERED.value, why=gettext_noop("account paused")
        )
        conclude(generation)
        return
    moves.note(submission, due_at=clock.now() + timedelta(seconds=wait), lease_until=None)
    moves.write(submission)


def request_of(submission: Submission, references: tuple[Reference, ...], traits: Traits) -> ImageRequest:
    """The request as planned, byte for byte the same each time it is built."""
    webhook = webhook_url(submission) if traits.webhook else None
    return planning.request_of(submission, references=references, webhook_url=webhook)


def webhook_url(submission: Submission) -> str | None:
    """Where the provider may write to us, if it can reach us: ours is public, or its own is private."""
    near = bool(submission.account.trusted_origin)
    if not near and not is_reachable(settings.PUBLIC_HOST):
        return None
    return f"{settings.PUBLIC_URL}/hooks/{submission.provider}/{submission.webhook_token}"


def may_send_again(submission: Submission, provider: Provider, timeout: float) -> bool:
    """Whether the gateway keeps our key and the calls so far are over: answered, or timed out by now."""
    keeps, posts = provider.traits.keeps_our_key, submission.posts
    if not keeps or submission.sent_at is None:
        return False
    # Where only the paid request is ever sent, the status on record is the answer to it.
    answered = submission.http_status not in {None, CONFLICT} and not provider.traits.finds
    wait = sum(min(SELDOM, SOON * 2**nth) for nth in range(posts))
    if not answered:
        wait = max(wait, timeout * posts)
    return timedelta(seconds=wait) <= clock.now() - submission.sent_at < timedelta(seconds=keeps)


def hopeless(submission: Submission, traits: Traits, *, grace: timedelta = timedelta()) -> bool:
    """Whether nothing can tell any more what became of it."""
    if submission.sent_at is None:
        return True
    limit = timedelta(seconds=traits.longest) + grace
    if traits.finds or traits.keeps_our_key or traits.webhook or submission.theirs:
        limit += LOOKUP_GRACE
    return clock.now() > submission.sent_at + limit


def shut_for_good(submission: Submission) -> bool:
    """Whether the account could not be used for so long that nobody will ask any more."""
    return submission.sent_at is None or clock.now() > submission.sent_at + SHUT_FOR


def gone_missing(submission: Submission) -> bool:
    """Whether the provider has said often and long enough that it does not know the task."""
    since = submission.missing_since
    return submission.misses >= MISSES and since is not None and clock.now() - since >= MISSING_FOR


def overdue(submission: Submission, traits: Traits) -> bool:
    """Whether a running task has taken longer than any should."""
    limit = max(RUN_MAX, timedelta(seconds=traits.longest))
    return submission.sent_at is not None and clock.now() > submission.sent_at + limit


def lose_lease(submission: Submission, why: str) -> None:
    """A worker died while this was on the wire: nobody knows what became of it."""

    def work() -> None:
        submission.state = _S.SENDING
        generation = reading.lock_generation(submission.generation_id)
        move_submission(
            submission, _S.UNKNOWN, why=why, due_at=Now(), lease_until=None, reason=Reason.NO_ANSWER.value
        )
        conclude(generation)

    in_transaction(work)


def abandon(submission: Submission, reason: Reason, why: str) -> None:
    """Give up looking: the person pays nothing, the possible cost is the platform's.

    What was already promised is kept: those pictures are still fetched and count.
    """
    seen = submission.state

    def work() -> None:
        submission.state = seen
        generation = reading.lock_generation(submission.generation_id)
        if Result.objects.filter(submission=submission).exclude(state=ResultState.LOST).exists():
            move_submission(submission, _S.STORING, why=why, due_at=None, reason=reason.value)
            finish_submission(submission)
        elif seen != _S.RUNNING or move_submission(submission, _S.UNKNOWN, why=why):
            move_submission(submission, _S.ABANDONED, why=why, reason=reason.value)
        conclude(generation)

    in_transaction(work)


def look_up_again(submission: Submission) -> None:
    """Ask by our id about what was given up: what is paid for may be found when an outage is over."""

    def work() -> None:
        submission.state = _S.ABANDONED
        generation = reading.lock_generation(submission.generation_id)
        changes: dict[str, Any] = {"due_at": Now(), "lease_until": None, "polls": 0}
        if move_submission(submission, _S.UNKNOWN, why=gettext_noop("asked once more"), **changes):
            conclude(generation)

    in_transaction(work)


def rest(submission_id: UUID, fence: int, seconds: float) -> None:
    """Nothing to do for now; look again later."""
    Submission.objects.filter(id=submission_id, fence=fence).update(
        due_at=clock.now() + timedelta(seconds=seconds), lease_until=None
    )


def read_hints(submission: Submission, traits: Traits) -> None:
    """What the provider wrote so far is answered by asking it now; what it writes from now on is new."""
    if traits.webhook and submission.written:
        rows.planned(_READ, [submission.id])


_READ = """
UPDATE generations_webhookevent SET read_at = statement_timestamp()
WHERE submission_id = %s AND read_at IS NULL RETURNING id
"""


def may_ask(submission: Submission, fence: int) -> bool:
    """Whether a poll may leave now; if not, it is put off until one may."""
    if not submission.account.traits.polls_counted:
        return True
    wait = in_transaction(partial(pace.wait_to_ask, submission.account))
    if wait:  # by now the account is free again: it is locked after submissions, never before
        rest(submission.id, fence, wait)
    return not wait
