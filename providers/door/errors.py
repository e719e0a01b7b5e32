"""What may go wrong on the way. No message ever holds a query, a header or a body."""

from __future__ import annotations

from enum import StrEnum

from providers.values import Answer


class DoorError(Exception):
    """A call that brought no answer. ``kind`` says why in a few words, for people and logs."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class NotSent(DoorError):
    """Not a byte of the request left this machine: it may be sent again."""


class NoAnswer(DoorError):
    """Something may have left, and no complete answer came: what became of it is unknown.

    ``came`` is as much of one as there was, if its body had begun: at times all of it but its end, at
    times the id of what was paid for.
    """

    def __init__(self, kind: str, came: Answer | None = None) -> None:
        super().__init__(kind)
        self.came = came


class Trouble(StrEnum):
    """Why a download did not bring a file."""

    UNREACHABLE = "unreachable"
    FORBIDDEN_ADDRESS = "forbidden_address"
    BAD_REDIRECT = "bad_redirect"
    EXPIRED = "expired"
    SERVER_ERROR = "server_error"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    BAD_ENCODING = "bad_encoding"
    TRUNCATED = "truncated"
    EMPTY = "empty"
    BAD_STATUS = "bad_status"

    @property
    def retryable(self) -> bool:
        """Whether the same URL may well work a little later."""
        return self in _PASSING


_PASSING = frozenset(
    {Trouble.UNREACHABLE, Trouble.SERVER_ERROR, Trouble.TOO_SLOW, Trouble.TRUNCATED, Trouble.EMPTY}
)


class DownloadError(Exception):
    """No file came of it. ``reason`` alone decides what to do; ``detail`` is for staff."""

    def __init__(self, reason: Trouble, detail: str = "") -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.detail = detail

    @property
    def retryable(self) -> bool:
        """Whether the same URL may well work a little later."""
        return self.reason.retryable
