"""Asking how it goes, until it is done, lost, or too late."""

from __future__ import annotations

from typing import Any

from generations.engine.hearing import Heard
from generations.engine.net import Net
from generations.engine.recording import record
from generations.models import Generation, Submission
from generations.states import SubmissionState
from providers.door import send_once
from providers.errors import Reason
from providers.sandbox.client import Control
from providers.sandbox.faults import Fault
from providers.values import Cost, Failed
from tests.conftest import Person, ask, ended, eventually
from tests.engine.conftest import Forgive
from tests.engine.stage import (
    Story,
    all_ended,
    change,
    in_state,
    only,
    pass_time,
    polled,
    posts,
    story,
)

POLLED = ("threedai", "runware", "prospolabs")


def faulty(person: Person, control: Control, provider: str, fault: Fault, **args: Any) -> Generation:
    prompt = f"{provider} {fault}"
    control.fault(fault, gateway=provider, prompt_contains=prompt, **args)
    return ask(person, prompt, provider=provider)


def test_polls_that_fail_twenty_times_or_miss_once_only_make_it_late(
    person: Person, gateways: Control, engine: Net
) -> None:
    asked = []
    for provider in POLLED:
        asked.append(faulty(person, gateways, provider, Fault.SERVER_ERROR, operation="poll", times=20))
        asked.append(faulty(person, gateways, provider, Fault.STATUS, operation="poll", status=404))
        asked.append(faulty(person, gateways, provider, Fault.FLAPPING))
    all_ended(asked, hours=0.02)
    for generation in asked:
        told = story(gateways, generation)
        assert told == Story("succeeded", "", 1, generation.quoted, 0, 1), generation
        assert only(generation).state == SubmissionState.DONE


def test_a_task_the_provider_has_forgotten_is_lost_after_a_minute_of_asking(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.settings("threedai", latency=3600)
    once = ask(person, "missed once", provider="threedai")
    in_state(once, SubmissionState.RUNNING)
    gateways.fault(Fault.STATUS, gateway="threedai", operation="poll", status=404)
    eventually(lambda: 404 in {note["status"] for note in gateways.requests("threedai", "poll")})
    polled(once, only(once).polls + 2)
    assert only(once).misses == 0
    pass_time(70)  # the first miss is long ago, and the task has been seen since
    gateways.fault(Fault.STATUS, gateway="threedai", operation="poll", status=404, times=None)
    eventually(lambda: only(once).misses >= 4)

    submission = only(once)
    assert submission.state == SubmissionState.RUNNING
    assert person.wallet.held == once.quoted
    pass_time(61)
    ended(once)
    assert story(gateways, once) == Story("failed", "provider_lost", 0, 0, 40_000, 1)
    assert person.wallet.held == 0


def test_a_task_that_never_ends_is_given_up_in_time(person: Person, gateways: Control, engine: Net) -> None:
    change("bytespike", settings={"tasks_api": True})
    providers = (*POLLED, "bytespike")
    for provider in providers:
        gateways.settings(provider, latency=7200)
    asked = [ask(person, f"endless {provider}", provider=provider) for provider in providers]
    for generation in asked:
        in_state(generation, SubmissionState.RUNNING)
        polled(generation, 1)
    pass_time(1201)
    all_ended(asked)
    for generation in asked:
        told = story(gateways, generation)
        assert told == Story("failed", "provider_timeout", 0, 0, generation.quoted, 1), generation
    eventually(lambda: len(gateways.requests("bytespike", "cancel")) == 1)


def test_what_runware_finished_before_it_stood_still_is_kept_and_the_rest_is_the_platforms(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.settings("runware", latency=3600)
    generation = ask(person, "half of them", provider="runware", count=2)
    in_state(generation, SubmissionState.RUNNING)
    gateways.advance(1801)
    eventually(lambda: Generation.objects.get(id=generation.id).delivered == 1)
    assert Generation.objects.get(id=generation.id).status == "running"
    pass_time(1201)

    ended(generation)
    assert story(gateways, generation) == Story("succeeded", "", 1, 35_000, 35_000, 1)


def test_a_task_that_fails_after_it_was_taken_on_is_not_charged(
    person: Person, gateways: Control, engine: Net
) -> None:
    change("bytespike", settings={"tasks_api": True})
    providers = (*POLLED, "bytespike")
    asked = [faulty(person, gateways, provider, Fault.FAILS) for provider in providers]
    all_ended(asked)
    for generation in asked:
        told = story(gateways, generation)
        assert (told.status, told.delivered, told.charged, told.absorbed) == ("failed", 0, 0, 0)
        assert told.code in {"provider_failed", "provider_timeout"}
        assert only(generation).state == SubmissionState.FAILED
    assert person.wallet.held == 0


def test_what_a_gateway_took_for_a_task_that_failed_is_the_platforms(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.fault(Fault.FAILS, gateway="threedai", charged=True)
    gateways.settings("threedai", latency=3600)
    generation = ask(person, provider="threedai")
    submission = in_state(generation, SubmissionState.RUNNING)
    # None of the five reports a cost with a failure; one that does is taken at its word.
    report = Failed(Reason.PROVIDER_FAILED, "no luck", cost=Cost("0.04 USD", 40_000))
    record(submission.id, Heard(report), submission.account.traits)

    ended(generation)
    assert story(gateways, generation) == Story("failed", "provider_failed", 0, 0, 40_000, 1)
    assert (only(generation).cost, only(generation).cost_raw) == (40_000, "0.04 USD")
    assert person.wallet.held == 0


def test_a_picture_that_comes_after_it_was_given_up_is_kept_for_free(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.settings("threedai", latency=7200)
    generation = ask(person, "late", provider="threedai", count=2)
    in_state(generation, SubmissionState.RUNNING)
    polled(generation, 1)
    pass_time(1201)
    ended(generation)
    spent = person.wallet.spent
    gateways.advance(7200)
    submission = only(generation)
    assert submission.state == SubmissionState.ABANDONED
    provider = submission.account.adapter()
    exchange = provider.poll(str(submission.theirs))
    assert exchange is not None
    answer = send_once(exchange)
    for _ in range(2):
        record(submission.id, Heard(exchange.read(answer), answer), provider.traits)

    eventually(lambda: Generation.objects.get(id=generation.id).delivered == 2)
    assert story(gateways, generation) == Story("failed", "provider_timeout", 2, 0, 80_000, 1)
    assert all(asset.late and asset.charged == 0 for asset in generation.assets.all())
    assert (person.wallet.spent, person.wallet.held) == (spent, 0)
    assert Submission.objects.get(id=submission.id).state == SubmissionState.DONE
    assert len(posts(gateways, generation)) == 1


def test_the_first_word_about_the_end_stands(
    person: Person, gateways: Control, engine: Net, forgive: Forgive
) -> None:
    generation = ended(ask(person, "flapping", provider="prospolabs"))
    gateways.fault(Fault.FAILS, gateway="prospolabs")
    other = ended(ask(person, "failing", provider="prospolabs"))
    words = {}
    for one in (generation, other):
        provider = only(one).account.adapter()
        exchange = provider.poll(str(only(one).theirs))
        assert exchange is not None
        words[one.id] = exchange.read(send_once(exchange))
    for _ in range(100):
        record(only(generation).id, Heard(words[other.id]), only(generation).account.traits)
        record(only(generation).id, Heard(words[generation.id]), only(generation).account.traits)

    assert story(gateways, generation) == Story("succeeded", "", 1, 14_000, 0, 1)
    assert only(generation).state == SubmissionState.DONE
    assert (person.wallet.spent, person.wallet.held) == (14_000, 0)
