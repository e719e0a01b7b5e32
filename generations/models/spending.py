"""What was spent, by the books: captures less refunds, in micro-dollars.

rows = between(spending(principal), since, until)
rows.annotate(**by(["day", "provider"])).values("by_day", "by_provider").annotate(**SUMS)
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce, TruncDate

from accounts.models import Membership, Role, Scope
from accounts.principal import Principal
from billing.models import Transfer, TransferKind
from generations.models.generation import Generation
from generations.models.ids import id_at

GROUPS = ("day", "provider", "model", "project", "user", "key")
"""What spending can be told by; days are UTC's."""
_CLOCKS = timedelta(days=1)
"""An id is minted by another clock than the row's time, and a little before it."""
_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""Nothing was spent before or after, and a day beyond them is still a time."""


def spending(principal: Principal) -> QuerySet[Transfer, Transfer]:
    """What the principal may see: their own, that of projects they own, and for staff all of it."""
    found = Transfer.objects.filter(kind__in=[TransferKind.CAPTURE, TransferKind.REFUND])
    if principal.project_id:
        found = found.filter(project_id=principal.project_id)
    if principal.user.is_staff and principal.may(Scope.ADMIN):
        return found
    owned = Membership.objects.filter(user=principal.user, role=Role.OWNER).values("project_id")
    return found.filter(Q(wallet__user=principal.user) | Q(project_id__in=owned))


def between(
    rows: QuerySet[Transfer, Transfer], since: datetime | None, until: datetime | None
) -> QuerySet[Transfer, Transfer]:
    """``since`` is included, ``until`` is not. Ids come close to the time, and spare reading all there is."""
    if since:
        rows = rows.filter(created_at__gte=since, id__gte=id_at(max(since, _FIRST) - _CLOCKS))
    if until:
        rows = rows.filter(created_at__lt=until, id__lt=id_at(min(until, _LAST) + _CLOCKS))
    return rows


def by(groups: Iterable[str]) -> dict[str, Any]:
    """Columns ``by_day``, ``by_user``, … to group by; by ``wallet`` nothing need be joined."""
    made = Generation.objects.filter(id=OuterRef("generation_id"))
    columns = {
        "day": TruncDate("created_at"),
        "provider": F("provider"),
        "model": F("model"),
        "project": F("project_id"),
        "user": F("wallet__user_id"),
        "wallet": F("wallet_id"),
        "key": Subquery(made.values("key_id")[:1]),
    }
    return {f"by_{group}": columns[group] for group in groups}


def _sum(what: Any, *, among: Q | None) -> Coalesce:
    return Coalesce(Sum(what, filter=among), Value(0), output_field=BigIntegerField())


_CAPTURED = Q(kind=TransferKind.CAPTURE)
_NET = Case(When(_CAPTURED, then=F("amount")), default=-F("amount"))
SUMS: dict[str, Any] = {
    "charged": _sum(_NET, among=None),
    "cost": _sum(F("provider_cost"), among=_CAPTURED),
    "elsewhere": _sum(F("elsewhere_cost"), among=_CAPTURED),
    "sandbox": _sum(_NET, among=Q(sandbox=True)),
    "images": _sum(F("pictures"), among=_CAPTURED),
}
GENERATIONS: dict[str, Any] = {
    "generations": Count("generation_id", distinct=True, filter=_CAPTURED),
}
"""Apart from the sums: counting what differs costs more than all of them."""
