"""What can be wrong with what a person asks. Each carries a code and a sentence they can act on."""

from __future__ import annotations

from collections.abc import Mapping


class Refusal(Exception):
    """A request that cannot be carried out. The subclass says what kind; config.api gives it a status.

    ``fields`` names what to mend, each with sentences; ``retry_after`` is in seconds.
    """

    code = "refused"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        fields: Mapping[str, list[str]] | None = None,
        retry_after: float | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.fields = dict(fields or {})
        self.retry_after = retry_after
        self.extra = dict(extra or {})


class Invalid(Refusal):
    """Something asked is malformed or impossible."""

    code = "invalid_parameter"


def wrong(name: str, sentence: str, *, code: str | None = None) -> Invalid:
    """One field is not right: what is said of it, with the remedy, is all there is to say."""
    return Invalid(f"{name} {sentence}", code=code, fields={name: [sentence]})


class NotAllowed(Refusal):
    """The principal may see it and may not do this."""

    code = "forbidden"


class NotFound(Refusal):
    """It does not exist, or not for this principal; the two look the same."""

    code = "not_found"


class Conflict(Refusal):
    """It cannot be done in the present state."""

    code = "conflict"
