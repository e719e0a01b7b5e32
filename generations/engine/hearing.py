"""What a provider said, and the evidence of it: kept, redacted, written down once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from uuid6 import uuid7

from generations.engine import planning
from generations.models import Result, Submission, notify
from generations.states import ResultState
from providers.errors import ProviderError
from providers.values import Answer, Cost, Report, Running
from providers.values import Result as Promised

RAW_MAX = 64 * 1024
_SIGNED = re.compile(r'(https?://[^\s"\\]*?\?)[^\s"\\]*')
_LONG = re.compile(r"[A-Za-z0-9+/=_-]{2000,}")


@dataclass(frozen=True, slots=True)
class Kept:
    """An original that came inside the answer and is in storage already."""

    asset_id: UUID
    storage_key: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Heard:
    """What a provider said, and the evidence. ``kept`` holds originals that came with it, by result key."""

    report: Report | ProviderError
    answer: Answer | None = None
    kept: Mapping[str, Kept] = field(default_factory=dict)
    who: str = ""
    asked_at: datetime | None = None


def keep_evidence(submission: Submission, heard: Heard) -> None:
    changes: dict[str, object] = {"lease_until": None, "lease_owner": ""}
    if heard.answer is not None:
        changes |= {"http_status": heard.answer.status, "raw": redacted(heard.answer.body)}
    cost = getattr(heard.report, "cost", None)
    if isinstance(cost, Cost):
        changes |= {
            "cost": cost.micros,
            "cost_raw": cost.raw[:200],
            # While it runs, what is told is the cost of the pictures so far.
            "cost_final": cost.final and cost.micros is not None and not isinstance(heard.report, Running),
            "cost_elsewhere": cost.elsewhere,
        }
    request_id = getattr(heard.report, "request_id", None)
    if request_id:
        changes["request_id"] = str(request_id)[:200]
    Submission.objects.filter(id=submission.id).update(**changes)
    for name, value in changes.items():
        setattr(submission, name, value)


def claim_theirs(submission: Submission, theirs: str | None) -> bool:
    """Write down the provider's id; False if it belongs to another submission already."""
    if not theirs or submission.theirs == theirs:
        return True
    if submission.theirs:
        return True  # the first id we were told stays
    try:
        with transaction.atomic():
            Submission.objects.filter(id=submission.id).update(theirs=theirs[:200])
    except IntegrityError:
        return False
    submission.theirs = theirs[:200]
    return True


def promise(submission: Submission, results: tuple[Promised, ...], heard: Heard) -> None:
    """Write down each promised picture once; a fresh link replaces one that was not fetched yet."""
    known = {row.key: row for row in Result.objects.filter(submission=submission)}
    fresh: list[Result] = []
    for promised in results:
        row = known.get(promised.key)
        if row is not None:
            if promised.url and row.state == ResultState.PENDING and row.url != promised.url:
                Result.objects.filter(id=row.id, state=ResultState.PENDING).update(url=promised.url)
            continue
        kept = heard.kept.get(promised.key)
        fresh.append(
            Result(
                submission=submission,
                key=promised.key[:200],
                position=len(known) + len(fresh),
                url=promised.url or "",
                asset_id=kept.asset_id if kept else uuid7(),
                state=ResultState.FETCHED if kept else ResultState.PENDING,
                storage_key=kept.storage_key if kept else "",
                sha256=kept.sha256 if kept else "",
                bytes=kept.size if kept else None,
                seed=promised.seed,
                revised_prompt=promised.revised_prompt or "",
                flagged=promised.flagged,
            )
        )
    if fresh:
        Result.objects.bulk_create(fresh, ignore_conflicts=True)
        notify(planning.DUE_CHANNEL)
        if heard.kept:
            notify(planning.MEDIA_CHANNEL)


def redacted(body: bytes) -> str:
    """The start of an answer without inline pictures and signatures of links."""
    text = body[: RAW_MAX * 4].decode("utf-8", errors="replace").replace("\x00", "")
    text = _LONG.sub("…", text)
    return _SIGNED.sub(r"\1…", text)[:RAW_MAX]
