"""Budgets over HTTP: seen by whom they limit, set by staff."""

from __future__ import annotations

from typing import Any

import pytest
from uuid6 import uuid7

from billing.models import Budget
from tests.api.conftest import client_of, send
from tests.api.test_errors import error_of
from tests.conftest import Person, ask, make_person


@pytest.fixture
def staff(shop: None) -> Person:
    return make_person("staff@example.com", staff=True)


def body(person: Person, **fields: Any) -> dict[str, Any]:
    return {"scope": "person", "subject": str(person.user.id), "every": "month", "amount": "0.05", **fields}


def test_staff_set_change_and_lift_a_budget(ada: Person, staff: Person) -> None:
    office = client_of(staff)
    ask(ada, provider="runware")  # counts, too
    first = send(office, "PUT", "/api/v1/budgets", body(ada)).json()
    second = send(office, "PUT", "/api/v1/budgets", body(ada, amount="0.10")).json()
    assert first["id"] == second["id"]
    ask(ada, provider="runware")
    [listed] = client_of(ada).get("/api/v1/budgets").json()["results"]
    assert listed.pop("resets_on")
    assert listed == {
        "id": first["id"],
        "object": "budget",
        "scope": "person",
        "subject": str(ada.user.id),
        "every": "month",
        "amount": "0.100",
        "used": "0.000",
        "held": "0.070",
        "left": "0.030",
    }
    assert send(office, "DELETE", f"/api/v1/budgets/{first['id']}").status_code == 204
    assert send(office, "DELETE", f"/api/v1/budgets/{first['id']}").status_code == 404
    assert not Budget.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("scope", "team"),
        ("every", "year"),
        ("amount", "-1"),
        ("amount", "0.0000001"),
        ("amount", 5),
        ("subject", "ada"),
        ("colour", "red"),
    ],
)
def test_a_budget_that_cannot_be_is_refused_by_name(
    ada: Person, staff: Person, field: str, value: object
) -> None:
    answer = send(client_of(staff), "PUT", "/api/v1/budgets", body(ada, **{field: value}))
    assert (answer.status_code, list(error_of(answer)["fields"])) == (400, [field])
    assert not Budget.objects.exists()


def test_a_budget_of_nobody_is_404(ada: Person, staff: Person) -> None:
    answer = send(client_of(staff), "PUT", "/api/v1/budgets", body(ada, subject=str(uuid7())))
    assert (answer.status_code, error_of(answer)["code"]) == (404, "subject_not_found")


def test_who_is_not_staff_or_has_no_such_key_sets_none(ada: Person, staff: Person) -> None:
    budget = Budget.objects.create(scope="person", subject_id=ada.user.id, amount=1)
    for client, code, lifting in (
        (client_of(ada), "forbidden", 403),
        (client_of(staff, "read", "write"), "missing_scope", 404),  # which is not told of others' budgets
    ):
        answer = send(client, "PUT", "/api/v1/budgets", body(ada))
        assert (answer.status_code, error_of(answer)["code"]) == (403, code)
        assert send(client, "DELETE", f"/api/v1/budgets/{budget.id}").status_code == lifting
    assert Budget.objects.get().amount == 1


def test_a_key_of_one_project_sees_its_budgets_alone(ada: Person) -> None:
    Budget.objects.create(scope="person", subject_id=ada.user.id, amount=1)
    budget = Budget.objects.create(scope="project", subject_id=ada.project.id, amount=1)
    everything = client_of(ada).get("/api/v1/budgets").json()["results"]
    bound = client_of(ada, project_id=ada.project.id).get("/api/v1/budgets").json()["results"]
    assert len(everything) == 2
    assert [one["id"] for one in bound] == [str(budget.id)]
