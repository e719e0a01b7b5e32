"""Links that die soon: where many pictures wait to be brought home, theirs are brought first."""

from __future__ import annotations

import pytest

from generations.engine import claiming, fetching
from generations.engine.claiming import Claim
from generations.engine.media import Media
from generations.engine.net import Net
from generations.models import Generation, Result
from generations.states import ResultState
from providers.sandbox.client import Control
from providers.sandbox.faults import Fault
from tests.conftest import Person, ask, eventually
from tests.engine.conftest import Start
from tests.engine.stage import all_ended, pass_time

HOUR = 3600


@pytest.fixture
def promises(gateways: Control, loops: Start) -> None:
    """A worker that asks for pictures and is told their links, and fetches none."""
    loops(Net(fetches=0))


def promised(generation: Generation) -> Result:
    """Wait until its only picture waits to be fetched."""
    found: Result = eventually(lambda: Result.objects.filter(submission__generation=generation).first())
    return found


def next_to_fetch() -> Claim:
    (claim,) = claiming.claim_results("a worker", ResultState.PENDING, 1)
    return claim


def test_a_link_that_was_asked_to_live_for_minutes_is_fetched_before_all_that_waited_longer(
    person: Person, gateways: Control, promises: None, loops: Start
) -> None:
    asked = [ask(person, f"number {number}", provider="runware") for number in range(8)]
    for generation in asked:
        promised(generation)
    asked.append(ask(person, "in a hurry", provider="runware", ttl=600))
    promised(asked[-1])
    loops(Net(fetches=1), Media())

    assert {one.status for one in all_ended(asked)} == {"succeeded"}
    fetched = [note["prompt"] for note in gateways.requests("runware", "file")]
    assert (fetched[0], len(fetched)) == ("in a hurry", 9)


def test_what_failed_on_the_way_keeps_its_place_while_its_link_lives(person: Person, promises: None) -> None:
    waiting = promised(ask(person, "in its turn", provider="runware"))
    dying = promised(ask(person, "in a hurry", provider="runware", ttl=600))
    claim = next_to_fetch()
    assert claim.id == dying.id
    fetching.again(claim, 0, "the line was cut")
    pass_time(10)
    claim = next_to_fetch()
    assert claim.id == dying.id
    fetching.later(claim, "the store is away")
    pass_time(600)
    assert next_to_fetch().id == waiting.id, "a link that is dead by now keeps nobody waiting"


def test_after_a_day_of_waiting_links_of_a_day_are_fetched_before_those_of_a_week(
    person: Person, promises: None
) -> None:
    week = promised(ask(person, provider="runware"))
    day = promised(ask(person, provider="bytespike"))
    longer = promised(ask(person, provider="runware", ttl=2 * 24 * HOUR))
    pass_time(23.5 * HOUR)
    assert [next_to_fetch().id for _ in range(3)] == [day.id, week.id, longer.id]


def test_the_secret_link_of_a_picture_that_is_written_off_is_kept_no_longer(
    person: Person, gateways: Control, engine: Net
) -> None:
    for fault, provider in ((Fault.EXPIRED, "runware"), (Fault.SVG, "prospolabs")):
        gateways.fault(fault, gateway=provider, times=None)
    all_ended([ask(person, provider=provider) for provider in ("runware", "prospolabs")], hours=1, within=180)
    left = {row.state: (row.url, bool(row.link)) for row in Result.objects.all()}
    assert left == {ResultState.LOST: ("", True), ResultState.REJECTED: ("", True)}
