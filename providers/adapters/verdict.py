"""What an HTTP status and an error body mean, where the gateways agree.

There are two kinds of answers. The answer to a submit decides about money: it is a plain
no (``Failed``), or it leaves open what became of the work (``ProviderError``). The answer
to a question (a poll, a look-up, a cancel, a balance) never ends a task by its status.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from providers.adapters import wire
from providers.errors import ProviderError, Reason
from providers.values import Answer, Cost, Failed

REFUSALS: dict[int, Reason] = {
    400: Reason.INVALID_REQUEST,
    401: Reason.KEY_REFUSED,
    402: Reason.NO_CREDIT,
    403: Reason.KEY_REFUSED,
    404: Reason.NOT_OFFERED,
    405: Reason.INVALID_REQUEST,
    413: Reason.INVALID_REQUEST,
    415: Reason.INVALID_REQUEST,
    422: Reason.INVALID_REQUEST,
    429: Reason.RATE_LIMITED,
    451: Reason.CONTENT_REFUSED,
}
"""Statuses that say no to a submit at every gateway; any other leaves its fate open."""

_QUESTIONS: dict[int, Reason] = {
    401: Reason.KEY_REFUSED,
    402: Reason.NO_CREDIT,
    403: Reason.KEY_REFUSED,
    404: Reason.NOT_FOUND,
    410: Reason.EXPIRED,
    429: Reason.RATE_LIMITED,
}

_CONTENT = re.compile(
    r"content.?(policy|filter|block|violat|moderat|refus)|sensitive.?content|moderat|nsfw|safety|"
    r"(prompt|image).?blocked|invalidProviderContent",
    re.IGNORECASE,
)

_VAGUE = {"", "invalid_request", "invalid_request_error", "validation_error", "validation_failed"}
"""Codes that say no more than the status; the message has to tell."""


class Fault(NamedTuple):
    """A gateway's error in its own words."""

    code: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in self if part)


def about_content(words: str) -> bool:
    """Whether a code or a reason speaks of content rules, ByteDance's own words included."""
    return bool(_CONTENT.search(words))


def fault(value: object) -> Fault:
    """Code and message, from any envelope seen at the five: nested, flat, a bare string, a field map."""
    body = wire.object_in(value)
    inner = body.get("error") or next(iter(wire.objects_in(body.get("errors"))), None)
    if isinstance(inner, str):
        return Fault(_code(body), wire.clean(inner))
    told = wire.object_in(inner) or body
    message = wire.text(told.get("message")) or wire.text(told.get("detail"))
    return Fault(_code(told), message or _field_map(told))


def fault_of(answer: Answer) -> Fault:
    """As :func:`fault`; for a body that is no JSON, its first words (an edge's HTML page)."""
    try:
        return fault(wire.decode(answer.body))
    except ProviderError:
        return Fault("", wire.excerpt(answer.body))


def _field_map(told: wire.Json) -> str:
    """``{"image_size": ["not a choice"]}`` as one sentence."""
    said = {name: value if isinstance(value, list) else [value] for name, value in told.items()}
    return wire.clean(
        "; ".join(
            f"{name}: {word}" for name, words in said.items() for word in words if isinstance(word, str)
        )
    )


def _code(told: wire.Json) -> str:
    """The stable word; where ``code`` is a number (the HTTP status again), ``type`` is the word."""
    for name in ("code", "error_code", "type"):
        word = wire.text(told.get(name), 100)
        if word:
            return word
    return ""


def nothing_made(
    entries: list[wire.Json],
    *,
    theirs: str | None = None,
    cost: Cost | None = None,
    request_id: str | None = None,
) -> Failed | None:
    """The failure that a list of nothing but errors is; None for any other list.

    ByteDance puts an error in the place of a picture that failed, inside an answer of success.
    """
    told = [fault(entry) for entry in entries if entry.get("error")]
    if not told or len(told) < len(entries):
        return None
    refused = any(about_content(str(one)) for one in told)
    reason = Reason.CONTENT_REFUSED if refused else Reason.PROVIDER_FAILED
    return Failed(reason, str(told[0]), theirs, cost, request_id=request_id)


def refusal(
    answer: Answer,
    codes: Mapping[str, Reason] | None = None,
    busy: frozenset[int] = frozenset(),
    *,
    request_id: str | None = None,
    wait: float | None = None,
) -> Failed:
    """The no that an error status says to a submit. Raises ProviderError where it is no clear no.

    ``codes`` are the gateway's words with a meaning of their own, ``busy`` its ``Traits.busy``;
    ``wait`` is the pause it told in some other way than Retry-After.
    """
    told = fault_of(answer)
    detail = f"HTTP {answer.status} {told}".strip()
    reason = REFUSALS.get(answer.status) or (Reason.BUSY if answer.status in busy else None)
    if 300 <= answer.status < 400:
        raise ProviderError(Reason.INVALID_REQUEST, f"{detail} (a redirect, which is never followed)")
    if answer.status == 409:
        raise ProviderError(Reason.IN_FLIGHT, detail)
    if reason is None:
        raise ProviderError(Reason.NO_ANSWER, detail, retry_after=wire.retry_after(answer.headers))
    if not reason.passing:
        words = told.message if told.code in _VAGUE else told.code
        reason = (codes or {}).get(told.code) or (Reason.CONTENT_REFUSED if about_content(words) else reason)
    if reason is Reason.IN_FLIGHT:
        raise ProviderError(reason, detail)
    pause = (wire.retry_after(answer.headers) or wait) if reason.passing else None
    return Failed(reason, detail, retry_after=pause, request_id=request_id)


def unanswered(answer: Answer) -> ProviderError:
    """What to raise for an error status that answers a question."""
    reason = _QUESTIONS.get(answer.status, Reason.NO_ANSWER)
    return ProviderError(
        reason,
        f"HTTP {answer.status} {fault_of(answer)}".strip(),
        retry_after=wire.retry_after(answer.headers),
    )
