"""A price that went up, or away, between the quote and the order: refused with what it is now."""

from __future__ import annotations

from typing import Any

from billing.models import Hold
from billing.pricing import set_price
from generations.models import Generation
from tests.api.conftest import client_of, send
from tests.conftest import DOLLAR, Person

WISH: dict[str, Any] = {"prompt": "a red boat", "provider": "runware", "count": 2}


def assert_nothing_was_left(person: Person) -> None:
    assert not Generation.objects.exists()
    assert not Hold.objects.exists()
    assert (person.wallet.available, person.wallet.held) == (100 * DOLLAR, 0)


def test_a_price_that_rose_since_it_was_quoted_is_refused_with_the_new_one(ada: Person) -> None:
    client = client_of(ada)
    quotes = send(client, "POST", "/api/v1/quotes", WISH).json()["results"]
    (quoted,) = (quote["price"] for quote in quotes if quote["provider"] == "runware")
    set_price(model="seedream-5-lite", provider="runware", unit=35_001)

    answer = send(client, "POST", "/api/v1/generations", {**WISH, "max_price": quoted})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["price"]) == (409, "price_above_max", "0.070002")
    assert list(error["fields"]) == ["max_price"]
    assert_nothing_was_left(ada)


def test_an_offer_without_a_price_is_refused_and_says_which(ada: Person) -> None:
    set_price(model="seedream-5-lite", provider="runware", unit=None)
    answer = send(client_of(ada), "POST", "/api/v1/generations", WISH)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "price_unavailable")
    assert "runware" in answer.json()["error"]["message"].lower()
    assert_nothing_was_left(ada)
