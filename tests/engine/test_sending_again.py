"""A second POST of the same bytes: never too soon, and for as long as an outage may last."""

from __future__ import annotations

from typing import Any

import pytest

from generations.engine.net import Net
from generations.models import Generation
from generations.states import SubmissionState
from providers.sandbox.client import Control
from providers.sandbox.faults import Fault
from tests.conftest import Person, ask, eventually
from tests.engine.stage import (
    Story,
    account_of,
    all_ended,
    change,
    eventually_looked,
    in_state,
    only,
    pass_time,
    posted,
    posts,
    story,
)


def looked_at(generation: Generation, times: int, *, every: float) -> None:
    """So many looks of the workers at its only submission, with so many seconds between them."""
    for _ in range(times):
        before = only(generation).fence
        pass_time(every)
        eventually(lambda: only(generation).fence > before, what="a look")  # noqa: B023 - called at once


@pytest.mark.parametrize("provider", ["aigateway", "runware"])
def test_it_does_not_leave_before_the_first_call_has_had_its_time(
    person: Person, gateways: Control, engine: Net, provider: str
) -> None:
    gateways.fault(Fault.RESET_BEFORE, gateway=provider)
    generation = ask(person, provider=provider, delivery="sync")
    in_state(generation, SubmissionState.UNKNOWN)
    looked_at(generation, 4, every=30)
    assert len(posts(gateways, generation)) == only(generation).posts == 1
    assert person.wallet.held == generation.quoted

    pass_time(70)  # three minutes have passed
    posted(gateways, provider, 2)
    all_ended([generation], hours=0.01)
    assert story(gateways, generation) == Story("succeeded", "", 1, 35_000, 0, 2)


@pytest.mark.parametrize(
    ("lost", "args", "outage"),
    [
        (Fault.STATUS_AFTER, {"status": 500}, Fault.SERVER_ERROR),
        (Fault.STATUS_AFTER, {"status": 502}, Fault.BAD_GATEWAY),
        (Fault.RESET_AFTER, {}, Fault.RESET_BEFORE),
    ],
)
def test_an_answer_that_our_key_can_win_back_outlasts_an_outage_of_a_quarter_of_an_hour(
    person: Person, gateways: Control, engine: Net, lost: Fault, args: dict[str, Any], outage: Fault
) -> None:
    change("aigateway", settings={"call_timeout": 3})
    gateways.fault(lost, gateway="aigateway", **args)
    gateways.fault(outage, gateway="aigateway", times=None)
    generation = ask(person, provider="aigateway")
    in_state(generation, SubmissionState.UNKNOWN)
    for _ in range(60):
        pass_time(15)
        eventually_looked()
    assert only(generation).state == SubmissionState.UNKNOWN
    assert person.wallet.held == generation.quoted

    gateways.clear_faults()
    all_ended([generation], hours=0.1)
    told = story(gateways, generation)
    assert (told.status, told.delivered, told.charged, told.absorbed) == ("succeeded", 1, 35_000, 0)
    assert gateways.totals("aigateway")["calls"] == 1
    assert told.posts < 20


def test_what_only_a_refused_key_could_ask_about_is_given_up_within_the_hour(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.fault(Fault.RESET_BEFORE, gateway="aigateway", times=8)
    asked = [ask(person, f"number {number}", provider="aigateway") for number in range(8)]
    for generation in asked:
        in_state(generation, SubmissionState.UNKNOWN)
    gateways.key("aigateway", "sandbox-aigateway", refused=401)
    for _ in range(60):
        pass_time(60)
        eventually_looked()
    for generation in all_ended(asked):
        assert story(gateways, generation).code == "provider_lost"
    assert sum(only(generation).posts for generation in asked) < 8 * 4, "a refused key was tried and tried"
    assert account_of("aigateway").pause_reason == "provider_key_refused"
    assert person.wallet.held == 0
