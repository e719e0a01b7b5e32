"""How providers are faring: pauses, the breaker, limits per account, and how fast they are here.

Everything is on the account's row and in submissions, so any number of workers agree.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

from django.db import connection
from django.db.models import F
from django.utils.translation import gettext_noop

from accounts import rows
from generations.engine import clock, reading
from providers.models import ProviderAccount
from providers.provider import Traits

PAUSE = 30.0
PAUSE_MAX = 600.0
PAUSE_LEVELS = 30
"""Steps that are counted; the pause is at its longest from the sixth on."""
MINUTE = timedelta(seconds=60.5)
"""A provider counts what arrives: half a second more than its minute covers the way there."""
PROBE = 60.0
"""Seconds in which one probe has the account for itself."""
BREAKER_WINDOW = timedelta(seconds=60)
BREAKER_CALLS = 20
BROKEN = gettext_noop("failing")
BUSY = gettext_noop("busy")


class Permission(Enum):
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


def waits(account: ProviderAccount, now: datetime) -> float:
    """Seconds until the account takes on anything: it asked for them itself (429), or is paused."""
    return max(0.0, (account.paused_until - now).total_seconds()) if account.paused_until else 0.0


def may_send(account: ProviderAccount, *, again: bool = False) -> tuple[Permission, float]:
    """Whether one more request may leave through this account now, else seconds to wait.

    The account's row must be locked by the caller's transaction: that makes limits exact
    however many workers there are. ``again`` repeats a request that is in flight already.
    """
    now = clock.now()
    if not account.enabled:
        return Permission.RESTING, PAUSE
    if account.paused_until and account.paused_until > now:
        return Permission.RESTING, (account.paused_until - now).total_seconds()
    if account.pause_level and account.probe_until and account.probe_until > now:
        return Permission.RESTING, 2.0
    wait = take_slot(account, account.calls_a_minute, room=None if again else account.room)
    if wait:
        return Permission.FULL, wait
    if account.pause_level:
        ProviderAccount.objects.filter(id=account.id).update(probe_until=now + timedelta(seconds=PROBE))
    return Permission.GO, 0.0


_BUSY = f"""
SELECT count(*) FROM generations_submission WHERE account_id = %(account)s AND {reading.IS_BUSY}
"""  # noqa: S608 - our own words
# In the database, where the calls of the last minute are: a thousand times would cross the wire each time.
_TAKE = f"""
WITH busy (calls) AS ({_BUSY}),
called AS (
  SELECT ARRAY(SELECT call FROM unnest(recent_calls) call
               WHERE call > statement_timestamp() - %(minute)s ORDER BY call) AS recent
  FROM providers_provideraccount WHERE id = %(account)s),
taken AS (
  UPDATE providers_provideraccount SET recent_calls = recent || statement_timestamp() FROM busy, called
  WHERE id = %(account)s AND calls < %(room)s AND cardinality(recent) < %(limit)s RETURNING id)
SELECT EXISTS (SELECT FROM taken), calls,
  extract(epoch FROM recent[cardinality(recent) - %(limit)s + 1] + %(minute)s - statement_timestamp())
FROM busy, called
"""  # noqa: S608 - our own words


def take_slot(account: ProviderAccount, limit: int | None, *, room: int | None = None) -> float:
    """Use one of the account's calls of this minute, or say in how many seconds there is one.

    With ``room``, so many calls may be in flight at once. The account's row must be locked by the
    caller's transaction.
    """
    room = 2**31 - 1 if room is None else room
    values = {"account": account.id, "room": room, "limit": limit, "minute": MINUTE}
    if not limit:
        ((calls,),) = rows.planned(_BUSY, values)
        return 0.0 if calls < room else 1.0
    ((taken, calls, wait),) = rows.planned(_TAKE, values)
    if taken:
        return 0.0
    return 1.0 if calls >= room else max(0.05, float(wait))


def wait_to_ask(account: ProviderAccount) -> float:
    """Seconds until a question may leave, where questions count as calls; 0: it may, and is counted.

    Call it in a transaction.
    """
    counted = account.traits.polls_counted
    return take_slot(locked(account.id), account.calls_a_minute) if counted else 0.0


def locked(account_id: UUID) -> ProviderAccount:
    """The account's row, locked until the transaction ends."""
    return ProviderAccount.objects.select_for_update(no_key=True).get(id=account_id)


def pause(account_id: UUID, reason: str, *, seconds: float | None = None) -> None:
    """Stop sending through an account: for a given time, or 30 s doubling to 10 min with one probe."""
    account = locked(account_id)
    now = clock.now()
    if seconds is not None:
        until = now + timedelta(seconds=seconds)
        if account.paused_until is None or account.paused_until < until:
            ProviderAccount.objects.filter(id=account.id).update(
                paused_until=until, pause_reason=account.pause_reason or reason
            )
        return
    if account.pause_level and account.paused_until and account.paused_until > now:
        return  # one bad minute is one step, however many calls fail in it
    level = min(account.pause_level + 1, PAUSE_LEVELS)
    wait = min(PAUSE_MAX, PAUSE * 2 ** (level - 1))
    ProviderAccount.objects.filter(id=account.id).update(
        paused_until=now + timedelta(seconds=wait), pause_reason=reason, pause_level=level, probe_until=None
    )


def count_success(account_id: UUID, *, ends_pause: bool) -> None:
    """A call went well: a probe that did ends the pause; the breaker counts it only beside failures."""
    accounts = ProviderAccount.objects.filter(id=account_id)
    if ends_pause:
        accounts.filter(pause_level__gt=0).update(
            paused_until=None,
            pause_reason="",
            pause_level=0,
            probe_until=None,
            window_calls=0,
            window_failures=0,
        )
    accounts.filter(window_failures__gt=0).update(window_calls=F("window_calls") + 1)


def count_failure(account_id: UUID, *, prolongs_pause: bool) -> None:
    """A call brought no answer: half of twenty failing within a minute opens the breaker.

    So does a failed probe, which a failed question is not.
    """
    account = locked(account_id)
    now = clock.now()
    fresh = account.window_started_at is None or account.window_started_at < now - BREAKER_WINDOW
    calls = 1 if fresh else account.window_calls + 1
    failures = 1 if fresh else account.window_failures + 1
    ProviderAccount.objects.filter(id=account.id).update(
        window_started_at=now if fresh else account.window_started_at,
        window_calls=calls,
        window_failures=failures,
    )
    probed = bool(account.pause_level) and prolongs_pause
    if probed or (calls >= BREAKER_CALLS and failures * 2 >= calls):
        pause(account_id, BROKEN)


def poll_gap(traits: Traits, age: float, expected: float) -> float:
    """Seconds until a task sent ``age`` seconds ago, and expected to take so many, is asked about again.

    Half of what is left until its end is expected, or of what has passed since: few questions early, many
    about when it should be done. Never sooner than the gateway likes, so the last step is a whole one.
    """
    first, widest = traits.pace
    left = expected - age
    gap = left if first < left < 2 * first else abs(left) / 2
    return _a_little_later(min(widest, max(first, gap)))


def retry_gap(traits: Traits, polls: int) -> float:
    """Seconds until a question that brought no answer is asked again: widening."""
    first, widest = traits.pace
    return _a_little_later(min(widest, first * 1.5 ** min(polls, 20)))


def _a_little_later(seconds: float) -> float:
    """So that what began together is not asked about together; never sooner than was asked for."""
    return seconds * random.uniform(1.0, 1.1)


def backoff(tries: int, *, base: float = 0.5, cap: float = 20.0) -> float:
    """Seconds before the next try, fully jittered."""
    return random.uniform(0.2, min(cap, base * 2 ** min(tries, 10)))


_MEASURED = """
SELECT provider, percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - sent_at))
FROM (SELECT provider, state, sent_at, finished_at FROM generations_submission
      ORDER BY id DESC LIMIT 3000) recent
WHERE state = 'done' AND finished_at > now() - interval '7 days'
GROUP BY provider HAVING count(*) >= 5
"""


_LATELY = 60.0
"""Seconds for which what was measured is good enough to aim polls by."""
_lately: tuple[float, Mapping[str, float]] = (float("-inf"), {})


def expected(provider: str) -> float:
    """Seconds that a call takes there, as measured here lately; 0 while that is not known.

    Not the published figure: where a gateway is quicker than its page says, people would wait for nothing.
    """
    global _lately
    if time.monotonic() - _lately[0] > _LATELY:
        _lately = time.monotonic(), _lately[1]  # the other threads need not measure as well
        _lately = time.monotonic(), measured()
    return _lately[1].get(provider, 0.0)


def measured() -> Mapping[str, float]:
    """Median seconds from sending to stored, per provider, over the newest work here."""
    with connection.cursor() as cursor:
        cursor.execute(_MEASURED)
        return {provider: float(seconds) for provider, seconds in cursor.fetchall()}
