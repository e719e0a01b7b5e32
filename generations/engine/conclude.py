"""What a generation's submissions amount to: its status, its end, and its settlement.

Called at the end of every transaction that changed a submission; what such a transaction locks, it
locks in the order that ``reading`` tells.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from accounts import rows
from billing import ledger
from billing.ledger import Line
from generations.engine import reading
from generations.models import (
    GENERATION_CHANNEL,
    Asset,
    Generation,
    Result,
    Submission,
    move_generation,
    move_submission,
    notify,
)
from generations.states import (
    OVER,
    GenerationStatus,
    ResultState,
    SubmissionState,
)
from providers import catalog
from providers.errors import Reason

_S, _G = SubmissionState, GenerationStatus


@dataclass(frozen=True, slots=True)
class Share:
    """One submission's part of a settlement: pictures charged, micro-dollars charged and absorbed.

    ``cost`` is what the provider took for it, from whatever purse.
    """

    submission: Submission
    charged_pictures: int
    charged: int
    cost: int
    absorbed: int


def conclude(generation: Generation) -> None:
    """Bring a locked generation in line with its submissions, and settle it once when all are over."""
    submissions = reading.parts(generation)
    delivered = sum(submission.delivered for submission in submissions)
    if generation.ended:
        _receive_late(generation, submissions, delivered)
        return
    open_ones = [submission for submission in submissions if submission.state not in OVER]
    if not open_ones:
        _end(generation, submissions, delivered)
        return
    status, progress = _status(open_ones), _progress(submissions)
    news: dict[str, Any] = {"delivered": delivered, "progress": progress}
    if status != generation.status:
        move_generation(generation, status, **news)
    elif (delivered, progress) != (generation.delivered, generation.progress):
        rows.planned(_NEWS, [delivered, progress, generation.id, GENERATION_CHANNEL])


_NEWS = """
WITH changed AS (
  UPDATE generations_generation SET delivered = %s, progress = %s WHERE id = %s RETURNING id)
SELECT pg_notify(%s, id::text) FROM changed
"""


def finish_submission(submission: Submission) -> None:
    """Close a submission whose promised pictures have all been stored, rejected or lost."""
    if submission.state != _S.STORING:
        return
    ((waiting, stored, reason),) = rows.planned(_OUTCOME, [submission.id])
    if waiting:
        return
    if stored:
        move_submission(submission, _S.DONE, delivered=stored)
        return
    move_submission(submission, _S.FAILED, reason=reason or Reason.BAD_RESULT.value)


_OUTCOME = """
SELECT count(*) FILTER (WHERE state IN ('pending', 'fetched')), count(*) FILTER (WHERE state = 'stored'),
  (array_agg(reason ORDER BY id) FILTER (WHERE reason <> ''))[1]
FROM generations_result WHERE submission_id = %s
"""


def _status(open_ones: Iterable[Submission]) -> str:
    states = {submission.state for submission in open_ones}
    if states & {_S.SENDING, _S.RUNNING}:
        return _G.RUNNING
    if _S.STORING in states:
        return _G.STORING
    return _G.UNRESOLVED if _S.UNKNOWN in states and _S.PLANNED not in states else _G.QUEUED


def _progress(submissions: Iterable[Submission]) -> int | None:
    """Per cent over all submissions, as far as providers tell."""
    known = [
        100 if submission.state in {_S.STORING, _S.DONE} else submission.progress
        for submission in submissions
        if submission.state not in {_S.REFUSED, _S.CANCELED}
    ]
    if not any(value is not None for value in known):
        return None
    return min(100, sum(value or 0 for value in known) // len(known))


def _end(generation: Generation, submissions: list[Submission], delivered: int) -> None:
    shares = _shares(generation, submissions)
    charged = sum(share.charged for share in shares)
    status, code = _ending(generation, submissions, delivered)
    if not move_generation(
        generation,
        status,
        why=code,
        delivered=delivered,
        charged=charged,
        error_code=code,
        progress=100 if delivered else None,
    ):
        return
    _mark_charged(shares)
    _absorb(generation, shares)
    ledger.settle(generation_id=generation.id, lines=_lines(generation, shares))


def _ending(
    generation: Generation, submissions: list[Submission], delivered: int
) -> tuple[GenerationStatus, str]:
    if delivered:
        return _G.SUCCEEDED, ""
    tried = [submission for submission in submissions if submission.state != _S.CANCELED]
    asked_to_stop = generation.cancel_requested_at is not None
    if not tried or (asked_to_stop and all(s.reason == Reason.CANCELED for s in tried)):
        return _G.CANCELED, ""
    lost = next((s for s in tried if s.state == _S.ABANDONED), None)
    last = lost or tried[-1]
    reason = Reason(last.reason) if last.reason in set(Reason) else Reason.PROVIDER_FAILED
    if reason.pauses_account:
        reason = Reason.NOT_OFFERED  # whose key or credit it was is nobody's business but staff's
    # It did say what became of it where its contract has a word for "failed, and not billed".
    if lost is not None and reason not in {Reason.TIMED_OUT, Reason.PROVIDER_FAILED}:
        reason = Reason.LOST
    return _G.FAILED, reason.value


def _shares(generation: Generation, submissions: Iterable[Submission]) -> list[Share]:
    left = generation.requested
    budget = generation.quoted
    shares = []
    for submission in submissions:
        count = submission.delivered
        pictures = min(count, left)
        charged = min(pictures * submission.unit_price, budget)
        left -= pictures
        budget -= charged
        cost, told = _cost(generation, submission)
        # Where the cost is by list price, a charge above it does not make up for what was wasted.
        covered = charged if told else min(charged, pictures * _list_price(generation, submission))
        absorbed = 0 if submission.cost_elsewhere else max(0, cost - covered)
        shares.append(Share(submission, pictures, charged, cost, absorbed))
    return shares


def _cost(generation: Generation, submission: Submission) -> tuple[int, bool]:
    """Micro-dollars the provider took, and whether it said so itself; else it is by its published price.

    Pictures beyond those asked for count: nobody but the platform pays for them.
    """
    if submission.sent_at is None:
        return 0, True
    if submission.cost is not None and submission.cost_final:
        return submission.cost, True
    unit, abandoned = _list_price(generation, submission), submission.state == _S.ABANDONED
    if abandoned and submission.reason == Reason.PROVIDER_FAILED and not submission.delivered:
        return 0, True  # its contract says that this was not billed
    given_up = submission.state == _S.DONE and submission.reason in {Reason.LOST, Reason.TIMED_OUT}
    if abandoned or given_up:
        return unit * submission.pictures, False
    wasted, promised = map(int, rows.planned(_WASTED, [submission.id])[0])
    if submission.reason == Reason.BAD_RESULT and not promised:
        wasted = submission.pictures  # "done", with nothing in it
    return unit * (submission.delivered + wasted), False


_WASTED = """
SELECT count(*) FILTER (WHERE state IN ('rejected', 'lost')), count(*)
FROM generations_result WHERE submission_id = %s
"""


def _list_price(generation: Generation, submission: Submission) -> int:
    """What the provider publishes for one picture, in micro-dollars; what it was sold for, once it is not."""
    try:
        offers = catalog.offers(generation.model)
    except catalog.UnknownModelError:  # it has left the catalogue, and its running work must end all the same
        offers = ()
    listed = (offer.list_price for offer in offers if offer.provider == submission.provider)
    return next(listed, submission.unit_price)


def _lines(generation: Generation, shares: Iterable[Share]) -> list[Line]:
    lines: dict[str, Line] = {}
    for share in shares:
        if not share.charged:
            continue
        submission = share.submission
        before = lines.get(submission.provider)
        ours, theirs = (None, share.cost) if submission.cost_elsewhere else (share.cost, None)
        raws = [raw for raw in (before.provider_cost_raw if before else "", submission.cost_raw) if raw]
        lines[submission.provider] = Line(
            provider=submission.provider,
            model=generation.model,
            pictures=share.charged_pictures + (before.pictures if before else 0),
            amount=share.charged + (before.amount if before else 0),
            provider_cost=_added(before.provider_cost if before else None, ours),
            provider_cost_raw=" + ".join(raws),
            elsewhere_cost=_added(before.elsewhere_cost if before else None, theirs),
        )
    return list(lines.values())


def _added(one: int | None, other: int | None) -> int | None:
    return other if one is None else one + (other or 0)


def _mark_charged(shares: Iterable[Share]) -> None:
    for share in shares:
        if share.charged_pictures:
            values = [share.submission.unit_price, share.submission.id, share.charged_pictures]
            rows.planned(_CHARGED, values)


_CHARGED = """
UPDATE generations_asset SET charged = %s WHERE id IN (
  SELECT asset_id FROM generations_result WHERE submission_id = %s AND state = 'stored'
  ORDER BY position LIMIT %s)
RETURNING id
"""


def _absorb(generation: Generation, shares: Iterable[Share]) -> None:
    for share in shares:
        ledger.absorb(
            key=str(share.submission.id),
            amount=share.absorbed,
            provider=share.submission.provider,
            model=generation.model,
            generation_id=generation.id,
            project_id=generation.project_id,
            memo=share.submission.reason or "the gateway took more than was quoted",
            sandbox=generation.sandbox,
        )


def _receive_late(generation: Generation, submissions: list[Submission], delivered: int) -> None:
    """A picture that came after the end is shown and free; its cost is the platform's."""
    if delivered != generation.delivered:
        Generation.objects.filter(id=generation.id).update(delivered=delivered)
        notify(GENERATION_CHANNEL, str(generation.id))
    charged = set(
        Result.objects.filter(submission__generation=generation, state=ResultState.STORED)
        .filter(asset_id__in=Asset.objects.filter(generation=generation, late=False).values("id"))
        .values_list("submission_id", flat=True)
    )
    for submission in submissions:
        if submission.state in OVER and submission.id not in charged:
            ledger.absorb(
                key=str(submission.id),
                amount=0 if submission.cost_elsewhere else _cost(generation, submission)[0],
                provider=submission.provider,
                model=generation.model,
                generation_id=generation.id,
                project_id=generation.project_id,
                memo="arrived after the end",
                sandbox=generation.sandbox,
            )
