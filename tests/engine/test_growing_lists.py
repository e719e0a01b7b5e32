"""Pictures that a gateway lists as they are made, and says nothing of before: each of them is waited for."""

from __future__ import annotations

import json

from generations.engine.net import Net
from generations.models import Generation
from generations.states import ENDED, SubmissionState
from providers.sandbox.client import Control
from providers.sandbox.faults import Fault
from tests.conftest import Person, ask, ended, eventually
from tests.engine.stage import Story, in_state, outlast, pass_time, story


def asked_again(control: Control, times: int, *, of: str = "runware", after: float = 3) -> None:
    """Until so many more questions have been answered, each some seconds after the last.

    Time passes once for each: the list must not have been quiet for two minutes on a slow machine.
    """
    for _ in range(times):
        before = len(control.requests(of, "poll"))
        pass_time(after)
        eventually(lambda: len(control.requests(of, "poll")) > before)  # noqa: B023 - called at once


def delivered(generation: Generation, number: int) -> None:
    eventually(lambda: Generation.objects.get(id=generation.id).delivered == number, what=f"{number} kept")


def test_a_list_that_leaves_out_what_is_being_made_is_waited_for(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.switch("rw.unfinished", "left_out")
    gateways.settings("runware", latency=8000)  # long enough for none to be made while we look
    generation = ask(person, provider="runware", count=4)
    in_state(generation, SubmissionState.RUNNING)
    for number in (1, 2, 3):
        gateways.advance(2050)
        delivered(generation, number)
        asked_again(gateways, 4)
        assert Generation.objects.get(id=generation.id).status == "running"
    assert person.wallet.held == generation.quoted
    gateways.advance(2000)
    ended(generation)
    assert story(gateways, generation) == Story("succeeded", "", 4, 140_000, 0, 1)


def test_a_picture_that_is_listed_twice_is_one_and_costs_once(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.switch("rw.unfinished", "left_out")
    gateways.settings("runware", latency=8000)
    gateways.fault(Fault.DOUBLED, gateway="runware", operation="poll", times=None)
    generation = ask(person, provider="runware", count=2)
    in_state(generation, SubmissionState.RUNNING)
    gateways.advance(4050)
    delivered(generation, 1)
    asked_again(gateways, 2)
    assert Generation.objects.get(id=generation.id).status == "running"
    gateways.advance(4000)
    ended(generation)
    assert story(gateways, generation) == Story("succeeded", "", 2, 70_000, 0, 1)


def test_a_link_that_is_listed_twice_does_not_stand_for_one_that_may_still_come(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.fault(Fault.FEWER, gateway="threedai")
    gateways.fault(Fault.DOUBLED, gateway="threedai", operation="poll", times=None)
    generation = ask(person, provider="threedai", count=2)
    outlast(lambda: Generation.objects.get(id=generation.id).status in ENDED, seconds=11)
    assert story(gateways, generation) == Story("succeeded", "", 1, 40_000, 0, 1)
    assert len(gateways.requests("threedai", "poll")) >= 2, "it ended with the first list"


def test_a_list_that_stays_short_is_all_there_is_after_two_minutes(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.fault(Fault.FEWER, gateway="runware")
    generation = ask(person, provider="runware", count=4)
    delivered(generation, 3)
    asked_again(gateways, 3)
    assert Generation.objects.get(id=generation.id).status == "running"
    pass_time(121)
    ended(generation)
    assert story(gateways, generation) == Story("succeeded", "", 3, 105_000, 0, 1)
    assert person.wallet.held == 0


def test_a_task_that_ended_with_nothing_is_asked_for_a_minute_what_it_made(
    person: Person, gateways: Control, engine: Net
) -> None:
    nothing = json.dumps({"status": "FINISHED", "progress": 100, "results": []})
    gateways.fault(Fault.STATUS, gateway="threedai", operation="poll", status=200, body=nothing, times=None)
    generation = ask(person, provider="threedai", count=2)
    in_state(generation, SubmissionState.RUNNING)
    asked_again(gateways, 2, of="threedai", after=11)
    assert Generation.objects.get(id=generation.id).status == "running"
    gateways.clear_faults()
    outlast(lambda: Generation.objects.get(id=generation.id).status in ENDED, seconds=11)
    assert story(gateways, generation) == Story("succeeded", "", 2, 80_000, 0, 1)
