"""Changing one's mind: what has not been sent is free; what has, its result decides."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from generations.actions import generate
from generations.engine.net import Net
from generations.models import Generation
from generations.states import SubmissionState
from providers.sandbox.client import Control
from providers.sandbox.faults import Fault
from tests.conftest import Person, ask, ended, eventually
from tests.engine.stage import (
    Story,
    all_ended,
    change,
    in_state,
    looked_after,
    only,
    pass_time,
    polled,
    posted,
    posts,
    story,
    turned_away,
)


def cancel(person: Person, generation: Generation) -> None:
    generate.cancel(principal=person.principal, generation_id=generation.id)


def test_what_is_planned_is_never_sent(person: Person, gateways: Control, engine: Net) -> None:
    change("bytespike", max_in_flight=1)
    gateways.settings("bytespike", latency=3600)
    first = ask(person, "first", provider="bytespike")
    posted(gateways, "bytespike", 1)
    second = ask(person, "second", provider="bytespike")
    gateways.fault(Fault.RATE_LIMITED, gateway="runware", retry_after=60)
    refused = ask(person, "refused", provider="runware")
    turned_away(refused)
    cancel(person, second)
    cancel(person, refused)
    cancel(person, refused)

    assert story(gateways, second) == Story("canceled", "", 0, 0, 0, 0)
    assert story(gateways, refused) == Story("canceled", "", 0, 0, 0, 1)
    assert person.wallet.held == first.quoted
    gateways.advance(3600)
    pass_time(60)
    ended(first)
    looked_after(person, "prospolabs", gateways)
    assert posts(gateways, second) == []
    assert len(posts(gateways, refused)) == 1


def test_what_is_on_the_wire_is_kept_and_paid_for_when_it_comes(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.settings("bytespike", latency=3600)
    gateways.settings("runware", latency=3600)
    asked = [ask(person, f"to {provider}", provider=provider) for provider in ("bytespike", "runware")]
    in_state(asked[0], SubmissionState.SENDING)
    in_state(asked[1], SubmissionState.RUNNING)
    posted(gateways, "bytespike", 1)
    for generation in asked:
        cancel(person, generation)
        generation.refresh_from_db()
        assert generation.status == "running"
    assert person.wallet.held == sum(generation.quoted for generation in asked)
    gateways.advance(3600)
    all_ended(asked)
    for generation in asked:
        assert story(gateways, generation) == Story("succeeded", "", 1, generation.quoted, 0, 1)


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [(Fault.RATE_LIMITED, "canceled", ""), (Fault.NO_CREDIT, "failed", "provider_unavailable")],
)
def test_what_is_on_the_wire_and_then_refused_goes_nowhere_again(
    person: Person, gateways: Control, engine: Net, fault: Fault, status: str, code: str
) -> None:
    gateways.fault(fault, gateway="prospolabs", operation="submit", after=1)
    generation = ask(person)
    in_state(generation, SubmissionState.SENDING)
    cancel(person, generation)
    all_ended([generation], hours=0.1)
    assert story(gateways, generation) == Story(status, code, 0, 0, 0, 1)
    assert person.wallet.held == 0


def test_a_gateway_that_cannot_be_told_is_asked_no_sooner_for_it(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.settings("threedai", latency=3600)
    generation = ask(person, provider="threedai")
    in_state(generation, SubmissionState.RUNNING)
    polled(generation, 1)
    seldom = timezone.now() + timedelta(hours=1)
    generation.submissions.update(due_at=seldom)
    for _ in range(3):
        cancel(person, generation)
    assert only(generation).due_at == seldom
    change("threedai", settings={"usd_per_credit": "cheap"})
    Generation.objects.filter(id=generation.id).update(cancel_requested_at=None)
    cancel(person, generation)
    change("threedai", settings={"usd_per_credit": "0.004"})
    gateways.advance(3600)
    generation.submissions.update(due_at=timezone.now())
    all_ended([generation])


def test_a_gateway_that_can_stop_is_asked_to_however_long_it_has_been_polled(
    person: Person, gateways: Control, engine: Net
) -> None:
    change("bytespike", settings={"tasks_api": True})
    gateways.switch("aig.async_images", True)
    gateways.settings("aigateway", latency=3600)
    gateways.settings("bytespike", latency=3600)
    asked = [ask(person, f"to {provider}", provider=provider) for provider in ("bytespike", "aigateway")]
    for generation in asked:
        in_state(generation, SubmissionState.RUNNING)
        polled(generation, 3)
        cancel(person, generation)
    all_ended(asked)
    for generation in asked:
        assert story(gateways, generation) == Story("canceled", "", 0, 0, 0, 1)
    assert (person.wallet.held, person.wallet.spent) == (0, 0)
    assert gateways.totals("aigateway")["net"] == gateways.totals("bytespike")["net"] == 0


def test_a_gateway_that_says_no_to_stopping_is_polled_to_the_end(
    person: Person, gateways: Control, engine: Net
) -> None:
    change("bytespike", settings={"tasks_api": True})
    gateways.settings("bytespike", latency=3600)
    gateways.fault(Fault.STATUS, gateway="bytespike", operation="cancel", status=409, times=None)
    generation = ask(person, provider="bytespike")
    in_state(generation, SubmissionState.RUNNING)
    cancel(person, generation)
    eventually(lambda: len(gateways.requests("bytespike", "cancel")) >= 2)
    gateways.advance(3600)

    assert story(gateways, ended(generation)) == Story("succeeded", "", 1, 12_000, 0, 1)


def test_pictures_made_before_a_cancel_stay_and_the_rest_is_never_ordered(
    person: Person, gateways: Control, engine: Net
) -> None:
    change("bytespike", max_in_flight=1)
    gateways.settings("bytespike", latency=3600)
    generation = ask(person, provider="bytespike", count=10)
    posted(gateways, "bytespike", 1)
    cancel(person, generation)
    gateways.advance(3600)

    assert story(gateways, ended(generation)) == Story("succeeded", "", 4, 4 * 12_000, 0, 1)
    assert person.wallet.held == 0
