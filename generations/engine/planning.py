"""Turning a generation into paid requests, and finding another way when one is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django.db.models import F, QuerySet

from accounts import rows
from accounts.errors import Refusal
from generations.engine import clock, routing
from generations.engine.routing import Quote
from generations.models import Batch, Generation, Submission
from generations.states import SubmissionState
from providers.catalog import UnknownModelError
from providers.models import ProviderAccount
from providers.values import ImageRequest, Reference

DUE_CHANNEL = "seedbank_due"
MEDIA_CHANNEL = "seedbank_media"
AT_REST = datetime(9999, 1, 1, tzinfo=UTC)
"""When a planned submission of a paused batch is due: not before somebody lets it go on."""
_NOT_KEPT = {"references", "webhook_url"}

Rows = QuerySet[Submission]


def plan(
    generation: Generation, quote: Quote, request: ImageRequest, *, upload_urls: Sequence[str] = ()
) -> None:
    """Write a new generation, one submission for each paid call that it needs, and wake the workers."""
    assert quote.account is not None
    assert quote.unit is not None
    planned = [
        Submission(
            generation=generation,
            account=quote.account,
            provider=quote.provider,
            asked=_asked(replace(request, count=count, upload_url=upload_urls[n] if upload_urls else None)),
            pictures=count * (request.sequential or 1),
            unit_price=quote.unit,
        )
        for n, count in enumerate(quote.calls)
    ]
    one, its_values = rows.insertion([generation])
    parts, their_values = rows.insertion(planned)
    filled = rows.filled_in(Generation)
    returned = ", ".join(filled)
    sql = (
        f"WITH made AS ({one} RETURNING {returned}), planned AS ({parts})"  # noqa: S608 - our own names
        f" SELECT pg_notify(%s, ''), {returned} FROM made"
    )
    ((_, *values),) = rows.planned(sql, [*its_values, *their_values, DUE_CHANNEL])
    rows.written(generation, **dict(zip(filled, values, strict=True)))


def request_of(submission: Submission, **changes: Any) -> ImageRequest:
    """The request as it was planned; references and the webhook address are added by the caller."""
    return ImageRequest(**{**submission.asked, **changes})


def when(generation: Generation, moment: datetime) -> datetime:
    """When a submission of a locked generation may be sent: at ``moment``, unless its batch is at rest."""
    if generation.batch_id is None:
        return moment
    resting = Batch.objects.filter(id=generation.batch_id, paused_at__isnull=False).exists()
    return AT_REST if resting else moment


def lay_at_rest(planned: Rows) -> None:
    """Have none of it sent, in the caller's transaction, which holds their generations' locks.

    What a worker has claimed and not sent is taken out of its hands too. Otherwise it would send nothing
    and put its own time on the row, or keep it until the lease ends, although it may go on long before.
    """
    planned.update(due_at=AT_REST, lease_until=None, lease_owner="", fence=F("fence") + 1)


def plan_elsewhere(generation: Generation, refused: Submission) -> bool:
    """Plan the refused part again through another account or, for ``auto``, another offer.

    The person pays no more than was quoted, and what began at real gateways, or on the sandbox, ends
    there too. False if there is nowhere to go.
    """
    # Not where other parts of the same generation were refused already.
    refusals = Submission.objects.filter(generation=generation, state=SubmissionState.REFUSED)
    tried = {*refusals.values_list("account_id", "provider"), (refused.account_id, refused.provider)}
    accounts = {account for account, _ in tried}
    others = ProviderAccount.objects.usable().filter(provider=refused.provider).exclude(id__in=accounts)
    other = next((one for one in others if one.sandbox == generation.sandbox), None)
    if other is not None:
        _again(generation, refused, other, refused.provider, refused.unit_price)
        return True
    if generation.asked_provider != "auto":
        return False
    # Their number decides who can serve it; their bytes are read when it is sent.
    placeholders = tuple(Reference(b"", "image/png") for _ in generation.reference_uses.all())
    request = request_of(refused, references=placeholders)
    without = {provider for _, provider in tried}
    try:
        quote = routing.choose(request, provider="auto", strategy=generation.strategy, without=without)
    except (Refusal, UnknownModelError):
        return False
    assert quote.account is not None
    assert quote.unit is not None
    if quote.account.sandbox != generation.sandbox:
        return False
    unit = min(quote.unit, generation.unit_price)
    for count in quote.calls:
        _again(generation, refused, quote.account, quote.provider, unit, count=count)
    Generation.objects.filter(id=generation.id).update(provider=quote.provider)
    return True


def _again(
    generation: Generation,
    refused: Submission,
    account: ProviderAccount,
    provider: str,
    unit: int,
    *,
    count: int | None = None,
) -> None:
    asked = refused.asked if count is None else {**refused.asked, "count": count}
    Submission.objects.create(
        generation=generation,
        account=account,
        provider=provider,
        asked=asked,
        pictures=asked["count"] * (asked.get("sequential") or 1),
        unit_price=unit,
        due_at=when(generation, clock.now()),
    )


def _asked(request: ImageRequest) -> dict[str, Any]:
    names = (name for name in ImageRequest.__dataclass_fields__ if name not in _NOT_KEPT)
    return {name: value for name in names if (value := getattr(request, name)) is not None}
