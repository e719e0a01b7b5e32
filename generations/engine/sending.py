"""The moments before and after a paid request: what is committed before its first byte leaves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from generations.engine import killing, pace, planning
from generations.engine.claiming import Claim
from generations.engine.conclude import conclude, finish_submission, lock
from generations.engine.pace import Verdict
from generations.engine.persistence import in_transaction
from generations.models import (
    Generation,
    ReferenceUse,
    Result,
    Submission,
    WebhookEvent,
    move_generation,
    move_submission,
)
from generations.states import OVER, GenerationStatus, ResultState, SubmissionState
from providers import sealing
from providers.door import is_public
from providers.errors import Reason
from providers.models import ProviderAccount
from providers.provider import Provider, Traits
from providers.values import Exchange, ImageRequest, Reference, Report

_S = SubmissionState
POST_MAX = 4
LOOKUP_GRACE = timedelta(minutes=15)
"""How long a gateway that can be asked, or that writes to us, is given beyond its longest time."""
MISSES = 3
MISSING_FOR = timedelta(seconds=60)
RUN_MAX = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do on the wire for a submission, and whether it is a paid POST."""

    submission: Submission
    provider: Provider
    exchange: Exchange[Report]
    paid: bool = False


def adapter_of(submission: Submission) -> Provider | None:
    """The provider through the submission's account; None if its key cannot be read."""
    try:
        return submission.account.adapter()
    except sealing.Unreadable:
        return None


def load(claim: Claim) -> Submission | None:
    """The claimed submission as it stands, or None if the claim was overtaken."""
    return (
        Submission.objects.select_related("generation", "account")
        .filter(id=claim.id, fence=claim.fence)
        .exclude(state__in=OVER)
        .first()
    )


def references_of(submission: Submission, read: planning.Reader) -> tuple[Reference, ...]:
    """The pictures it builds on, as bytes and a type, in order."""
    uses = ReferenceUse.objects.filter(generation_id=submission.generation_id).select_related("asset")
    return tuple(read(use.asset) for use in uses)


def begin(submission: Submission, fence: int) -> bool:
    """Commit that the paid request is about to leave. False if it may not leave now.

    Under the account's lock, so that its limits are kept exactly however many workers there are;
    the fence keeps a worker that lost its lease from sending.
    """

    def work() -> bool:
        submission.state = _S.PLANNED  # also after a deadlock has undone an earlier try
        generation = lock(submission.generation_id)
        account = pace.locked(submission.account_id)
        mine = Submission.objects.filter(
            id=submission.id, fence=fence, state=_S.PLANNED, lease_until__gt=Now()
        )
        if not mine.exists():
            return False
        verdict, wait = pace.may_send(account, account.traits)
        if verdict is not Verdict.GO:
            _wait_or_move_on(submission, generation, mine, verdict, account, wait)
            return False
        if not move_submission(
            submission, _S.SENDING, sent_at=Now(), due_at=Now(), posts=F("posts") + 1, reason=""
        ):
            return False
        if generation.status != GenerationStatus.RUNNING:
            move_generation(generation, GenerationStatus.RUNNING)
        return True

    went = in_transaction(work)
    if went:
        killing.moment("after_sending_commit")
    return went


def begin_again(submission: Submission, fence: int) -> bool:
    """Commit one more POST of the same bytes, where the gateway keeps our key."""

    def work() -> bool:
        account = pace.locked(submission.account_id)
        verdict, wait = pace.may_send(account, account.traits, again=True)
        mine = Submission.objects.filter(
            id=submission.id, fence=fence, state=_S.UNKNOWN, lease_until__gt=Now()
        )
        if verdict is not Verdict.GO:
            mine.update(due_at=timezone.now() + timedelta(seconds=wait), lease_until=None)
            return False
        return bool(mine.update(posts=F("posts") + 1))

    return in_transaction(work)


def _wait_or_move_on(
    submission: Submission,
    generation: Generation,
    mine: planning.Rows,
    verdict: Verdict,
    account: ProviderAccount,
    wait: float,
) -> None:
    """Not now: come back when there is room, try another account or offer, or give up in time."""
    down = verdict is Verdict.RESTING and (account.pause_level > 0 or not account.enabled)
    if timezone.now() > generation.deadline_at:
        reason = Reason.NOT_OFFERED if down else Reason.RATE_LIMITED
        if move_submission(submission, _S.REFUSED, reason=reason.value, why="waited too long"):
            conclude(generation)
        return
    if down and planning.plan_elsewhere(generation, submission):
        move_submission(submission, _S.REFUSED, reason=Reason.NOT_OFFERED.value, why="account paused")
        conclude(generation)
        return
    mine.update(due_at=timezone.now() + timedelta(seconds=wait), lease_until=None)


def request_of(submission: Submission, references: tuple[Reference, ...], traits: Traits) -> ImageRequest:
    """The request as planned, byte for byte the same each time it is built."""
    webhook = webhook_url(submission) if traits.webhook else None
    return planning.request_of(submission, references=references, webhook_url=webhook)


def webhook_url(submission: Submission) -> str | None:
    """Where the provider may write to us, if it can reach us: a public address, or its own is private."""
    host = settings.PUBLIC_HOST
    near = bool(submission.account.trusted_origin)
    if not near and (host in {"localhost", ""} or not (is_public(host) or "." in host)):
        return None
    return f"{settings.PUBLIC_URL}/hooks/{submission.provider}/{submission.webhook_token}"


def may_send_again(submission: Submission, provider: Provider, timeout: float) -> bool:
    """Whether the gateway keeps our key and the first call has timed out by now."""
    keeps = provider.traits.keeps_our_key
    if not keeps or submission.sent_at is None or submission.posts >= POST_MAX:
        return False
    age = timezone.now() - submission.sent_at
    return timedelta(seconds=timeout * submission.posts) <= age < timedelta(seconds=keeps)


def hopeless(submission: Submission, traits: Traits) -> bool:
    """Whether nothing can tell any more what became of it."""
    if submission.sent_at is None:
        return True
    limit = timedelta(seconds=traits.longest)
    if traits.finds or traits.keeps_our_key or traits.webhook or submission.theirs:
        limit += LOOKUP_GRACE
    return timezone.now() > submission.sent_at + limit


def gone_missing(submission: Submission) -> bool:
    """Whether the provider has said often and long enough that it does not know the task."""
    since = submission.missing_since
    return submission.misses >= MISSES and since is not None and timezone.now() - since >= MISSING_FOR


def overdue(submission: Submission, traits: Traits) -> bool:
    """Whether a running task has taken longer than any should."""
    limit = max(RUN_MAX, timedelta(seconds=traits.longest))
    return submission.sent_at is not None and timezone.now() > submission.sent_at + limit


def lose_lease(submission: Submission, why: str) -> None:
    """A worker died while this was on the wire: nobody knows what became of it."""

    def work() -> None:
        submission.state = _S.SENDING
        generation = lock(submission.generation_id)
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
        generation = lock(submission.generation_id)
        if Result.objects.filter(submission=submission).exclude(state=ResultState.LOST).exists():
            move_submission(submission, _S.STORING, why=why, due_at=None, reason=reason.value)
            finish_submission(submission)
        else:
            if submission.state == _S.RUNNING:
                move_submission(submission, _S.UNKNOWN, why=why)
            move_submission(submission, _S.ABANDONED, why=why, reason=reason.value)
        conclude(generation)

    in_transaction(work)


def rest(submission_id: UUID, fence: int, seconds: float) -> None:
    """Nothing to do for now; look again later."""
    Submission.objects.filter(id=submission_id, fence=fence).update(
        due_at=timezone.now() + timedelta(seconds=seconds), lease_until=None
    )


def read_hints(submission: Submission, traits: Traits) -> None:
    """What the provider wrote so far is answered by asking it now; what it writes from now on is new."""
    if traits.webhook:
        WebhookEvent.objects.filter(submission=submission, read_at=None).update(read_at=Now())


def may_ask(submission: Submission, traits: Traits, fence: int) -> bool:
    """Whether a poll may leave now, where polls count against the account's calls per minute."""
    if not traits.polls_counted:
        return True

    def work() -> bool:
        account = pace.locked(submission.account_id)
        wait = pace.take_slot(account, account.rpm or traits.rpm)
        if wait:
            rest(submission.id, fence, wait)
        return not wait

    return in_transaction(work)
