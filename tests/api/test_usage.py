"""Spend over HTTP: whose it was, where, and what it adds up to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from uuid6 import uuid7

from accounts.models import Membership
from billing import ledger
from billing.ledger import Line
from billing.models import Transfer
from tests.api.conftest import client_of
from tests.conftest import Person, make_person


def spend(
    person: Person,
    provider: str,
    pictures: int,
    unit: int,
    cost: int,
    project: Any = None,
    *,
    sandbox: bool = False,
) -> Transfer:
    """A generation's hold and its settlement, as the engine books them."""
    generation, project = uuid7(), project or person.project
    facts: Any = {"provider": provider, "model": "seedream-5-lite"}
    with transaction.atomic():
        ledger.hold(
            user=person.user,
            amount=pictures * unit,
            generation_id=generation,
            project_id=project.id,
            sandbox=sandbox,
            **facts,
        )
        line = Line(pictures=pictures, amount=pictures * unit, provider_cost=cost, **facts)
        ledger.settle(generation_id=generation, lines=[line])
    return Transfer.objects.get(kind="capture", generation_id=generation)


def usage(client: Client, query: str = "") -> Any:
    answer = client.get(f"/api/v1/usage?{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()


@pytest.fixture
def bob(ada: Person) -> Person:
    """An editor in Ada's project."""
    found = make_person("bob@example.com")
    Membership.objects.create(project=ada.project, user=found.user, role="editor")
    return found


def test_spend_is_grouped_and_adds_up(ada: Person) -> None:
    spend(ada, "runware", 2, 35_000, 69_000)
    spend(ada, "runware", 1, 35_000, 35_000)
    spend(ada, "bytespike", 4, 12_000, 48_000)
    said = usage(client_of(ada), "group_by=provider")
    assert said["results"] == [
        {
            "provider": "bytespike",
            "charged": "0.048",
            "provider_cost": "0.048",
            "paid_elsewhere": "0.000",
            "sandbox": "0.000",
            "images": 4,
            "generations": 1,
        },
        {
            "provider": "runware",
            "charged": "0.105",
            "provider_cost": "0.104",
            "paid_elsewhere": "0.000",
            "sandbox": "0.000",
            "images": 3,
            "generations": 2,
        },
    ]
    assert said["total"] == {
        "charged": "0.153",
        "provider_cost": "0.152",
        "paid_elsewhere": "0.000",
        "sandbox": "0.000",
        "images": 7,
        "generations": 3,
    }
    today = datetime.now(UTC).date()
    by_all = usage(client_of(ada), "group_by=day,model,project,user,key")["results"]
    assert len(by_all) == 1
    assert (by_all[0]["project"], by_all[0]["user"]) == (str(ada.project.id), str(ada.user.id))
    assert by_all[0]["day"] in {str(today), str(today - timedelta(days=1))}
    assert by_all[0]["key"] is None


def test_what_was_spent_on_samples_is_told_apart(ada: Person) -> None:
    spend(ada, "runware", 1, 35_000, 35_000)
    sample = spend(ada, "runware", 2, 35_000, 70_000, sandbox=True)
    ledger.refund(capture=sample, amount=20_000, memo="blurred", actor=None)
    total = usage(client_of(ada))["total"]
    assert (total["charged"], total["sandbox"]) == ("0.085", "0.050")


def test_a_refund_is_spend_no_more(ada: Person) -> None:
    capture = spend(ada, "runware", 2, 35_000, 70_000)
    ledger.refund(capture=capture, amount=35_000, memo="blurred", actor=None)
    total = usage(client_of(ada))["total"]
    assert (total["charged"], total["images"]) == ("0.035", 2)
    assert total["charged"] == client_of(ada).get("/api/v1/wallet").json()["spent"]


def test_people_see_their_own_and_owners_their_projects(ada: Person, bob: Person, stranger: Person) -> None:
    spend(ada, "runware", 1, 10_000, 0)
    spend(bob, "runware", 1, 20_000, 0, project=ada.project)
    spend(bob, "runware", 1, 40_000, 0)
    spend(stranger, "runware", 1, 80_000, 0)
    staff = make_person("staff@example.com", staff=True)

    def seen(client: Client) -> str:
        return str(usage(client)["total"]["charged"])

    assert seen(client_of(ada)) == "0.030"
    assert seen(client_of(bob)) == "0.060"
    assert seen(client_of(stranger)) == "0.080"
    assert seen(client_of(staff)) == "0.150"
    assert seen(client_of(staff, "read")) == "0.000"
    assert seen(client_of(bob, project_id=ada.project.id)) == "0.020"


def test_a_time_narrows_it_and_a_day_counts_whole(ada: Person) -> None:
    day = spend(ada, "runware", 1, 35_000, 0).created_at.astimezone(UTC).date()
    client = client_of(ada)
    for query, images in (
        (f"from={day}", 1),
        (f"to={day}", 1),
        (f"from={day}&to={day}", 1),
        (f"from={day + timedelta(days=1)}", 0),
        (f"to={day - timedelta(days=1)}", 0),
        (f"to={day}T00:00:00Z", 0),
    ):
        assert usage(client, query)["total"]["images"] == images, query
