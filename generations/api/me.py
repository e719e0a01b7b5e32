"""Who is asking, and what they spent."""

from __future__ import annotations

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
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import projects_json
from accounts.describe import described, query
from accounts.endpoint import Endpoint
from accounts.models import ApiKey, Membership, Project, Role, Scope
from accounts.principal import Principal
from billing import budgets
from billing.api import wallet_json
from billing.models import Budget, Kind, Transfer
from billing.money import dollars
from generations.api.answers import MeAnswer, UsageAnswer
from generations.api.present import stamp
from generations.models import Generation

_GROUPS = ("day", "provider", "model", "project", "user", "key")


class Me(Endpoint):
    """The person and the key of this request."""

    scopes = {"GET": None}

    @described("get_me", "Who I am, my wallet and projects, and what this key may do", {200: MeAnswer})
    def get(self, request: Request) -> Response:
        user, key = self.principal.user, self.principal.key
        projects = list(Project.objects.visible_to(self.principal).order_by("id"))
        return Response(
            {
                "id": user.id,
                "object": "user",
                "email": user.email,
                "name": user.display_name,
                "staff": user.is_staff,
                "wallet": wallet_json(user),
                "projects": [
                    {"id": project["id"], "name": project["name"], "role": project["role"]}
                    for project in projects_json(self.principal, projects)
                ],
                "key": key and _key_json(key),
            }
        )


class Usage(Endpoint):
    """Spend, as it was captured."""

    filters = frozenset({"from", "to", "group_by"})

    @described(
        "get_usage",
        "Spend, grouped; my own, that of projects I own, all of it for staff",
        {200: UsageAnswer},
        query=[
            query("from", "Since then, a time or a day", OpenApiTypes.DATETIME),
            query("to", "Until then; a day counts whole", OpenApiTypes.DATETIME),
            query("group_by", f"One or several of {', '.join(_GROUPS)}, separated by commas"),
        ],
    )
    def get(self, request: Request) -> Response:
        groups = list(dict.fromkeys(self.query.words("group_by", list(_GROUPS))))
        found = _spend(self.principal)
        if start := self.query.moment("from"):
            found = found.filter(created_at__gte=start)
        if end := self.query.moment("to", whole_day=True):
            found = found.filter(created_at__lt=end)
        rows = found.annotate(**_columns(groups)).values(*(f"by_{group}" for group in groups))
        counted = rows.annotate(**_SUMS).order_by(*(f"by_{group}" for group in groups)) if groups else []
        return Response(
            {
                "results": [_row(row, groups) for row in counted],
                "total": _row(found.aggregate(**_SUMS), []),
            }
        )


def _sum(what: Any, *, among: Q | None) -> Coalesce:
    return Coalesce(Sum(what, filter=among), Value(0), output_field=BigIntegerField())


_CAPTURED = Q(kind=Kind.CAPTURE)
_NET = Case(When(_CAPTURED, then=F("amount")), default=-F("amount"))
_SUMS = {
    "charged": _sum(_NET, among=None),
    "cost": _sum(F("provider_cost"), among=_CAPTURED),
    "elsewhere": _sum(F("elsewhere_cost"), among=_CAPTURED),
    "sandbox": _sum(_NET, among=Q(sandbox=True)),
    "images": _sum(F("pictures"), among=_CAPTURED),
    "generations": Count("generation_id", distinct=True, filter=_CAPTURED),
}


def _spend(principal: Principal) -> QuerySet[Transfer, Transfer]:
    """Captures and refunds that the principal may see."""
    found = Transfer.objects.filter(kind__in=[Kind.CAPTURE, Kind.REFUND])
    if principal.project_id:
        found = found.filter(project_id=principal.project_id)
    if principal.user.is_staff and principal.may(Scope.ADMIN):
        return found
    owned = Membership.objects.filter(user=principal.user, role=Role.OWNER).values("project_id")
    return found.filter(Q(wallet__user=principal.user) | Q(project_id__in=owned))


def _columns(groups: list[str]) -> dict[str, Any]:
    made = Generation.objects.filter(id=OuterRef("generation_id"))
    columns = {
        "day": TruncDate("created_at"),
        "provider": F("provider"),
        "model": F("model"),
        "project": F("project_id"),
        "user": F("wallet__user_id"),
        "key": Subquery(made.values("key_id")[:1]),
    }
    return {f"by_{group}": columns[group] for group in groups}


def _row(row: dict[str, Any], groups: list[str]) -> dict[str, Any]:
    # Refunds of earlier captures may outweigh a day's spend: the sum is then negative.
    return {
        **{group: row[f"by_{group}"] for group in groups},
        "charged": dollars(row["charged"]),
        "provider_cost": dollars(row["cost"]),
        "paid_elsewhere": dollars(row["elsewhere"]),
        "sandbox": dollars(row["sandbox"]),
        "images": row["images"],
        "generations": row["generations"],
    }


def _key_json(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "prefix": f"sb_{key.prefix}",
        "scopes": key.scopes,
        "project": key.project_id,
        "networks": key.networks,
        "expires_at": stamp(key.expires_at),
        "caps": [_cap_json(budget) for budget in budgets.of_key(key.id)],
    }


def _cap_json(budget: Budget) -> dict[str, Any]:
    left, held = budgets.left(budget)
    resets = budgets.resets(budget.every)
    return {
        "every": budget.every,
        "amount": dollars(budget.amount),
        "left": dollars(left),
        "held": dollars(held),
        "resets_on": resets.isoformat() if resets else None,
    }
