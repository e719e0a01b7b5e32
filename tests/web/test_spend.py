"""The Spend page: whose money it was, for what, where and when, down to the pictures."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from uuid6 import uuid7

from accounts.actions import create_api_key
from accounts.models import AuditEvent, Project, Role
from billing import ledger
from billing.errors import BudgetExhausted
from billing.models import Budget, Hold, Transfer, TransferKind
from generations.models.ids import minted_at
from generations.web.periods import MOST_DAYS, Period
from tests.conftest import Person, ask, make_person
from tests.web.conftest import browser_of, let_in, made, text_of
from tests.web.test_wallet import delivered

TODAY = datetime.now(UTC).date()


def spent(
    person: Person,
    amount: int,
    *,
    provider: str = "runware",
    project: Project | None = None,
    day: date | None = None,
    kind: TransferKind = TransferKind.CAPTURE,
) -> Transfer:
    """A capture (or a refund) as the books have it, on some day."""
    of, at = project or person.project, datetime.combine(day or TODAY, datetime.min.time(), UTC)
    with transaction.atomic():
        facts: Any = {"project_id": of.id, "provider": provider, "model": "seedream-5-lite"}
        generation = uuid7()
        ledger.hold(user=person.user, amount=amount, generation_id=generation, **facts)
        return Transfer.objects.create(
            id=minted_at(at),
            kind=kind,
            wallet=person.wallet,
            hold=Hold.objects.get(generation_id=generation),
            source="a",
            target="b",
            amount=amount,
            pictures=1 if kind == TransferKind.CAPTURE else 0,
            provider_cost=amount // 2 if kind == TransferKind.CAPTURE else None,
            generation_id=generation,
            created_at=at,
            **facts,
        )


def cut(client: Client, label: str, query: str = "") -> dict[str, tuple[int, int]]:
    """The lines under one heading: what was charged, and for how many pictures."""
    page = client.get(f"/spend?{query}")
    assert page.status_code == 200
    found = next((one for one in page.context["cuts"] if one.label == label), None)
    return {line.label: (line.sums.charged, line.sums.images) for line in found.slices} if found else {}


@pytest.fixture
def bob(ada: Person) -> Person:
    """An editor in Ada's project."""
    found = make_person("bob@example.com")
    let_in(ada, found, Role.EDITOR)
    return found


def test_it_adds_up_by_person_project_gateway_model_and_day(ada: Person, bob: Person) -> None:
    spent(ada, 35_000)
    spent(bob, 14_000, provider="prospolabs", project=ada.project)
    spent(ada, 5_000, kind=TransferKind.REFUND)
    client = browser_of(ada)
    assert cut(client, "By person") == {"ada": (30_000, 1), "bob": (14_000, 1)}
    assert cut(client, "By project") == {ada.project.name: (44_000, 2)}
    assert cut(client, "By gateway") == {"Runware": (30_000, 1), "Prospolabs": (14_000, 1)}
    assert list(cut(client, "By model").values()) == [(44_000, 2)]
    day = f"{TODAY}"
    assert cut(client, "By day", f"from={day}&to={day}") == {}, "there is only the one"
    assert list(cut(client, "By day", f"from={TODAY - timedelta(days=1)}&to={day}").values()) == [(44_000, 2)]
    page = client.get("/spend")
    assert (page.context["total"].charged, page.context["total"].cost) == (44_000, 24_500)
    assert "$0.044" in text_of(page)


def test_people_see_their_own_owners_their_projects_and_staff_all_of_it(
    ada: Person, bob: Person, stranger: Person, staff: Person
) -> None:
    spent(ada, 1_000)
    spent(bob, 2_000, project=ada.project)
    spent(bob, 4_000)
    spent(stranger, 8_000)
    seen = {
        one.user.email: browser_of(one).get("/spend").context["total"].charged
        for one in (ada, bob, stranger, staff)
    }
    assert list(seen.values()) == [3_000, 6_000, 8_000, 15_000]
    assert "being looked up" in text_of(browser_of(staff).get("/spend"))
    assert "being looked up" not in text_of(browser_of(ada).get("/spend"))


def test_each_line_narrows_the_page_and_the_chip_widens_it_again(ada: Person, bob: Person) -> None:
    spent(ada, 35_000)
    spent(bob, 14_000, provider="prospolabs", project=ada.project)
    client = browser_of(ada)
    page = client.get("/spend")
    [gateways] = [one for one in page.context["cuts"] if one.label == "By gateway"]
    narrowed = gateways.slices[1].narrowed.address
    assert cut(client, "By person", narrowed) == {"bob": (14_000, 1)}
    assert cut(client, "By gateway", narrowed) == {}, "there is only the one"
    [(label, without)] = client.get(f"/spend?{narrowed}").context["chips"]
    assert label == "Prospolabs"
    assert client.get(f"/spend?{without.address}").context["total"].charged == 49_000


def test_the_number_of_pictures_leads_to_them_where_the_reader_may_see_them(
    ada: Person, staff: Person
) -> None:
    generation = ask(ada, "a heron")
    picture = made(generation)
    delivered(generation)
    page = browser_of(ada).get("/spend")
    [gateways] = [one for one in page.context["cuts"] if one.label == "By gateway"]
    library = f"/library?{gateways.slices[0].narrowed.pictures}"
    assert library.replace("&", "&amp;") in page.content.decode()
    assert f"/pictures/{picture.id}" in browser_of(ada).get(library).content.decode()
    assert "/library?user" not in browser_of(staff).get("/spend").content.decode()


def test_days_are_chosen_and_measured_against_those_before(ada: Person) -> None:
    spent(ada, 1_000, day=date(2026, 9, 30))
    spent(ada, 2_000, day=date(2026, 8, 31))
    spent(ada, 4_000, day=date(2026, 10, 1))
    page = browser_of(ada).get("/spend?from=2026-09-01&to=2026-09-30")
    assert (page.context["total"].charged, page.context["earlier"]) == (1_000, 2_000)
    assert [bar.spent for bar in page.context["bars"]] == [0] * 29 + [1_000]


@pytest.mark.parametrize(
    ("first", "last", "before"),
    [
        ((2026, 11, 1), (2026, 11, 22), ((2026, 10, 1), (2026, 10, 22))),
        ((2026, 11, 1), (2026, 11, 30), ((2026, 10, 1), (2026, 10, 31))),
        ((2026, 3, 1), (2026, 3, 30), ((2026, 2, 1), (2026, 2, 28))),
        ((2026, 11, 10), (2026, 11, 12), ((2026, 11, 7), (2026, 11, 9))),
        ((2026, 1, 1), (2026, 12, 31), ((2025, 1, 1), (2025, 12, 31))),
        ((2024, 1, 1), (2024, 2, 29), ((2023, 1, 1), (2023, 2, 28))),
    ],
)
def test_a_month_is_measured_against_the_same_days_of_the_month_before(
    first: Any, last: Any, before: Any
) -> None:
    expected = Period(date(*before[0]), date(*before[1]))
    assert Period(date(*first), date(*last)).before == expected


@pytest.mark.parametrize(
    ("query", "name", "sentence"),
    [
        ("from=yesterday&to=2026-11-02", "from", "must be a day such as 2026-11-21, not before 2000."),
        ("from=2026-11-05&to=2026-11-31", "to", "must be a day such as 2026-11-21, not before 2000."),
        ("from=0001-01-01&to=9999-12-31", "from", "must be a day such as 2026-11-21, not before 2000."),
        ("from=2026-11-05&to=2026-11-02", "to", "must not be before the first day."),
        (
            "from=2020-01-01&to=2026-11-02",
            "from",
            f"may be at most {MOST_DAYS - 1} days before the last day.",
        ),
    ],
)
def test_wrong_days_are_told_beside_their_field_and_stay_in_it(
    ada: Person, query: str, name: str, sentence: str
) -> None:
    page = browser_of(ada).get(f"/spend?{query}")
    assert page.status_code == 422
    assert page.context["errors"][name] == [sentence]
    assert page.context["typed"]["from"] in page.content.decode()


def test_names_that_mean_nothing_are_left_out(ada: Person) -> None:
    spent(ada, 1_000)
    page = browser_of(ada).get("/spend?user=nobody&project=%00&to=&from=&provider=")
    assert page.context["total"].charged == 1_000
    assert browser_of(ada).get(f"/spend?user={uuid7()}&model=none%00").context["total"].charged == 0


def test_the_csv_adds_up_to_the_page_and_no_name_in_it_is_a_formula(ada: Person) -> None:
    Project.objects.filter(id=ada.project.id).update(name="=1+1")
    spent(ada, 35_000)
    spent(ada, 14_000, provider="prospolabs", day=TODAY - timedelta(days=1))
    days = f"from={TODAY - timedelta(days=1)}&to={TODAY}"
    answer: Any = browser_of(ada).get(f"/spend/csv?{days}")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["gateway"], row["charged"], row["pictures"]) for row in rows] == [
        ("prospolabs", "0.014", "1"),
        ("runware", "0.035", "1"),
    ]
    assert {(row["person"], row["project"]) for row in rows} == {("ada", "'=1+1")}
    assert f"{days.split('&')[0][5:]}" in answer["Content-Disposition"]


def test_staff_set_a_budget_where_they_see_the_spending_and_lift_it(ada: Person, staff: Person) -> None:
    office = browser_of(staff)
    said = {"whom": f"person:{ada.user.id}", "amount": "0.05", "every": "month"}
    answer = office.post(f"/spend/budgets?user={ada.user.id}", said | {"next": f"/spend?user={ada.user.id}"})
    assert answer["Location"] == f"/spend?user={ada.user.id}"
    ask(ada, provider="runware")
    with pytest.raises(BudgetExhausted):
        ask(ada, provider="runware")
    assert "ada Month $0.035 of $0.050 $0.015" in text_of(browser_of(ada).get("/spend"))
    assert "Lift" not in text_of(browser_of(ada).get("/spend"))
    office.post(f"/spend/budgets/{Budget.objects.get().id}/remove")
    ask(ada, provider="runware")
    verbs = AuditEvent.objects.filter(subject=f"person {ada.user.id}").values_list("verb", flat=True)
    assert set(verbs) >= {"set_budget", "remove_budget"}


def test_what_a_budget_leaves_is_said_before_the_press(ada: Person) -> None:
    Budget.objects.create(scope="person", subject_id=ada.user.id, every="day", amount=20_000)
    client = browser_of(ada)
    page = client.get("/?provider=bytespike&prompt=a+boat&aspect=1%3A1&resolution=1K")
    assert "$0.020 left of your budget of $0.020 today" in text_of(page)
    assert 'id="generate" aria-disabled' not in page.content.decode()
    page = client.get("/?provider=runware&prompt=a+boat")
    assert "Only $0.020 left of your budget of $0.020 today." in text_of(page)
    assert 'id="generate" aria-disabled="true"' in page.content.decode()
    assert 'id="draft"' not in page.content.decode(), "ten of them cost more"


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("amount", "much", "must be an amount in US dollars, such as 0.20."),
        ("amount", "-1", "must not be negative; 0 stops all spending."),
        ("every", "year", "must be one of day, month, ever."),
        ("whom", "everybody", "must be a person or a project; choose one."),
    ],
)
def test_a_budget_that_cannot_be_is_told_beside_its_field_and_stays_in_it(
    ada: Person, staff: Person, field: str, value: str, sentence: str
) -> None:
    said = {"whom": f"person:{ada.user.id}", "amount": "5", "every": "day", field: value}
    page = browser_of(staff).post("/spend/budgets", said)
    assert page.status_code == 422
    assert page.context["errors"] == {field: [sentence]}
    assert {name: page.context["typed"][name] for name in said} == said
    assert not Budget.objects.exists()


def test_nobody_but_staff_sets_or_lifts_a_budget(ada: Person) -> None:
    budget = Budget.objects.create(scope="person", subject_id=ada.user.id, amount=1)
    client = browser_of(ada)
    said = {"whom": f"person:{ada.user.id}", "amount": "5", "every": "month"}
    assert client.post("/spend/budgets", said).status_code == 403
    assert client.post(f"/spend/budgets/{budget.id}/remove").status_code == 403
    assert Budget.objects.get().amount == 1


def test_people_see_the_budgets_that_limit_them_and_no_others(
    ada: Person, bob: Person, staff: Person
) -> None:
    key, _secret = create_api_key(user=ada.user, name="nightly", scopes=["read"])
    for scope, subject in (
        ("person", ada.user.id),
        ("person", bob.user.id),
        ("project", ada.project.id),
        ("project", bob.project.id),
        ("key", key.id),
    ):
        Budget.objects.create(scope=scope, subject_id=subject, amount=1_000_000)
    seen = {
        one.user.email: {name for name, _standing in browser_of(one).get("/spend").context["limits"]}
        for one in (ada, bob, staff)
    }
    assert seen == {
        "ada@example.com": {"ada", ada.project.name, "nightly (key)"},
        "bob@example.com": {"bob", bob.project.name},
        "staff@example.com": {"ada", "bob", ada.project.name, bob.project.name, "nightly (key)"},
    }


def test_nothing_spent_says_so(ada: Person) -> None:
    assert "Nothing was spent" in text_of(browser_of(ada).get("/spend"))
    assert timezone.now().astimezone(UTC).date().isoformat() in browser_of(ada).get("/spend").content.decode()
