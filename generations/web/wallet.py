"""A person's credits: what is there, what is held and by which work, what every transfer paid for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.actions import as_uuid
from accounts.principal import Principal
from accounts.web.doorway import is_fragment, signed_in
from billing import ledger
from billing.models import Hold, Transfer, TransferKind
from generations.models import Asset, Generation
from generations.models.ids import id_at
from generations.web.charts import Bar, bars

PAGE = 40
DAYS = 30
MOST_THUMBNAILS = 4


@dataclass(frozen=True)
class Entry:
    """One transfer, the work it belongs to, and the pictures it paid for."""

    transfer: Transfer
    generation: Generation | None
    pictures: list[Asset]

    @property
    def change(self) -> int:
        """What it did to the credits that can be spent."""
        plus = self.transfer.target == ledger.AVAILABLE
        minus = self.transfer.source == ledger.AVAILABLE
        return self.transfer.amount * (plus - minus)


@require_safe
@signed_in
def wallet(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    mine = ledger.wallet_of(principal.user)
    before = as_uuid(request.GET.get("before", ""))
    rows = Transfer.objects.of_user(principal.user).order_by("-id")
    if before is not None:
        rows = rows.filter(id__lt=before)
    found = list(rows[: PAGE + 1])
    context: dict[str, Any] = {
        "lines": _lines(principal, found[:PAGE]),
        "older": found[PAGE - 1].id if len(found) > PAGE else None,
        "kinds": TransferKind,
    }
    if is_fragment(request) and before is not None:
        return render(request, "_fragments/transfers.html", context)
    open_holds = list(Hold.objects.open().filter(wallet=mine).order_by("-id")[:100])
    works = _generations(hold.generation_id for hold in open_holds)
    days = _days(principal)
    context |= {
        "wallet": mine,
        "held": [(hold, works.get(hold.generation_id)) for hold in open_holds],
        "bars": days,
        "spent_lately": sum(bar.spent for bar in days),
        "spent_on_samples": _spent_on_samples(principal),
        "days": DAYS,
    }
    return render(request, "wallet.html", context)


def _lines(principal: Principal, transfers: list[Transfer]) -> list[Entry]:
    works = _generations(transfer.generation_id for transfer in transfers)
    pictures: dict[UUID, list[Asset]] = defaultdict(list)
    paid = [transfer.generation_id for transfer in transfers if transfer.kind == TransferKind.CAPTURE]
    mine = Asset.objects.visible_to(principal).kept()
    for asset in mine.filter(generation__in=paid, late=False).order_by("id"):
        if asset.generation_id is not None:
            pictures[asset.generation_id].append(asset)
    return [
        Entry(
            transfer,
            works.get(transfer.generation_id) if transfer.generation_id else None,
            _paid_by(transfer, pictures)[:MOST_THUMBNAILS],
        )
        for transfer in transfers
    ]


def _paid_by(transfer: Transfer, pictures: Mapping[UUID, list[Asset]]) -> list[Asset]:
    if transfer.kind != TransferKind.CAPTURE or transfer.generation_id is None:
        return []
    return [
        asset for asset in pictures.get(transfer.generation_id, []) if asset.provider == transfer.provider
    ]


def _generations(ids: Iterable[UUID | None]) -> dict[UUID, Generation]:
    return Generation.objects.in_bulk({wanted for wanted in ids if wanted})


_SUMS: dict[str, Any] = {
    "captured": Sum("amount", filter=Q(kind=TransferKind.CAPTURE), default=0),
    "refunded": Sum("amount", filter=Q(kind=TransferKind.REFUND), default=0),
}


def _first_day() -> date:
    return timezone.localdate() - timedelta(days=DAYS - 1)


def _lately(principal: Principal) -> QuerySet[Transfer, Transfer]:
    """What was captured and refunded on the days of the chart."""
    first = _first_day()
    # Ids come close to the time, and spare reading all that was ever spent; a day for clocks that differ.
    floor = id_at(datetime.combine(first, time(), UTC) - timedelta(days=1))
    mine = Transfer.objects.of_user(principal.user).filter(id__gte=floor)
    return mine.filter(kind__in=[TransferKind.CAPTURE, TransferKind.REFUND], created_at__date__gte=first)


def _spent_on_samples(principal: Principal) -> int:
    """The part of it that was no real money."""
    sums: dict[str, int] = _lately(principal).filter(sandbox=True).aggregate(**_SUMS)
    return max(0, sums["captured"] - sums["refunded"])


def _days(principal: Principal) -> list[Bar]:
    """What was captured, less what was refunded, on each of the last thirty days."""
    rows: Any = _lately(principal).annotate(day=TruncDate("created_at")).values("day").annotate(**_SUMS)
    return bars({row["day"]: row["captured"] - row["refunded"] for row in rows}, _first_day(), DAYS)
