"""Pictures that a gateway lists as they are made, and says nothing of before: each of them is waited for."""

from __future__ import annotations

import json
from dataclasses import replace
from threading import Event
from typing import Any

import pytest

from generations.engine.net import Net
from generations.models import Generation, Result
from generations.states import ENDED, ResultState, SubmissionState
from generations.storage import originals
from providers import registry
from providers.provider import Provider
from providers.sandbox.client import Control
from providers.sandbox.faults import Fault
from providers.sandbox.server import Sandbox
from providers.values import Answer, Done, Exchange, Report, Running
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


def in_the_store() -> set[str]:
    """The ids of the assets under which anything is kept."""
    return {one.key.split("/")[1] for one in originals().keys()}  # noqa: SIM118 - a store has no other way


def half_listed(person: Person, gateways: Control) -> Generation:
    """Two pictures to come inside the list itself, which shows only the first by now."""
    gateways.switch("rw.unfinished", "left_out")
    gateways.settings("runware", latency=8000)
    generation = ask(person, provider="runware", count=2, output="base64")
    in_state(generation, SubmissionState.RUNNING)
    gateways.advance(4050)
    return generation


def test_pictures_inside_a_list_that_is_looked_at_again_are_kept_once(
    person: Person, gateways: Control, engine: Net
) -> None:
    generation = half_listed(person, gateways)
    delivered(generation, 1)
    asked_again(gateways, 3)
    gateways.advance(4000)
    ended(generation)
    assert story(gateways, generation) == Story("succeeded", "", 2, 70_000, 0, 1)
    assert in_the_store() == {str(asset.id) for asset in generation.assets.all()}


NOWHERE = "https://nowhere.invalid/a.png"


def linking(adapter: Any, wait: Event, link: str = NOWHERE) -> type[Provider]:
    """The adapter at a gateway that lists links of no use, until it is told to give the pictures."""

    class Linking(adapter):  # type: ignore[misc]
        def poll(self, theirs: str) -> Exchange[Report]:
            exchange: Exchange[Report] = super().poll(theirs)

            def read(answer: Answer) -> Report:
                report = exchange.read(answer)
                if wait.is_set() or not isinstance(report, Running | Done):
                    return report
                results = tuple(replace(one, url=f"{link}?{one.key}", data=None) for one in report.results)
                return replace(report, results=results)

            return replace(exchange, read=read)

    return Linking


def test_a_picture_that_was_a_link_and_comes_inside_a_later_list_is_kept_from_there(
    person: Person, gateways: Control, engine: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Event()
    monkeypatch.setitem(registry.ADAPTERS, "runware", linking(registry.ADAPTERS["runware"], whole))
    generation = half_listed(person, gateways)
    pending = Result.objects.filter(state=ResultState.PENDING)
    eventually(lambda: pending.filter(tries=0).exclude(detail="").exists(), what="a look at the link")
    whole.set()
    asked_again(gateways, 1)
    delivered(generation, 1)
    gateways.advance(4000)
    ended(generation)
    assert story(gateways, generation) == Story("succeeded", "", 2, 70_000, 0, 1)
    assert in_the_store() == {str(asset.id) for asset in generation.assets.all()}


def test_a_picture_whose_link_is_dead_and_that_comes_inside_the_next_answer_is_kept_from_there(
    person: Person, gateways: Control, engine: Net, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, dead = Event(), f"{sandbox.origin('runware')}/files/none.png"
    monkeypatch.setitem(registry.ADAPTERS, "runware", linking(registry.ADAPTERS["runware"], whole, dead))
    generation = ask(person, provider="runware", output="base64")
    eventually(lambda: Result.objects.filter(detail__contains="40").exists(), what="a look at the dead link")
    whole.set()
    outlast(lambda: Generation.objects.get(id=generation.id).ended, seconds=60, what="the end")
    assert story(gateways, generation) == Story("succeeded", "", 1, 35_000, 0, 1)
    assert in_the_store() == {str(asset.id) for asset in generation.assets.all()}


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
