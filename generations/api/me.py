"""Who is asking, and what they spent."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import projects_json
from accounts.describe import described, query
from accounts.endpoint import Endpoint
from accounts.models import ApiKey, Project
from billing import budgets
from billing.api import wallet_json
from billing.budgets import Standing
from billing.money import dollars
from generations.api.answers import MeAnswer, UsageAnswer
from generations.api.present import stamp
from generations.models.spending import GENERATIONS, GROUPS, SUMS, between, by, spending


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
            query("group_by", f"One or several of {', '.join(GROUPS)}, separated by commas"),
        ],
    )
    def get(self, request: Request) -> Response:
        groups = list(dict.fromkeys(self.query.words("group_by", list(GROUPS))))
        since, until = self.query.moment("from"), self.query.moment("to", whole_day=True)
        found = between(spending(self.principal), since, until)
        columns, sums = by(groups), SUMS | GENERATIONS
        rows = found.annotate(**columns).values(*columns)
        counted = rows.annotate(**sums).order_by(*columns) if groups else []
        return Response(
            {
                "results": [_row(row, groups) for row in counted],
                "total": _row(found.aggregate(**sums), []),
            }
        )


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
        "caps": [_cap_json(one) for one in budgets.standings(budgets.of_key(key.id))],
    }


def _cap_json(standing: Standing) -> dict[str, Any]:
    return {
        "every": standing.budget.every,
        "amount": dollars(standing.budget.amount),
        "left": dollars(standing.left),
        "held": dollars(standing.reserved),
        "resets_on": standing.resets.isoformat() if standing.resets else None,
    }
