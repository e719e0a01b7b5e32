"""What a provider said, and the evidence of it: kept, redacted, written down once."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models.functions import Now
from uuid6 import uuid7

from accounts import rows
from generations.engine import clock, planning
from generations.engine.recognizing import keys_of, link_of
from generations.models import Result, Submission, move_result, moves
from generations.states import ResultState, SubmissionState
from providers.errors import ProviderError, Reason
from providers.provider import Traits
from providers.values import Answer, Cost, Exchange, Promised, Report, Running

log = logging.getLogger(__name__)
RAW_MAX = 64 * 1024
# As JSON writes them: PHP escapes "/", Go "&", and an answer may quote another. Nothing is tried twice
# (possessive), so the time is linear.
_ESCAPED = r"\\++(?:/|u(?!0022)[0-9a-fA-F]{4})"
_SIGNED = re.compile(rf'(https?:(?:\\*+/){{2}}(?:[^\s"\\?]++|{_ESCAPED})*+\??)(?:[^\s"\\]++|{_ESCAPED})*+')
_LONG = re.compile(r"[A-Za-z0-9+/=_-]{2000,}")


@dataclass(frozen=True, slots=True)
class Original:
    """An original that came inside the answer and is in storage already."""

    asset_id: UUID
    storage_key: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Heard:
    """What a provider said, and the evidence. ``kept`` holds originals that came with it, by result key.

    ``post`` numbers the paid request that this answers, None for what was merely asked. ``asked``
    is the submission as it was when it was asked about, ``taken`` whether the provider's id is another's.
    """

    report: Report | ProviderError
    answer: Answer | None = None
    kept: Mapping[str, Original] = field(default_factory=dict)
    who: str = ""
    post: int | None = None
    asked: Submission | None = None
    taken: bool = False

    @property
    def status(self) -> int | None:
        """The HTTP status of an answer that came whole."""
        return self.answer.status if self.answer is not None and self.answer.whole else None


def understood(exchange: Exchange[Report], answer: Answer) -> Report:
    """What the answer says. Raises ProviderError, whatever its adapter stumbles over.

    A flaw of ours must not lose what came back: it is evidence, and the call may be paid for.
    """
    try:
        return exchange.read(answer)
    except ProviderError:
        raise
    except Exception as error:
        log.exception("an answer could not be read")
        raise ProviderError(Reason.NO_ANSWER, f"it could not be read: {type(error).__name__}") from error


def keep_evidence(submission: Submission, heard: Heard) -> None:
    """Note what was said and what it cost."""
    changes: dict[str, object] = {"lease_until": None, "lease_owner": ""}
    if heard.answer is not None:
        changes["raw"] = redacted(heard.answer.body)
    if heard.status is not None:
        changes["http_status"] = heard.status
    cost = getattr(heard.report, "cost", None)
    if isinstance(cost, Cost):
        changes |= {
            "cost": cost.micros,
            "cost_raw": cost.raw[:200],
            # While it runs, the cost told is that of the pictures so far.
            "cost_final": cost.final and cost.micros is not None and not isinstance(heard.report, Running),
        }
    request_id = getattr(heard.report, "request_id", None)
    if request_id:
        changes["request_id"] = str(request_id)[:200]
    moves.note(submission, **changes)


def theirs_of(heard: Heard) -> str | None:
    """The provider's id, as far as this tells it."""
    theirs = getattr(heard.report, "theirs", None)
    return str(theirs)[:200] if theirs else None


def claim_theirs(submission: Submission, heard: Heard) -> bool:
    """Note the provider's id; False if it belongs to another submission already.

    Two that are told the same id at the very same moment meet at the database's constraint; the second
    is recorded anew and then finds it taken.
    """
    theirs = theirs_of(heard)
    if not theirs or submission.theirs:
        return True  # the first id we were told stays
    if not heard.taken:
        moves.note(submission, theirs=theirs)
    return not heard.taken


def wrote_of_it(submission: Submission) -> bool:
    """Whether the provider wrote to its secret path since it was last sent."""
    return submission.webhook_events.filter(received_at__gte=submission.sent_at).exists()


_PROMISE = """
WITH written AS (
  INSERT INTO generations_result (id, submission_id, dies_at, key, position, url, link, asset_id, state, seed,
    revised_prompt, flagged, storage_key, sha256, bytes, reason, detail, tries, lease_owner, fence)
  SELECT p.id, %s, %s, p.key, p.position, p.url, p.link, p.asset_id, p.state, p.seed, p.revised_prompt,
    p.flagged, p.storage_key, p.sha256, p.bytes, '', '', 0, '', 0
  FROM unnest(%s::uuid[], %s::text[], %s::int[], %s::text[], %s::text[], %s::uuid[], %s::text[], %s::bigint[],
    %s::text[], %s::bool[], %s::text[], %s::text[], %s::bigint[])
    AS p (id, key, position, url, link, asset_id, state, seed, revised_prompt, flagged, storage_key, sha256,
      bytes)
  ON CONFLICT DO NOTHING)
SELECT pg_notify(channel, '') FROM unnest(%s::text[]) channel
"""


def distinct(results: tuple[Promised, ...]) -> list[Promised]:
    """The pictures of one list, in its order: an address that stands there twice is one picture."""
    found: dict[str, Promised] = {}
    for promised in results:
        found.setdefault(promised.url or promised.key, promised)
    return list(found.values())


_KNOWN = "SELECT key, url, link, state FROM generations_result WHERE submission_id = %s ORDER BY position"


def promise(submission: Submission, results: tuple[Promised, ...], heard: Heard, traits: Traits) -> bool:
    """Write down each promised picture once; a fresh link replaces one that was not fetched yet.

    True if any was new, and so waits to be fetched or looked at.
    """
    # While it is on the wire for the first time, nothing can have been promised.
    asked_before = submission.state != SubmissionState.SENDING
    found = rows.planned(_KNOWN, [submission.id]) if asked_before and results else []
    known, links = {key: url for key, url, _, _ in found}, {key: link for key, _, link, _ in found}
    waiting = {key for key, _, _, state in found if state == ResultState.PENDING}
    dies_at = clock.now() + timedelta(seconds=submission.asked.get("ttl") or traits.link_life)
    fresh: list[tuple[Any, ...]] = []
    listed = distinct(results)
    keys = keys_of(listed, links, waiting, submission.pictures)
    for promised, key in zip(listed, keys, strict=True):
        kept = heard.kept.get(promised.key)
        if key not in known:
            fresh.append(_row(replace(promised, key=key), len(known) + len(fresh), kept))
        elif kept:
            _has_come(submission, key, kept)
        elif promised.url and known[key] != promised.url:
            pending = Result.objects.filter(submission=submission, state=ResultState.PENDING)
            link = link_of(promised.url)
            pending.filter(key=key).update(url=promised.url, link=link, dies_at=dies_at)
    if fresh:
        channels = [planning.DUE_CHANNEL, *([planning.MEDIA_CHANNEL] if heard.kept else [])]
        rows.planned(_PROMISE, [submission.id, dies_at, *map(list, zip(*fresh, strict=True)), channels])
    return bool(fresh)


def _has_come(submission: Submission, key: str, kept: Original) -> None:
    """What was told without its bytes, which could not be fetched so far, came inside a later answer."""
    result = Result.objects.filter(submission=submission, key=key, state=ResultState.PENDING).first()
    if result is not None:
        move_result(
            result,
            ResultState.FETCHED,
            wake=planning.MEDIA_CHANNEL,
            asset_id=kept.asset_id,
            storage_key=kept.storage_key,
            sha256=kept.sha256,
            bytes=kept.size,
            due_at=Now(),
        )


def _row(promised: Promised, position: int, kept: Original | None) -> tuple[Any, ...]:
    """The values of a result, in the order of ``_PROMISE``."""
    return (
        uuid7(),
        promised.key[:200],
        position,
        promised.url or "",
        link_of(promised.url),
        kept.asset_id if kept else uuid7(),
        (ResultState.FETCHED if kept else ResultState.PENDING).value,
        promised.seed,
        promised.revised_prompt or "",
        promised.flagged,
        kept.storage_key if kept else "",
        kept.sha256 if kept else "",
        kept.size if kept else None,
    )


def redacted(body: bytes) -> str:
    """The start of an answer without inline pictures and signatures of links."""
    text = body[: RAW_MAX * 4].decode("utf-8", errors="replace").replace("\x00", "")
    text = _LONG.sub("…", text)
    return _SIGNED.sub(_unsigned, text)[:RAW_MAX]


def _unsigned(link: re.Match[str]) -> str:
    """A link up to its question mark."""
    return f"{link[1]}…" if link[1].endswith("?") else link[1]
