"""What an answer says of its account: failures open the breaker, whatever else is said of one task."""

from __future__ import annotations

from generations.engine import pace
from generations.engine.hearing import Heard
from generations.models import Submission
from providers.errors import ProviderError, Reason
from providers.values import Failed

OF_THE_REQUEST = frozenset({Reason.INVALID_REQUEST, Reason.CONTENT_REFUSED})
"""Refusals of what was asked, which any account and any gateway may be expected to repeat."""


def tell(submission: Submission, heard: Heard, *, ailing: bool) -> None:
    """Silence and server errors are failures, refusals and results are not.

    Only the answer to a POST ends a pause, or prolongs it: polls succeed while a key's credit is used up.
    An answer to a poll that says nothing is about its task alone. A prompt that is refused was read, so the
    account is well. ``ailing``: its failures are being counted, or it is paused.
    """
    report, posted = heard.report, heard.post is not None
    if isinstance(report, ProviderError):
        silent = posted or heard.status is None or heard.status >= 300
        if silent and report.reason in {Reason.UNREACHABLE, Reason.NO_ANSWER}:
            pace.count_failure(submission.account_id, prolongs_pause=posted)
        return
    refused = isinstance(report, Failed) and report.reason.refused and report.reason not in OF_THE_REQUEST
    if ailing and not refused:
        pace.count_success(submission.account_id, ends_pause=posted)
