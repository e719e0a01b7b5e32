"""One exchange with a gateway: sent, read, and the pictures inside its answer kept, before it is recorded."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID
from weakref import WeakValueDictionary

from generations.engine import inline, killing
from generations.engine.hearing import Original, understood
from generations.models import Submission
from providers.door import NoAnswer, NotSent
from providers.errors import ProviderError, Reason
from providers.values import Accepted, Answer, Done, Exchange, Report, Running

if TYPE_CHECKING:
    from generations.engine.net import Net

CALL_MAX = 600.0
LONGEST_GAP = 60.0
"""Seconds; no gateway wants more of them between two questions about one task."""


class Questions:
    """What this worker asks about submissions, so that no gateway is asked sooner than it likes, or twice."""

    def __init__(self) -> None:
        self._asked: dict[UUID, float] = {}
        self._asking: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    def about(self, submission_id: UUID) -> asyncio.Lock:
        """Held by whoever asks again about a submission: the next finds what the answer has brought."""
        return self._asking.setdefault(submission_id, asyncio.Lock())

    async def wait(self, submission_id: UUID, gap: float) -> None:
        """Until ``gap`` seconds have passed since the last question."""
        await asyncio.sleep(self._asked.get(submission_id, float("-inf")) + gap - time.monotonic())

    def note(self, submission_id: UUID) -> None:
        """That it is asked about now."""
        now = time.monotonic()
        self._asked.pop(submission_id, None)  # so that the oldest stand first
        self._asked[submission_id] = now
        while self._asked[oldest := next(iter(self._asked))] < now - LONGEST_GAP:
            del self._asked[oldest]


async def ask(
    net: Net, submission: Submission, exchange: Exchange[Report], *, paid: bool = False
) -> tuple[Answer | None, Report | ProviderError]:
    """The answer, as far as it came, without our own key; and what it says, or why it says nothing."""
    exchange = bounded(exchange, submission)
    net.questions.note(submission.id)
    answer: Answer | None = None
    try:
        answer = _without_key(exchange, await net.door.send(exchange, paid=paid))
        if paid:
            await killing.moment_on_loop("after_answer")
        return answer, understood(exchange, answer)
    except NotSent as error:
        return None, ProviderError(Reason.UNREACHABLE, error.kind)
    except NoAnswer as error:
        return _broken_off(exchange, error)
    except ProviderError as error:
        return answer, error


async def keep_inline(
    net: Net, submission: Submission, report: Report | ProviderError
) -> dict[str, Original]:
    """The originals that came inside an answer, in storage, by result key."""
    if not isinstance(report, Running | Done | ProviderError):
        return {}
    return await inline.keep_inline(net, submission, report.results)


def bounded(exchange: Exchange[Report], submission: Submission) -> Exchange[Report]:
    """The exchange, with no more patience than the engine and the account's operator have."""
    timeout = min(exchange.timeout, CALL_MAX, submission.account.call_timeout)
    return replace(exchange, timeout=timeout)


def secrets_in(exchange: Exchange[Report]) -> list[str]:
    """The account's key, wherever this gateway wants it."""
    held = (exchange.headers.get(name, "") for name in ("authorization", "x-api-key"))
    return [value.rpartition(" ")[2] for value in held]


def _without_key(exchange: Exchange[Report], answer: Answer) -> Answer:
    """The answer with our own key blotted out, should a gateway repeat it: answers are kept and shown."""
    body = answer.body
    for secret in (held.encode() for held in secrets_in(exchange)):
        if len(secret) >= 8 and secret in body:
            body = body.replace(secret, b"[key]")
    return answer if body is answer.body else replace(answer, body=body)


def _broken_off(exchange: Exchange[Report], error: NoAnswer) -> tuple[Answer | None, Report | ProviderError]:
    """What can be taken from an answer whose end never came: its pictures, the id of the work, or nothing.

    Its pictures, for maybe nobody can tell their links again. A refusal without its end stays in doubt.
    Whatever came is evidence.
    """
    lost = ProviderError(Reason.NO_ANSWER, error.kind)
    if error.came is None:
        return None, lost
    answer = _without_key(exchange, error.came)
    try:
        report = understood(exchange, answer)
    except ProviderError as unread:
        lost.theirs, lost.results = unread.theirs, unread.results
        return answer, lost
    if isinstance(report, Accepted | Done):
        return answer, report
    lost.theirs = report.theirs
    return answer, lost
