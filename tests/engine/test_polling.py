"""Asking how it goes, until it is done, lost, or too late."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from generations.engine import claiming, reading, sending
from generations.engine.hearing import Heard
from generations.engine.net import Net
from generations.engine.recording import record
from generations.models import Generation, Submission
from generations.states import SubmissionState
from providers import registry
from providers.adapters.aigateway import AIgateway
from providers.door import send_once
from providers.errors import ProviderError, Reason
from providers.sandbox.client import Control
from providers.sandbox.faults import Fault
from providers.values import Cost, Done, Failed, Promised
from tests.conftest import Person, ask, ended, eventually
from tests.engine.conftest import Forgive
from tests.engine.stage import (
    Story,
    all_ended,
    change,
    heard,
    in_state,
    only,
    outlast,
    pass_time,
    polled,
    posts,
    sent,
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


def test_a_question_that_is_turned_away_waits_for_the_time_it_was_told(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.settings("threedai", latency=3600)
    gateways.fault(Fault.RATE_LIMITED, gateway="threedai", operation="poll", retry_after=300)
    gateways.fault(Fault.UNAVAILABLE, gateway="runware", retry_after=300)
    asked = [ask(person, f"to {provider}", provider=provider) for provider in ("threedai", "runware")]
    late = Submission.objects.filter(due_at__gt=Now() + timedelta(seconds=200))
    eventually(lambda: late.count() == 2, what="two questions that wait")
    assert set(late.values_list("state", flat=True)) == {SubmissionState.RUNNING, SubmissionState.UNKNOWN}
    gateways.advance(3600)
    pass_time(301)
    for generation in all_ended(asked, hours=0.1):
        assert generation.status == "succeeded"


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


def test_a_job_that_brought_fewer_pictures_is_asked_once_more_and_not_too_soon(
    person: Person, gateways: Control, engine: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A question sooner than 3 s after the last is answered 304, which says nothing either way."""
    monkeypatch.setitem(registry.ADAPTERS, "aigateway", AIgateway)  # at its own pace
    gateways.switch("aig.async_images", True)
    gateways.fault(Fault.FEWER, gateway="aigateway")
    generation = ended(ask(person, provider="aigateway", count=2))
    assert story(gateways, generation) == Story("succeeded", "", 1, generation.unit_price, 0, 1)
    assert 304 not in {note["status"] for note in gateways.requests("aigateway", "poll")}


def test_a_list_that_still_grows_is_asked_for_again_until_it_stays_as_it_is(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.settings("runware", latency=3600)
    generation = ask(person, provider="runware", count=4)
    submission = in_state(generation, SubmissionState.RUNNING)
    links = [Promised(f"picture {n}", url=f"https://pictures.invalid/{n}.jpg") for n in range(3)]
    states = []
    for told in (links[:1], links[:2], links, links):
        record(submission.id, Heard(Done(tuple(told))), submission.account.traits)
        states.append(only(generation).state)
    assert states == [SubmissionState.RUNNING] * 4
    pass_time(121)
    record(submission.id, Heard(Done(tuple(links))), submission.account.traits)
    assert only(generation).state == SubmissionState.STORING
    assert only(generation).results.count() == 3


def test_a_short_list_that_is_found_again_is_asked_for_once_more(person: Person, gateways: Control) -> None:
    generation = ask(person, provider="runware", count=3)
    (claim,) = claiming.claim_submissions("a worker", 10)
    (submission,) = reading.submissions([claim]).values()
    assert sending.begin(submission, claim.fence)
    traits = submission.account.traits
    record(submission.id, Heard(ProviderError(Reason.NO_ANSWER), post=1), traits)
    assert only(generation).state == SubmissionState.UNKNOWN
    links = tuple(Promised(f"picture {n}", url=f"https://pictures.invalid/{n}.jpg") for n in range(3))
    record(submission.id, Heard(Done(links[:1])), traits)
    assert only(generation).state == SubmissionState.RUNNING
    record(submission.id, Heard(Done(links)), traits)
    assert (only(generation).state, only(generation).results.count()) == (SubmissionState.STORING, 3)


def test_a_short_answer_to_the_paid_request_is_asked_for_once_more_where_it_can_be(person: Person) -> None:
    links = tuple(Promised(f"picture {n}", url=f"https://pictures.invalid/{n}.jpg") for n in range(3))
    (named,), (nameless,) = sent(person, count=3), sent(person, count=3)
    heard(named, Done(links[:1], "gen_1"), post=1)
    heard(nameless, Done(links[:1]), post=1)
    assert [one.state for one in (named, nameless)] == [SubmissionState.RUNNING, SubmissionState.STORING]
    heard(named, Done(links, "gen_1"))
    assert (named.state, named.results.count()) == (SubmissionState.STORING, 3)


def test_a_late_picture_beside_one_that_is_lost_is_the_platforms(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.fault(Fault.FAILS, gateway="threedai", charged=True)
    generation = ended(ask(person, "late", provider="threedai", count=2))
    other = ended(ask(person, "other", provider="threedai"))
    exchange = only(other).account.adapter().poll(str(only(other).theirs))
    assert exchange is not None
    report = exchange.read(send_once(exchange))
    assert isinstance(report, Done)
    (good,) = report.results
    host = "/".join(str(good.url).split("/")[:3])
    both = (replace(good, key="0"), Promised("1", url=f"{host}/nothing/at/all.png"))
    record(only(generation).id, Heard(Done(both)), only(generation).account.traits)
    outlast(lambda: only(generation).state == SubmissionState.DONE)
    assert story(gateways, generation) == Story("failed", "provider_failed", 1, 0, 80_000, 1)
