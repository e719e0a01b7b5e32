"""One prompt over several gateways: priced, held and queued as one, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.errors import Invalid, NotAllowed, NotFound
from accounts.models import AuditEvent, Role
from billing.errors import InsufficientCredit, PriceAboveMax
from generations.actions import comparing
from generations.models import Comparison, Generation
from tests.api.conftest import client_of, send
from tests.comparing.conftest import body_of, compared, let_in
from tests.conftest import Person, make_person


def test_every_column_is_held_at_its_own_price(ada: Person) -> None:
    comparison = compared(ada, "runware:2K", "prospolabs:2K", "runware:3K", count="2")
    columns = list(Generation.objects.filter(comparison=comparison).order_by("id"))
    assert [(one.provider, one.parameters["resolution"], one.quoted) for one in columns] == [
        ("runware", "2K", 70_000),
        ("prospolabs", "2K", 28_000),
        ("runware", "3K", 70_000),
    ]
    assert ada.wallet.held == 168_000
    assert AuditEvent.objects.filter(verb="compare", project=ada.project).count() == 1


def test_all_is_held_or_nothing(shop: None) -> None:
    poor = make_person("poor@example.com", credit=40_000)
    with pytest.raises(InsufficientCredit) as refusal:
        compared(poor)
    assert refusal.value.extra == {"needed": "0.049", "available": "0.040", "held": "0.000"}
    assert (poor.wallet.held, Comparison.objects.count(), Generation.objects.count()) == (0, 0, 0)


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"columns": [{"provider": "runware"}]}, "columns", "2 to 8"),
        ({"columns": "runware"}, "columns", "list"),
        ({"columns": [{"provider": "auto"}, {"provider": "runware"}]}, "columns", "number 1 must name"),
        ({"columns": [{"provider": "runware"}] * 2}, "columns", "number 2 is the same"),
        (
            {"columns": [{"provider": "runware"}, {"provider": "runware", "prompt": "x"}]},
            "columns",
            "number 2: 'prompt' cannot differ",
        ),
        (
            {"columns": [{"provider": "runware"}, {"provider": "nobody"}]},
            "columns",
            "number 2: provider must be one of",
        ),
        ({"prompt": " "}, "prompt", "prompt"),
        ({"count": 5}, "count", "at most 4"),
        ({"sequential": 3}, "sequential", "not a field"),
        ({"strategy": "fastest"}, "strategy", "leave it out"),
    ],
)
def test_what_is_wrong_is_named(ada: Person, change: dict[str, Any], field: str, said: str) -> None:
    with pytest.raises(Invalid) as refusal:
        comparing.read(body_of(ada) | change)
    assert said in refusal.value.message
    assert list(refusal.value.fields) == [field]


def test_a_column_that_its_gateway_cannot_make_is_refused_before_anything_is_held(ada: Person) -> None:
    with pytest.raises(Invalid, match="number 2: ") as refusal:
        compared(ada, "runware:2K", "bytespike:2K")
    assert refusal.value.code == "unsupported"
    assert ada.wallet.held == 0


def test_no_more_is_spent_than_was_allowed_for_the_whole(ada: Person) -> None:
    with pytest.raises(PriceAboveMax):
        compared(ada, max_price="0.048")
    assert compared(ada, max_price="0.049")


def test_who_may_compare(ada: Person, stranger: Person) -> None:
    viewer, editor = make_person("vi@example.com"), make_person("ed@example.com")
    let_in(ada, viewer, Role.VIEWER)
    let_in(ada, editor, Role.EDITOR)

    def ask(person: Person) -> Comparison:
        return compared(person, project=str(ada.project.id))

    with pytest.raises(NotFound):
        ask(stranger)
    with pytest.raises(NotAllowed):
        ask(viewer)
    mine = ask(editor)
    assert comparing.visible(viewer.principal, mine.id) == mine
    with pytest.raises(NotFound):
        comparing.visible(stranger.principal, mine.id)


def test_the_same_key_compares_once(ada: Person) -> None:
    client, body = client_of(ada), body_of(ada)
    first = send(client, "POST", "/api/v1/comparisons", body, {"idempotency-key": "k"})
    again = send(client, "POST", "/api/v1/comparisons", body, {"idempotency-key": "k"})
    assert (first.status_code, again.status_code) == (202, 202)
    assert again["Idempotency-Replayed"] == "true"
    assert first.json() == again.json()
    assert [one["provider"] for one in first.json()["columns"]] == ["runware", "prospolabs"]
    assert Generation.objects.count() == 2
    other = send(client, "POST", "/api/v1/comparisons", body | {"prompt": "x"}, {"idempotency-key": "k"})
    assert (other.status_code, other.json()["error"]["code"]) == (422, "idempotency_key_reused")


def test_a_program_sees_prices_before_and_columns_after(ada: Person, stranger: Person) -> None:
    client = client_of(ada)
    quoted = send(client, "POST", "/api/v1/comparisons/quotes", body_of(ada)).json()
    assert quoted["price"] == "0.049"
    assert [(one["provider"], one["price"]) for one in quoted["columns"]] == [
        ("runware", "0.035"),
        ("prospolabs", "0.014"),
    ]
    made = send(client, "POST", "/api/v1/comparisons", body_of(ada)).json()
    assert (made["over"], len(made["columns"])) == (False, 2)
    assert send(client, "GET", f"/api/v1/comparisons/{made['id']}").json() == made
    assert send(client, "GET", "/api/v1/comparisons").json()["results"] == [made]
    foreign = client_of(stranger)
    assert send(foreign, "GET", f"/api/v1/comparisons/{made['id']}").status_code == 404
    assert send(foreign, "GET", "/api/v1/comparisons").json()["results"] == []
    reader = client_of(ada, "read")
    assert send(reader, "POST", "/api/v1/comparisons", body_of(ada)).status_code == 403
