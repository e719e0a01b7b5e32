"""How providers are faring: pauses, the breaker, limits per account, and how fast they are here.

Everything is on the account's row and in submissions, so any number of workers agree.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

from django.db import connection
from django.db.models import F, Q
from django.utils import timezone

from generations.models import Submission
from generations.states import IN_FLIGHT
from providers.models import ProviderAccount
from providers.provider import Traits

PAUSE = 30.0
PAUSE_MAX = 600.0
MINUTE = timedelta(seconds=60.5)
"""A provider counts what arrives: half a second more than its minute covers the way there."""
PROBE = 60.0
"""Seconds in which one probe has the account for itself."""
BREAKER_WINDOW = timedelta(seconds=60)
BREAKER_CALLS = 20
BROKEN = "failing"
BUSY = "busy"


class Verdict(Enum):
    """Whether a submission may be sent now."""

    GO = "go"
    FULL = "full"
    RESTING = "resting"


def paused(account: ProviderAccount, now: datetime) -> bool:
    """Whether new work should keep away: a refused key, an empty account, or an open breaker."""
    if not account.pause_level:
        return False
    waiting = account.paused_until is not None and account.paused_until > now
    return waiting or (account.probe_until is not None and account.probe_until > now)


def may_send(account: ProviderAccount, traits: Traits, *, again: bool = False) -> tuple[Verdict, float]:
    """Whether one more request may leave through this account now, else seconds to wait.

    The account's row must be locked by the caller's transaction: that makes limits exact
    however many workers there are. ``again`` repeats a request that is in flight already.
    """
    now = timezone.now()
    if not account.enabled:
        return Verdict.RESTING, PAUSE
    if account.paused_until and account.paused_until > now:
        return Verdict.RESTING, (account.paused_until - now).total_seconds()
    if account.pause_level and account.probe_until and account.probe_until > now:
        return Verdict.RESTING, 2.0
    if not again and in_flight(account) >= (account.max_in_flight or traits.in_flight):
        return Verdict.FULL, 1.0
    wait = take_slot(account, account.rpm or traits.rpm)
    if wait:
        return Verdict.FULL, wait
    if account.pause_level:
        ProviderAccount.objects.filter(id=account.id).update(probe_until=now + timedelta(seconds=PROBE))
    return Verdict.GO, 0.0


def take_slot(account: ProviderAccount, limit: int | None) -> float:
    """Use one of the account's calls of this minute, or say in how many seconds there is one.

    The account's row must be locked by the caller's transaction.
    """
    if not limit:
        return 0.0
    now = timezone.now()
    recent = sorted(call for call in account.recent_calls if call > now - MINUTE)
    if len(recent) >= limit:
        return max(0.05, (recent[len(recent) - limit] + MINUTE - now).total_seconds())
    ProviderAccount.objects.filter(id=account.id).update(recent_calls=[*recent, now])
    return 0.0


def in_flight(account: ProviderAccount) -> int:
    return Submission.objects.filter(account=account, state__in=IN_FLIGHT).count()


def locked(account_id: UUID) -> ProviderAccount:
    """The account's row, locked until the transaction ends."""
    return ProviderAccount.objects.select_for_update(no_key=True).get(id=account_id)


def pause(account_id: UUID, reason: str, *, seconds: float | None = None) -> None:
    """Stop sending through an account: for a given time, or 30 s doubling to 10 min with one probe."""
    account = locked(account_id)
    now = timezone.now()
    if seconds is not None:
        until = now + timedelta(seconds=seconds)
        if account.paused_until is None or account.paused_until < until:
            ProviderAccount.objects.filter(id=account.id).update(
                paused_until=until, pause_reason=account.pause_reason or reason
            )
        return
    if account.pause_level and account.paused_until and account.paused_until > now:
        return  # one bad minute is one step, however many calls fail in it
    level = account.pause_level + 1
    wait = min(PAUSE_MAX, PAUSE * 2 ** (level - 1))
    ProviderAccount.objects.filter(id=account.id).update(
        paused_until=now + timedelta(seconds=wait), pause_reason=reason, pause_level=level, probe_until=None
    )


def count_success(account_id: UUID, *, ends_pause: bool) -> None:
    """A call went well: a probe that did ends the pause; the breaker counts only beside failures."""
    rows = ProviderAccount.objects.filter(id=account_id)
    if not rows.filter(Q(pause_level__gt=0) | Q(window_failures__gt=0)).exists():
        return
    if ends_pause:
        rows.filter(pause_level__gt=0).update(
            paused_until=None,
            pause_reason="",
            pause_level=0,
            probe_until=None,
            window_calls=0,
            window_failures=0,
        )
    rows.filter(window_failures__gt=0).update(window_calls=F("window_calls") + 1)


def count_failure(account_id: UUID) -> None:
    """A call brought no answer: half of twenty failing within a minute opens the breaker."""
    account = locked(account_id)
    now = timezone.now()
    fresh = account.window_started_at is None or account.window_started_at < now - BREAKER_WINDOW
    calls = 1 if fresh else account.window_calls + 1
    failures = 1 if fresh else account.window_failures + 1
    ProviderAccount.objects.filter(id=account.id).update(
        window_started_at=now if fresh else account.window_started_at,
        window_calls=calls,
        window_failures=failures,
    )
    if account.pause_level or (calls >= BREAKER_CALLS and failures * 2 >= calls):
        pause(account_id, BROKEN)


def poll_gap(traits: Traits, polls: int) -> float:
    """Seconds until a task is asked again: widening, and a little irregular where there is no limit."""
    first, widest = traits.pace
    gap = min(widest, first * 1.5 ** min(polls, 20))
    return gap if traits.rpm else gap * random.uniform(0.85, 1.15)


def backoff(tries: int, *, base: float = 0.5, cap: float = 20.0) -> float:
    """Seconds before the next try, fully jittered."""
    return random.uniform(0.2, min(cap, base * 2**tries))


_MEASURED = """
SELECT provider, percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - sent_at))
FROM (SELECT provider, sent_at, finished_at FROM generations_submission
      WHERE state = 'done' AND finished_at > now() - interval '7 days'
      ORDER BY finished_at DESC LIMIT 500) recent
GROUP BY provider HAVING count(*) >= 5
"""


def measured() -> Mapping[str, float]:
    """Median seconds from sending to stored, per provider, over recent work here."""
    with connection.cursor() as cursor:
        cursor.execute(_MEASURED)
        return {provider: float(seconds) for provider, seconds in cursor.fetchall()}
