"""Budgets over HTTP: whoever is limited sees by how much, staff set and lift them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions import as_uuid
from accounts.api import check_names, needed_text
from accounts.describe import PAGED, described, money, page_of
from accounts.endpoint import Endpoint
from accounts.errors import wrong
from accounts.paging import PAGING, page
from billing import budgets
from billing.budgets import Standing
from billing.models import Every, Subject
from billing.money import dollars


class BudgetBody(serializers.Serializer[Any]):
    scope = serializers.ChoiceField(Subject.choices, help_text="Whose spending it limits")
    subject = serializers.UUIDField(help_text="The person's, project's or key's id")
    every = serializers.ChoiceField(Every.choices, help_text="How often it begins anew, at midnight UTC")
    amount = money("The most that may be spent in that time; 0 stops all spending")


class BudgetAnswer(BudgetBody):
    id = serializers.UUIDField()
    object = serializers.CharField(help_text="budget")
    used = money("What was spent of it")
    held = money("What running work has set aside of it")
    left = money("What may still be spent")
    resets_on = serializers.DateField(allow_null=True, help_text="The first day of the next period")


class Budgets(Endpoint):
    """Limits on spending."""

    filters = PAGING

    @described(
        "list_budgets",
        "The budgets that limit me, my keys and projects I own; all of them for staff",
        {200: page_of(BudgetAnswer, "BudgetPage")},
        query=PAGED,
    )
    def get(self, request: Request) -> Response:
        found = budgets.visible_to(self.principal)
        return page(request, self.query, found, lambda rows: [_json(one) for one in budgets.standings(rows)])

    @described("set_budget", "Set a budget, or change it", {200: BudgetAnswer}, body=BudgetBody, errors=[404])
    def put(self, request: Request) -> Response:
        body = self.body(request)
        check_names(body, "scope", "subject", "every", "amount")
        subject = as_uuid(needed_text(body, "subject"))
        if subject is None:
            raise wrong("subject", _("must be an id."))
        budget = budgets.put(
            principal=self.principal,
            scope=needed_text(body, "scope"),
            subject_id=subject,
            every=needed_text(body, "every"),
            amount=needed_text(body, "amount"),
        )
        [standing] = budgets.standings([budget])
        return Response(_json(standing))


class OneBudget(Endpoint):
    """One limit."""

    @described("remove_budget", "Lift a budget", {204: None}, errors=[404])
    def delete(self, request: Request, budget_id: UUID) -> Response:
        budgets.remove(principal=self.principal, budget_id=budget_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _json(standing: Standing) -> dict[str, Any]:
    budget = standing.budget
    return {
        "id": budget.id,
        "object": "budget",
        "scope": budget.scope,
        "subject": budget.subject_id,
        "every": budget.every,
        "amount": dollars(budget.amount),
        "used": dollars(standing.used),
        "held": dollars(standing.reserved),
        "left": dollars(standing.left),
        "resets_on": standing.resets,
    }
