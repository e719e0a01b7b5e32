"""A gateway that takes more than its price: the person pays the quote, and staff see it."""

from __future__ import annotations

from generations.engine.net import Net
from providers.sandbox.client import Control
from tests.conftest import ask, ended, make_person
from tests.web.conftest import browser_of, text_of


def test_a_gateway_that_takes_more_than_was_quoted_is_shown_to_staff_and_costs_nobody_else(
    gateways: Control, engine: Net
) -> None:
    person = make_person("ben@example.com", credit=70_000)
    office = browser_of(make_person("staff@example.com", staff=True))
    ended(ask(person, "as quoted", provider="aigateway"))
    before = text_of(office.get("/oversight"))
    assert "dearer than its price" not in before
    assert "Paid by the platform: $0.000" in before

    gateways.fault("cost_percent", gateway="aigateway", percent=150)
    assert ended(ask(person, "dearer", provider="aigateway")).charged == 35_000
    assert (person.wallet.available, person.wallet.held, person.wallet.spent) == (0, 0, 70_000)
    said = text_of(office.get("/oversight"))
    assert "1 dearer than its price" in said
    assert "Paid by the platform: $0.0175" in said
    assert "$0.070 $0.0875 \N{MINUS SIGN}$0.0175" in said
