"""The courses of a generation, a submission and a result: states, and the arrows between them.

Arrows are data: ``models.moves`` follows them with a filtered UPDATE, and a trigger in the
database refuses everything else.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class GenerationStatus(TextChoices):
    """How far the thing a person asked for has come."""

    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    STORING = "storing", _("Saving")
    UNRESOLVED = "unresolved", _("Being looked up")
    SUCCEEDED = "succeeded", _("Done")
    FAILED = "failed", _("Failed")
    CANCELED = "canceled", _("Canceled")


class SubmissionState(TextChoices):
    """How far one paid request has come."""

    PLANNED = "planned", _("Planned")
    SENDING = "sending", _("Sending")
    RUNNING = "running", _("Running")
    STORING = "storing", _("Saving")
    UNKNOWN = "unknown", _("Unknown")
    DONE = "done", _("Done")
    REFUSED = "refused", _("Refused")
    FAILED = "failed", _("Failed")
    ABANDONED = "abandoned", _("Abandoned")
    CANCELED = "canceled", _("Canceled")


class ResultState(TextChoices):
    """How far one promised picture has come."""

    PENDING = "pending", _("To be fetched")
    FETCHED = "fetched", _("Original kept")
    STORED = "stored", _("Stored")
    REJECTED = "rejected", _("Not a usable picture")
    LOST = "lost", _("Lost")


_G, _S, _R = GenerationStatus, SubmissionState, ResultState

ENDED = frozenset({_G.SUCCEEDED, _G.FAILED, _G.CANCELED})
_OPEN = frozenset(_G) - ENDED

GENERATION: Mapping[str, frozenset[str]] = {
    **{status: frozenset(set(_G) - {status}) for status in _OPEN},
    **{status: frozenset[str]() for status in ENDED},
}

SUBMISSION: Mapping[str, frozenset[str]] = {
    _S.PLANNED: frozenset({_S.SENDING, _S.RUNNING, _S.REFUSED, _S.CANCELED}),
    _S.SENDING: frozenset({_S.PLANNED, _S.RUNNING, _S.STORING, _S.REFUSED, _S.FAILED, _S.UNKNOWN}),
    _S.RUNNING: frozenset({_S.STORING, _S.FAILED, _S.UNKNOWN}),
    _S.UNKNOWN: frozenset({_S.RUNNING, _S.STORING, _S.REFUSED, _S.FAILED, _S.ABANDONED}),
    _S.STORING: frozenset({_S.DONE, _S.FAILED}),
    _S.ABANDONED: frozenset({_S.UNKNOWN, _S.RUNNING, _S.STORING}),
    _S.REFUSED: frozenset({_S.RUNNING, _S.STORING}),
    _S.FAILED: frozenset({_S.RUNNING, _S.STORING}),
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
OPEN = frozenset(_S) - OVER
IN_FLIGHT = frozenset({_S.SENDING, _S.RUNNING, _S.UNKNOWN})
CLAIMABLE = frozenset({_S.PLANNED, _S.SENDING, _S.RUNNING, _S.UNKNOWN})
WAITING = frozenset({_R.PENDING, _R.FETCHED})
BROKEN = frozenset({_R.REJECTED, _R.LOST})
