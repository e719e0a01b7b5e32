"""Budgets limit what a person, a project or a key may spend, exactly."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from django.db import transaction
from django.utils import timezone, translation

from accounts.actions import create_api_key
from accounts.principal import Principal
from billing import budgets, ledger
from billing.errors import BudgetExhausted
from billing.models import Budget, BudgetPeriod
from billing.oversight import differences
from generations.actions import asking, generate
from generations.models import Generation
from providers.sandbox.client import Control
from tests.billing.crowd import crowd
from tests.conftest import DOLLAR, Person, ask, make_person

PRICE = 35_000


def _limit(scope: str, subject: UUID, amount: int, every: str = "month") -> Budget:
    return Budget.objects.create(scope=scope, subject_id=subject, amount=amount, every=every)


def _settle(generation: Generation, pictures: int) -> None:
    line = ledger.Line("runware", generation.model, pictures, pictures * PRICE)
    with transaction.atomic():
        ledger.settle(generation_id=generation.id, lines=[line] if pictures else [])


def test_a_budget_is_reserved_used_and_given_back(person: Person, gateways: Control) -> None:
    budget = _limit("person", person.user.id, 3 * PRICE)
    first = ask(person, provider="runware", count=2)
    with pytest.raises(BudgetExhausted) as refused:
        ask(person, provider="runware", count=2)

    assert (refused.value.extra["left"], refused.value.extra["needed"]) == ("0.035", "0.070")
    assert Generation.objects.count() == 1
    assert person.wallet.held == 2 * PRICE
    _settle(first, 1)
    assert not list(differences())
    period = BudgetPeriod.objects.get(budget=budget)
    assert (period.reserved, period.used) == (0, PRICE)
    ask(person, provider="runware", count=2)


def test_a_refund_makes_room_again(person: Person, gateways: Control) -> None:
    budget = _limit("project", person.project.id, 2 * PRICE)
    generation = ask(person, provider="runware", count=2)
    _settle(generation, 2)
    capture = person.wallet.transfers.get(kind="capture")
    ledger.refund(capture=capture, amount=PRICE, memo="blurred", actor=None)
    assert BudgetPeriod.objects.get(budget=budget).used == PRICE
    ask(person, provider="runware")


def test_parallel_work_of_one_project_never_exceeds_its_budget(person: Person, gateways: Control) -> None:
    _limit("project", person.project.id, 5 * PRICE, every="day")

    answers = crowd(16, lambda _: ask(person, provider="runware"), refusals=(BudgetExhausted,))

    assert (len(answers.made), len(answers.refused)) == (5, 11)
    assert person.wallet.held == 5 * PRICE


def test_a_key_has_a_budget_of_its_own(person: Person, gateways: Control) -> None:
    key, _ = create_api_key(user=person.user, name="nightly")
    _limit("key", key.id, PRICE, every="ever")
    asked = asking.read({"prompt": "x", "provider": "runware"})

    def submit(principal: Principal) -> None:
        generate.submit(principal=principal, asked=asked, render=lambda made: {"id": str(made.id)})

    submit(Principal(person.user, key))
    with pytest.raises(BudgetExhausted, match="this API key"):
        submit(Principal(person.user, key))
    with translation.override("zh-hans"), pytest.raises(BudgetExhausted, match="API 密钥") as refused:
        submit(Principal(person.user, key))
    assert refused.value.extra["budget"] == "api key", "a program reads it, in whatever language"
    submit(person.principal)


def test_a_hold_counts_in_the_period_in_which_it_was_opened(
    person: Person, gateways: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = _limit("person", person.user.id, PRICE)
    monkeypatch.setattr(budgets, "begins", lambda every: date(2026, 1, 1))
    old = ask(person, provider="runware")
    monkeypatch.setattr(budgets, "begins", lambda every: date(2026, 2, 1))
    ask(person, provider="runware")
    _settle(old, 1)

    rows = BudgetPeriod.objects.filter(budget=budget).order_by("starts_on").values_list("reserved", "used")
    assert list(rows) == [(0, PRICE), (PRICE, 0)]


@pytest.mark.parametrize("days", [40, -40])
@pytest.mark.parametrize("every", ["day", "month"])
def test_a_machine_with_a_wrong_clock_opens_no_other_period(
    person: Person, gateways: Control, monkeypatch: pytest.MonkeyPatch, every: str, days: int
) -> None:
    budget = _limit("person", person.user.id, PRICE, every=every)
    ask(person, provider="runware")
    right = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: right() + timedelta(days=days))
    with pytest.raises(BudgetExhausted):
        ask(person, provider="runware")
    [standing] = budgets.standings([budget])
    assert (standing.left, standing.reserved) == (0, PRICE)


def test_a_new_budget_counts_what_was_held_and_spent_in_its_period_before(
    person: Person, gateways: Control
) -> None:
    office = make_person("staff@example.com", staff=True).principal
    spent, running = ask(person, provider="runware", count=3), ask(person, provider="runware")
    _settle(spent, 2)
    for scope, subject in (("person", person.user.id), ("project", person.project.id)):
        budget = budgets.put(principal=office, scope=scope, subject_id=subject, every="day", amount="0.125")
        [standing] = budgets.standings([budget])
        assert (standing.used, standing.reserved, standing.left) == (2 * PRICE, PRICE, 20_000)
    with pytest.raises(BudgetExhausted):
        ask(person, provider="runware")
    _settle(running, 0)
    assert not list(differences())
    ask(person, provider="runware")


def test_a_budget_of_nothing_stops_everything(person: Person, gateways: Control) -> None:
    _limit("person", person.user.id, 0, every="ever")
    with pytest.raises(BudgetExhausted, match="in all"):
        ask(person, provider="runware")
    assert person.wallet.available == 100 * DOLLAR


def test_a_budget_that_disagrees_with_its_holds_is_found(person: Person, gateways: Control) -> None:
    _limit("person", person.user.id, DOLLAR)
    ask(person, provider="runware")
    assert not list(differences())
    BudgetPeriod.objects.update(reserved=1)
    assert [found.rule for found in differences()] == ["budget equals its holds (reserved, used)"]
