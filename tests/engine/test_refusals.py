"""A plain no: nothing is billed, the credits come back, and an account in trouble is left alone."""

from __future__ import annotations

import socket
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from generations.engine.net import Net
from generations.engine.routing import ProviderPaused
from generations.models import Generation
from generations.states import SubmissionState
from providers import registry
from providers.errors import Reason
from providers.sandbox.client import Control
from providers.sandbox.faults import Fault
from tests.conftest import Person, ask, ended, eventually
from tests.engine.stage import (
    Story,
    account_of,
    all_ended,
    change,
    in_state,
    looked_after,
    only,
    outlast,
    pass_time,
    polled,
    posted,
    posts,
    story,
    turned_away,
)


def refused(code: str, *, posts: int = 1) -> Story:
    return Story("failed", code, 0, 0, 0, posts)


def test_a_gateway_that_cannot_be_reached_is_tried_five_times_and_nothing_is_charged(
    person: Person, gateways: Control, engine: Net
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        change("bytespike", base_url=f"http://127.0.0.1:{closed.getsockname()[1]}")
        change("aigateway", base_url=account_of("aigateway").base_url.replace("http:", "https:"))
        change("prospolabs", base_url="https://gateway.invalid")
        asked = [ask(person, f"to {p}", provider=p) for p in ("bytespike", "aigateway", "prospolabs")]
        all_ended(asked, hours=0.01)

    for generation in asked:
        assert story(gateways, generation) == refused("provider_unreachable", posts=0)
        submission = only(generation)
        assert (submission.state, submission.posts, submission.tries) == (SubmissionState.REFUSED, 5, 5)
    assert person.wallet.held == 0


def test_an_overloaded_gateway_is_asked_again_until_it_has_room(
    person: Person, gateways: Control, engine: Net
) -> None:
    prices = {"bytespike": 12_000, "aigateway": 35_000}
    for provider in prices:
        gateways.fault(Fault.UNAVAILABLE, gateway=provider, times=2)
    asked = {provider: ask(person, f"to {provider}", provider=provider) for provider in prices}
    all_ended(asked.values(), hours=0.1)
    for provider, price in prices.items():
        assert story(gateways, asked[provider]) == Story("succeeded", "", 1, price, 0, 3)
        assert gateways.totals(provider)["calls"] == 1


def test_a_refusal_is_told_in_our_words_and_costs_nothing(
    person: Person, gateways: Control, engine: Net
) -> None:
    kinds: dict[str, tuple[Fault, dict[str, Any]]] = {
        "content_refused": (Fault.REFUSED_CONTENT, {}),
        "invalid_parameter": (Fault.STATUS, {"status": 400}),
    }
    asked: dict[str, list[Generation]] = {code: [] for code in kinds}
    for provider in registry.ADAPTERS:
        for code, (fault, args) in kinds.items():
            prompt = f"{provider} {code}"
            gateways.fault(fault, gateway=provider, prompt_contains=prompt, **args)
            asked[code].append(ask(person, prompt, provider=provider))
    all_ended([*asked["content_refused"], *asked["invalid_parameter"]])

    for code, generations in asked.items():
        for generation in generations:
            assert story(gateways, generation) == refused(code), generation
            generation.refresh_from_db()
            assert generation.failure == Reason(code).sentence
    assert person.wallet.held == 0
    assert not any(account_of(provider).pause_level for provider in registry.ADAPTERS)


def test_a_refused_key_or_an_empty_account_is_left_alone_and_nothing_more_is_held(
    person: Person, gateways: Control, engine: Net
) -> None:
    troubles = {
        "aigateway": Fault.UNAUTHORIZED,
        "bytespike": Fault.NO_CREDIT,
        "threedai": Fault.FORBIDDEN,
        "runware": Fault.UNAUTHORIZED,
        "prospolabs": Fault.NO_CREDIT,
    }
    asked = {}
    for provider, fault in troubles.items():
        gateways.fault(fault, gateway=provider)
        asked[provider] = ask(person, f"to {provider}", provider=provider)
    all_ended(asked.values())

    available = person.wallet.available
    for provider, generation in asked.items():
        assert story(gateways, generation) == refused("provider_unavailable")
        generation.refresh_from_db()
        assert "cannot be used at the moment. You were not charged" in generation.failure
        with pytest.raises(ProviderPaused) as refusal:
            ask(person, "once more", provider=provider)
        assert refusal.value.code == "provider_paused"
        assert refusal.value.retry_after is not None
        assert 0 < refusal.value.retry_after <= 30
        assert len(gateways.requests(provider, "submit")) == 1
    assert (person.wallet.available, person.wallet.held) == (available, 0)
    assert available == 100_000_000


def test_each_failed_probe_doubles_the_pause_up_to_ten_minutes_and_a_good_one_ends_it(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.key("bytespike", "sandbox-bytespike", refused=401)
    for seconds in (30, 60, 120, 240, 480, 600, 600):
        ended(ask(person, provider="bytespike"))
        account = account_of("bytespike")
        assert account.paused_until is not None
        rest = account.paused_until - timezone.now()
        assert timedelta(seconds=seconds / 2) < rest <= timedelta(seconds=seconds)
        pass_time(seconds)
    gateways.key("bytespike", "sandbox-bytespike", refused=None)

    assert ended(ask(person, provider="bytespike")).status == "succeeded"
    account = account_of("bytespike")
    assert (account.pause_level, account.paused_until, account.pause_reason) == (0, None, "")
    assert ended(ask(person, provider="bytespike")).status == "succeeded"


def test_polls_that_go_well_do_not_end_a_pause_for_want_of_credit(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.settings("runware", latency=3600)
    old = ask(person, "an old one", provider="runware", count=4)
    in_state(old, SubmissionState.RUNNING)
    gateways.fault(Fault.NO_CREDIT, gateway="runware")
    ended(ask(person, "a new one", provider="runware"))
    gateways.advance(901)
    eventually(lambda: Generation.objects.get(id=old.id).delivered == 1)

    with pytest.raises(ProviderPaused):
        ask(person, "another", provider="runware")
    gateways.advance(3600)
    assert ended(old).delivered == 4


def test_a_gateway_that_names_a_time_is_not_asked_by_anybody_before(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.fault(Fault.RATE_LIMITED, gateway="bytespike", retry_after=60, prompt_contains="first")
    gateways.fault(Fault.UNAVAILABLE, gateway="aigateway", retry_after=60, prompt_contains="first")
    gateways.fault(Fault.RATE_LIMITED, gateway="prospolabs", retry_after=60, prompt_contains="first")
    providers = ("bytespike", "aigateway", "prospolabs")
    first = {provider: ask(person, f"first {provider}", provider=provider) for provider in providers}
    for generation in first.values():
        assert turned_away(generation).state == SubmissionState.PLANNED
    second = {provider: ask(person, f"second {provider}", provider=provider) for provider in providers}
    looked_after(person, "runware", gateways)

    for provider in providers:
        assert posts(gateways, second[provider]) == []
        assert len(posts(gateways, first[provider])) == 1
        first[provider].refresh_from_db()
        assert first[provider].status == "queued"
    pass_time(61)
    all_ended([*first.values(), *second.values()])
    for provider in providers:
        price = first[provider].quoted
        assert story(gateways, first[provider]) == Story("succeeded", "", 1, price, 0, 2)
        assert story(gateways, second[provider]) == Story("succeeded", "", 1, price, 0, 1)


def test_a_gateway_that_is_busy_for_ever_is_given_up_after_half_an_hour(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.fault(Fault.RATE_LIMITED, gateway="runware", times=None)
    generation = ask(person, provider="runware")
    posted(gateways, "runware", 2)
    all_ended([generation], hours=1)

    told = story(gateways, generation)
    assert (told.status, told.code, told.charged, told.absorbed) == ("failed", "provider_busy", 0, 0)
    assert person.wallet.held == 0
    assert 2 <= told.posts < 100
    assert gateways.totals("runware")["calls"] == 0


def test_answers_that_say_nothing_of_one_task_keep_nobody_else_away(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.fault(Fault.EMPTY_BODY, gateway="threedai", operation="poll", times=None)
    generation = ask(person, provider="threedai")
    outlast(lambda: only(generation).polls >= 3, seconds=60, what="questions in vain")
    account = account_of("threedai")
    assert (account.pause_level, account.window_failures) == (0, 0)
    gateways.clear_faults()
    all_ended([generation], hours=0.1)


def test_the_breaker_opens_on_failures_and_closes_on_one_good_probe(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.fault(Fault.SERVER_ERROR, gateway="bytespike", times=20)
    all_ended([ask(person, f"failing {number}", provider="bytespike") for number in range(20)])
    account = account_of("bytespike")
    assert (account.pause_level, account.pause_reason) == (1, "failing")
    with pytest.raises(ProviderPaused):
        ask(person, "while it is open", provider="bytespike")
    assert person.wallet.held == 0

    pass_time(30)
    gateways.settings("bytespike", latency=3600)
    with transaction.atomic():  # all three are there before the first is looked at
        probing = [ask(person, f"probing {number}", provider="bytespike") for number in range(3)]
    eventually(lambda: gateways.state()["running"]["bytespike"] == 1)
    pass_time(5)
    looked_after(person, "prospolabs", gateways)
    assert sum(len(posts(gateways, generation)) for generation in probing) == 1
    with pytest.raises(ProviderPaused):
        ask(person, "while it is being probed", provider="bytespike")

    gateways.settings("bytespike", latency=0)
    gateways.advance(3600)
    all_ended(probing, hours=0.1)
    assert account_of("bytespike").pause_level == 0
    for generation in probing:
        assert story(gateways, generation) == Story("succeeded", "", 1, 12_000, 0, 1)


def test_a_task_that_cannot_be_asked_about_does_not_keep_its_account_shut(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.settings("threedai", latency=3600)
    stuck = ask(person, "stuck", provider="threedai")
    in_state(stuck, SubmissionState.RUNNING)
    change("threedai", pause_level=1, pause_reason="failing")  # the pause is over, its probe is to come
    gateways.fault(
        Fault.SERVER_ERROR, gateway="threedai", operation="poll", prompt_contains="stuck", times=None
    )
    polled(stuck, only(stuck).polls + 3)
    account = account_of("threedai")
    assert (account.pause_level, account.paused_until) == (1, None)

    gateways.settings("threedai", latency=0)
    ended(ask(person, "the probe", provider="threedai"))
    assert account_of("threedai").pause_level == 0
    gateways.advance(3600)
    outlast(lambda: only(stuck).reason, what="the end of what cannot be asked about")
    ended(stuck)


def test_the_same_request_sent_once_more_is_a_probe_that_ends_the_pause(
    person: Person, gateways: Control, engine: Net
) -> None:
    change("aigateway", pause_level=1, pause_reason="failing")
    gateways.fault(Fault.SERVER_ERROR, gateway="aigateway")
    generation = ask(person, provider="aigateway")
    in_state(generation, SubmissionState.UNKNOWN)
    assert account_of("aigateway").pause_level == 2

    all_ended([generation], hours=0.1)
    assert story(gateways, generation) == Story("succeeded", "", 1, 35_000, 0, 2)
    assert account_of("aigateway").pause_level == 0
