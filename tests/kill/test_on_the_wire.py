"""A worker killed while the gateways have its requests and have not answered yet."""

from __future__ import annotations

import signal
from collections.abc import Iterable

from generations.models import Generation, Submission
from generations.states import SubmissionState
from providers.sandbox.client import Control
from tests.conftest import Person, eventually
from tests.kill.fleet import Fleet
from tests.kill.stage import (
    FOUND_AGAIN,
    GATEWAYS,
    GIVEN_UP,
    STORED,
    all_ended,
    ask_at,
    ask_everywhere,
    assert_ledgers_agree,
    in_state,
    let_time_pass,
    outcome,
    submission_of,
)

_S = SubmissionState
YEAR = 365 * 24 * 3600.0


def killed_with_calls_on_the_wire(fleet: Fleet, gateways: Control, generations: Iterable[Generation]) -> None:
    """A net worker, killed as soon as every gateway has its request, and has charged for it."""
    asked = list(generations)
    worker = fleet.net()
    eventually(lambda: len(gateways.bill()) == len(asked), what="every call on the wire, and paid for")
    worker.send(signal.SIGKILL)
    worker.is_killed()
    assert all(in_state(submission_of(one), _S.SENDING) for one in asked)


def test_calls_that_died_on_the_wire_are_found_again_or_cost_nothing_and_are_never_ordered_twice(
    fleet: Fleet, person: Person, gateways: Control
) -> None:
    gateways.fault("hang", seconds=120, times=len(GATEWAYS))
    generations = ask_everywhere(person)
    killed_with_calls_on_the_wire(fleet, gateways, generations.values())
    assert person.wallet.held == sum(one.quoted for one in generations.values())

    fleet.net(), fleet.media()
    all_ended(generations.values())
    for gateway, generation in generations.items():
        assert outcome(generation) == (STORED if gateway in FOUND_AGAIN else GIVEN_UP), gateway
        if gateway not in FOUND_AGAIN:
            assert generation.error_code == "provider_lost"
            assert submission_of(generation).posts == 1
    assert len(gateways.bill()) == len(GATEWAYS)
    assert person.wallet.held == 0
    assert_ledgers_agree(gateways)


def test_a_call_that_is_repeated_while_the_gateway_is_still_at_the_first_is_one_order(
    fleet: Fleet, person: Person, gateways: Control
) -> None:
    gateways.settings("aigateway", latency=YEAR)
    generation = ask_at(person, "aigateway")
    killed_with_calls_on_the_wire(fleet, gateways, [generation])
    fleet.net(), fleet.media()

    def repeated() -> bool:
        let_time_pass(Submission.objects.all())
        return gateways.count("aigateway") >= 2

    eventually(repeated, what="the same request again")
    assert outcome(generation)[1:] == (0, 0)
    gateways.advance(YEAR)

    all_ended([generation])
    assert outcome(generation) == STORED
    assert len(gateways.bill()) == 1
    assert_ledgers_agree(gateways)
