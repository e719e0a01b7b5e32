"""The courses of a generation, a submission and a result: states, and the arrows between them.

Arrows are data: ``models.moves`` follows them with a filtered UPDATE, and a trigger in the
database refuses everything else.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import TextChoices


class GenerationStatus(TextChoices):
    """How far the thing a person asked for has come."""

    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    STORING = "storing", "Saving"
    UNRESOLVED = "unresolved", "Being looked up"
    SUCCEEDED = "succeeded", "Done"
    FAILED = "failed", "Failed"
    CANCELED = "canceled", "Canceled"


class SubmissionState(TextChoices):
    """How far one paid request has come."""

    PLANNED = "planned", "Planned"
    SENDING = "sending", "Sending"
    RUNNING = "running", "Running"
    STORING = "storing", "Saving"
    UNKNOWN = "unknown", "Unknown"
    DONE = "done", "Done"
    REFUSED = "refused", "Refused"
    FAILED = "failed", "Failed"
    ABANDONED = "abandoned", "Abandoned"
    CANCELED = "canceled", "Canceled"


class ResultState(TextChoices):
    """How far one promised picture has come."""

    PENDING = "pending", "To be fetched"
    FETCHED = "fetched", "Original kept"
    STORED = "stored", "Stored"
    REJECTED = "rejected", "Not a usable picture"
    LOST = "lost", "Lost"


_G, _S, _R = GenerationStatus, SubmissionState, ResultState

ENDED = frozenset({_G.SUCCEEDED, _G.FAILED, _G.CANCELED})
_OPEN = frozenset(_G) - ENDED

GENERATION: Mapping[str, frozenset[str]] = {
    **{status: frozenset(set(_G) - {status}) for status in _OPEN},
    **{status: frozenset[str]() for status in ENDED},
}

SUBMISSION: Mapping[str, frozenset[str]] = {
    _S.PLANNED: frozenset({_S.SENDING, _S.REFUSED, _S.CANCELED}),
    _S.SENDING: frozenset({_S.PLANNED, _S.RUNNING, _S.STORING, _S.REFUSED, _S.FAILED, _S.UNKNOWN}),
    _S.RUNNING: frozenset({_S.STORING, _S.FAILED, _S.UNKNOWN}),
    _S.UNKNOWN: frozenset({_S.RUNNING, _S.STORING, _S.REFUSED, _S.FAILED, _S.ABANDONED}),
    _S.STORING: frozenset({_S.DONE, _S.FAILED}),
    _S.ABANDONED: frozenset({_S.RUNNING, _S.STORING}),
    _S.REFUSED: frozenset({_S.STORING}),
    _S.FAILED: frozenset({_S.STORING}),
    _S.CANCELED: frozenset(),
    _S.DONE: frozenset(),
}

RESULT: Mapping[str, frozenset[str]] = {
    _R.PENDING: frozenset({_R.FETCHED, _R.LOST, _R.REJECTED}),
    _R.FETCHED: frozenset({_R.STORED, _R.REJECTED, _R.LOST, _R.PENDING}),
    _R.STORED: frozenset(),
    _R.REJECTED: frozenset(),
    _R.LOST: frozenset(),
}

OVER = frozenset({_S.DONE, _S.REFUSED, _S.FAILED, _S.ABANDONED, _S.CANCELED})
IN_FLIGHT = frozenset({_S.SENDING, _S.RUNNING, _S.UNKNOWN})
CLAIMABLE = frozenset({_S.PLANNED, _S.SENDING, _S.RUNNING, _S.UNKNOWN})
WAITING = frozenset({_R.PENDING, _R.FETCHED})
