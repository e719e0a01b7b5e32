"""Gateways that write to us: only a hint, which makes the engine ask at once, however often it comes."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from django.conf import settings

from generations.engine import written
from generations.engine.net import Net
from generations.models import Generation, WebhookEvent
from generations.states import SubmissionState
from providers.sandbox.client import Control
from providers.sandbox.faults import Fault
from tests.conftest import Person, ask, ended, eventually
from tests.engine.stage import Story, all_ended, change, in_state, only, pass_time, polled, posts, story


def events(generation: Generation) -> list[WebhookEvent]:
    return list(WebhookEvent.objects.filter(submission__generation=generation))


@pytest.mark.parametrize("shape", ["flat", "data"])
def test_runware_tells_each_picture_in_either_shape_in_any_order_and_twice(
    person: Person, gateways: Control, door_bell: None, engine: Net, shape: str
) -> None:
    gateways.switch("rw.webhook_shape", shape)
    gateways.settings("runware", latency=0.3)
    orders: dict[str, tuple[tuple[Fault, dict[str, Any]], ...]] = {
        "plainly": (),
        "twenty times": ((Fault.WEBHOOK_DUPLICATE, {"copies": 20}),),
        "the last first": ((Fault.WEBHOOK_DISORDER, {}),),
        "before the answer": ((Fault.WEBHOOK_EARLY, {}),),
        "with a part refused": ((Fault.ENTRY_ERROR, {"index": 1}),),
    }
    asked = {}
    for name, faults in orders.items():
        for fault, args in faults:
            gateways.fault(fault, gateway="runware", prompt_contains=name, **args)
        asked[name] = ask(person, name, provider="runware", count=3)
    all_ended(asked.values())

    for name, generation in asked.items():
        many = 2 if name == "with a part refused" else 3
        told = story(gateways, generation)
        assert told == Story("succeeded", "", many, many * 35_000, 0, 1), name
    eventually(lambda: as_often_as_it_was_written(gateways, asked["twenty times"], copies=20))
    assert len(events(asked["twenty times"])) == 3


def as_often_as_it_was_written(control: Control, generation: Generation, *, copies: int) -> bool:
    """Every copy is counted. One that we took too slowly for its sender comes, and counts, once more."""
    tried = [note for note in control.webhooks() if note["their_id"] == only(generation).theirs]
    counted = [event.times for event in events(generation)]
    return min(counted) >= copies and sum(counted) <= len(tried)


def test_a_webhook_ends_the_wait_and_one_that_is_lost_only_makes_it_late(
    person: Person, gateways: Control, door_bell: None, engine: Net
) -> None:
    change("bytespike", settings={"tasks_api": True})
    providers = ("prospolabs", "bytespike")
    for provider in providers:
        gateways.settings(provider, latency=0.3)
        gateways.fault(Fault.WEBHOOK_MISSING, gateway=provider, prompt_contains="silent")
    told = [ask(person, f"told {provider}", provider=provider) for provider in providers]
    silent = [ask(person, f"silent {provider}", provider=provider) for provider in providers]
    all_ended(told)
    for generation in silent:
        assert in_state(generation, SubmissionState.RUNNING).polls == 0
    gateways.advance(1)  # what is asked about only once must have ended by then
    pass_time(4200)  # an hour, and the irregularity of it
    all_ended(silent)
    for generation in (*told, *silent):
        assert story(gateways, generation) == Story("succeeded", "", 1, generation.quoted, 0, 1)
    assert [len(events(generation)) for generation in (*told, *silent)] == [1, 1, 0, 0]


def test_a_lost_answer_of_prospolabs_is_found_again_by_its_webhook(
    person: Person, gateways: Control, door_bell: None, engine: Net
) -> None:
    gateways.settings("prospolabs", latency=0.5)
    gateways.fault(Fault.RESET_AFTER, gateway="prospolabs", prompt_contains="before")
    gateways.fault(Fault.STATUS_AFTER, gateway="prospolabs", prompt_contains="after", status=502)
    gateways.fault(Fault.WEBHOOK_EARLY, gateway="prospolabs", prompt_contains="after")
    asked = [
        ask(person, f"lost {when}, then written about", provider="prospolabs") for when in ("before", "after")
    ]
    gateways.fault(Fault.RESET_AFTER, gateway="prospolabs", prompt_contains="waited")
    asked.append(ask(person, "waited for, and lost", provider="prospolabs", delivery="sync"))
    all_ended(asked)
    for generation in asked:
        assert story(gateways, generation) == Story("succeeded", "", 1, 14_000, 0, 1)
        assert only(generation).theirs
        assert only(generation).moves.filter(after=SubmissionState.UNKNOWN).exists()


@pytest.mark.parametrize("shape", ["data", "notice"])
def test_a_lost_answer_is_found_again_by_a_webhook_that_tells_little_more_than_an_id(
    person: Person, gateways: Control, door_bell: None, engine: Net, shape: str
) -> None:
    gateways.switch("pl.webhook_shape", shape)
    gateways.settings("prospolabs", latency=0.3)
    gateways.fault(Fault.RESET_AFTER, gateway="prospolabs")
    generation = ask(person, "lost, then hinted at", provider="prospolabs", count=2)
    all_ended([generation])
    assert story(gateways, generation) == Story("succeeded", "", 2, 28_000, 0, 1)


def test_what_is_written_about_a_call_that_was_given_up_brings_its_pictures_for_free(
    person: Person, gateways: Control, door_bell: None, engine: Net
) -> None:
    gateways.settings("prospolabs", latency=3600)
    gateways.fault(Fault.RESET_AFTER, gateway="prospolabs")
    generation = ask(person, provider="prospolabs", count=2)
    in_state(generation, SubmissionState.UNKNOWN)
    all_ended([generation], hours=1)
    assert story(gateways, generation) == Story("failed", "provider_lost", 0, 0, 28_000, 1)
    gateways.advance(3600)
    eventually(lambda: events(generation))
    for _ in range(2):
        written.look_again(only(generation))

    def late() -> bool:
        pass_time(3600)
        return Generation.objects.get(id=generation.id).delivered == 2

    eventually(late)
    assert story(gateways, generation) == Story("failed", "provider_lost", 2, 0, 28_000, 1)
    assert all(asset.late for asset in generation.assets.all())
    assert (person.wallet.spent, person.wallet.held) == (0, 0)


def test_a_webhook_that_says_failed_after_the_end_changes_nothing(
    person: Person, gateways: Control, door_bell: None, engine: Net
) -> None:
    generation = ended(ask(person, provider="prospolabs"))
    eventually(lambda: events(generation))
    submission = only(generation)
    told = {"generation_id": submission.theirs, "status": "failed", "error": {"code": "upstream_error"}}
    address = f"{settings.PUBLIC_URL}/hooks/prospolabs/{submission.webhook_token}"
    answer = httpx.post(address, json=told, timeout=60)
    assert answer.status_code == 200
    ended(ask(person, "newer work", provider="prospolabs"))
    assert story(gateways, generation) == Story("succeeded", "", 1, 14_000, 0, 1)
    assert len(posts(gateways, generation)) == 1


def write(generation: Generation, told: dict[str, Any]) -> None:
    """As Prospolabs writes to a submission's secret path."""
    path = f"hooks/prospolabs/{only(generation).webhook_token}"
    assert httpx.post(f"{settings.PUBLIC_URL}/{path}", json=told, timeout=60).status_code == 200


def test_one_word_from_the_provider_is_answered_by_one_question(
    person: Person, gateways: Control, door_bell: None, engine: Net
) -> None:
    gateways.settings("prospolabs", latency=3600)
    generation = ask(person, provider="prospolabs")
    submission = in_state(generation, SubmissionState.RUNNING)
    for times in (1, 2):
        write(generation, {"generation_id": submission.theirs, "status": "processing", "part": times})
        polled(generation, times)
        ended(ask(person, f"newer work {times}", provider="aigateway"))
        assert only(generation).polls == times


def test_what_was_written_counts_where_the_status_is_not_to_be_found(
    person: Person, gateways: Control, door_bell: None, engine: Net
) -> None:
    gateways.fault(Fault.STATUS, gateway="prospolabs", operation="poll", status=404, times=None)
    gateways.settings("prospolabs", latency=0.3)
    generation = ask(person, provider="prospolabs", count=2)
    eventually(lambda: events(generation))
    all_ended([generation], hours=1)
    assert story(gateways, generation) == Story("succeeded", "", 2, 28_000, 0, 1)


def test_an_event_about_somebody_elses_task_brings_nobody_its_pictures(
    person: Person, gateways: Control, door_bell: None, engine: Net
) -> None:
    theirs = ended(ask(person, "theirs", provider="prospolabs"))
    gateways.fault(Fault.RESET_AFTER, gateway="prospolabs")
    gateways.fault(Fault.WEBHOOK_MISSING, gateway="prospolabs")
    mine = ask(person, "mine", provider="prospolabs")
    in_state(mine, SubmissionState.UNKNOWN)
    write(mine, {"generation_id": only(theirs).theirs, "status": "processing"})
    all_ended([mine], hours=1)
    assert story(gateways, mine) == Story("failed", "provider_lost", 0, 0, 14_000, 1)
    assert only(mine).theirs is None
