"""Why something did not work, in our words.

A :class:`Reason` is the whole story: whether to try again, whether it was surely
unbilled, and what a person is told. It travels on a ``Failed`` report (the provider
answered) and on a ``ProviderError`` (it gave no answer that can be read).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from providers.values import Promised


class Reason(StrEnum):
    """What went wrong. The value is the machine code that the API shows."""

    INVALID_REQUEST = "invalid_parameter"
    CONTENT_REFUSED = "content_refused"
    KEY_REFUSED = "provider_key_refused"
    NO_CREDIT = "provider_out_of_credit"
    NOT_OFFERED = "provider_unavailable"
    RATE_LIMITED = "provider_busy"
    BUSY = "provider_overloaded"
    UNREACHABLE = "provider_unreachable"
    NO_ANSWER = "provider_silent"
    IN_FLIGHT = "already_accepted"
    NOT_FOUND = "not_found"
    PROVIDER_FAILED = "provider_failed"
    BAD_RESULT = "bad_result"
    EXPIRED = "result_expired"
    TOO_LARGE = "result_too_large"
    TIMED_OUT = "provider_timeout"
    LOST = "provider_lost"
    CANCELED = "canceled"
    STORAGE = "storage_failed"
    REFERENCE = "reference_unavailable"

    @property
    def sentence(self) -> str:
        """What a person is told; it names no key, no address and no provider's raw words."""
        return _SENTENCES[self]

    @property
    def refused(self) -> bool:
        """The provider surely did not take the work on: nothing is billed, another may be asked."""
        return self in _REFUSED

    @property
    def passing(self) -> bool:
        """A refusal that waiting mends: the same submission goes out again later."""
        return self in {Reason.RATE_LIMITED, Reason.BUSY, Reason.UNREACHABLE}

    @property
    def pauses_account(self) -> bool:
        """The fault lies with our account there, so nobody else's work should try it meanwhile."""
        return self in {Reason.KEY_REFUSED, Reason.NO_CREDIT}


_REFUSED = {
    Reason.INVALID_REQUEST,
    Reason.CONTENT_REFUSED,
    Reason.KEY_REFUSED,
    Reason.NO_CREDIT,
    Reason.NOT_OFFERED,
    Reason.RATE_LIMITED,
    Reason.BUSY,
    Reason.UNREACHABLE,
}

_SENTENCES = {
    Reason.INVALID_REQUEST: "The gateway refused a parameter of this request. You were not charged.",
    Reason.CONTENT_REFUSED: "The gateway's content rules refused this prompt or picture. "
    "You were not charged; change the prompt and try again.",
    Reason.KEY_REFUSED: "This gateway cannot be used at the moment. You were not charged; choose another.",
    Reason.NO_CREDIT: "This gateway cannot be used at the moment. You were not charged; choose another.",
    Reason.NOT_OFFERED: "This gateway cannot be used at the moment. You were not charged; choose another.",
    Reason.RATE_LIMITED: "The gateway was too busy for too long. You were not charged; try again later.",
    Reason.BUSY: "The gateway was too busy for too long. You were not charged; try again later.",
    Reason.UNREACHABLE: "The gateway could not be reached. You were not charged; try again later.",
    Reason.NO_ANSWER: "The gateway gave no answer that can be read; it is being asked again.",
    Reason.IN_FLIGHT: "The gateway has this request already; its result is being looked up.",
    Reason.NOT_FOUND: "The gateway does not know this request.",
    Reason.PROVIDER_FAILED: "The gateway could not make this picture. You were not charged.",
    Reason.BAD_RESULT: "What the gateway sent was not a usable picture. You were not charged.",
    Reason.EXPIRED: "The result expired before it could be saved. You were not charged.",
    Reason.TOO_LARGE: "What the gateway sent was larger than a picture may be. You were not charged.",
    Reason.TIMED_OUT: "The gateway did not finish in time. You were not charged.",
    Reason.LOST: "The gateway never said what became of this request. You were not charged.",
    Reason.CANCELED: "Canceled. You were not charged.",
    Reason.STORAGE: "The picture could not be saved. You were not charged.",
    Reason.REFERENCE: "A picture that this builds on can no longer be read. You were not charged; "
    "choose another one.",
}


class Unusable(Exception):
    """An account that nothing can be done through as it is set; the message, for staff, says why."""


class ProviderError(Exception):
    """The lack of an answer: what came back cannot be read, or says to come back later.

    ``retry_after`` is in seconds, already clamped, or None. ``detail`` is for staff:
    the provider's own words, never shown to others. ``theirs`` is the provider's id of the
    work, where that alone could be read: by it one can ask what became of it. ``results`` are
    the pictures that could be read, where nothing can be asked.
    """

    def __init__(
        self,
        reason: Reason,
        detail: str = "",
        *,
        retry_after: float | None = None,
        theirs: str | None = None,
        results: tuple[Promised, ...] = (),
    ) -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.detail = detail
        self.retry_after = retry_after
        self.theirs = theirs
        self.results = results
