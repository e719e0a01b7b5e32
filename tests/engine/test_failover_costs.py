"""Failing over to a dearer gateway: the person pays what was quoted, the platform what is beyond it."""

from __future__ import annotations

import pytest

from generations.engine.net import Net
from providers.sandbox.client import Control
from tests.conftest import Person, ask, ended
from tests.engine.stage import PRICES, Story, change, story

CHEAP = ("bytespike", "prospolabs")
DEAR = {"aigateway", "runware", "threedai"}


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("dear", sorted(DEAR))
@pytest.mark.parametrize("told", [True, False], ids=["it tells its cost", "it does not"])
def test_what_a_dearer_gateway_takes_beyond_the_quote_is_the_platforms(
    told: bool, dear: str, count: int, person: Person, gateways: Control, engine: Net
) -> None:
    for provider in DEAR - {dear}:
        change(provider, enabled=False)
    for provider in CHEAP:
        gateways.key(provider, f"sandbox-{provider}", refused=403)
    if not told:
        gateways.fault("cost_missing", gateway=dear, times=None)
    generation = ended(ask(person, count=count))

    quoted = generation.quoted
    assert quoted < count * PRICES[dear]
    assert generation.provider == dear
    taken = sum(line["micro_usd"] for line in gateways.bill(dear))
    assert taken == count * PRICES[dear]
    expected = ("succeeded", "", count, quoted, taken - quoted)
    assert told_of(story(gateways, generation)) == expected
    assert person.wallet.spent == quoted


def test_what_a_dearer_gateway_falls_short_of_is_not_made_up_by_its_price(
    person: Person, gateways: Control, engine: Net
) -> None:
    for provider in CHEAP:
        gateways.key(provider, f"sandbox-{provider}", refused=403)
    gateways.fault("fewer", times=None)
    generation = ended(ask(person, count=2))
    assert generation.provider in DEAR
    assert (generation.delivered, generation.charged) == (1, generation.unit_price)
    assert person.wallet.spent == generation.unit_price


def told_of(whole: Story) -> tuple[str, str, int, int, int]:
    return whole.status, whole.code, whole.delivered, whole.charged, whole.absorbed
