"""Who makes it: the cheapest or the fastest that can, another only if the first surely did not begin."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from generations.actions import asking, generate
from generations.engine.net import Net
from generations.engine.routing import ProviderPaused
from generations.models import Generation
from generations.states import SubmissionState
from providers.models import ProviderAccount, Source
from providers.sandbox.client import Control
from providers.sandbox.faults import Fault
from tests.conftest import Person, ask, ended, png
from tests.engine.stage import Story, account_of, all_ended, change, in_state, only, posts, story


def test_auto_takes_the_cheapest_that_can_do_it_or_the_fastest_as_measured_here(
    person: Person, gateways: Control, engine: Net
) -> None:
    cheap = ask(person, "any size")
    small = ask(person, "a small one", resolution="1K")
    checked = ask(person, "with a check that few have", safety_check=True)
    assert [one.provider for one in (cheap, small, checked)] == ["prospolabs", "bytespike", "runware"]
    assert ask(person, "by published times", strategy="fastest").provider == "prospolabs"
    all_ended([ask(person, f"measured {n}", provider="runware") for n in range(5)])

    fast = ask(person, "by measured times", strategy="fastest")
    assert fast.provider == "runware"
    all_ended(Generation.objects.all())


def test_another_offer_is_taken_when_the_first_surely_did_not_begin_and_the_quote_stands(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.fault(Fault.UNAUTHORIZED, gateway="prospolabs", prompt_contains="refused")
    gateways.key("aigateway", "sandbox-aigateway", refused=402)
    refused = ended(ask(person, "refused", count=2))

    assert refused.provider == "runware"
    told = story(gateways, refused)
    assert told.posts == 1 + 1 + (account_of("aigateway").pause_level > 0)
    assert (told.status, told.delivered, told.charged) == ("succeeded", 2, 2 * 14_000)
    assert told.absorbed == 2 * (35_000 - 14_000)
    assert {asset.provider for asset in refused.assets.all()} == {"runware"}
    states = [s.state for s in refused.submissions.order_by("id")]
    assert (states[0], states[-1]) == (SubmissionState.REFUSED, SubmissionState.DONE)
    assert ask(person, "the next one").provider != "prospolabs"
    all_ended(Generation.objects.all())


def test_what_builds_on_pictures_goes_elsewhere_only_where_they_are_looked_at(
    person: Person, gateways: Control, engine: Net
) -> None:
    """Bytespike is cheaper, and would draw something else."""
    picture = "data:image/png;base64," + base64.b64encode(png()).decode()
    body = {"references": [picture], "resolution": "1K", "aspect_ratio": "1:1"}
    gateways.key("aigateway", "sandbox-aigateway", refused=402)
    generation = ask(person, "after it", **body)
    assert generation.provider == "aigateway"
    ended(generation)
    assert {one.provider for one in generation.submissions.all()} <= {"aigateway", "threedai", "runware"}
    assert not gateways.requests("bytespike", "submit")


def test_a_gateway_that_cannot_be_reached_is_passed_over(
    person: Person, gateways: Control, engine: Net
) -> None:
    change("prospolabs", base_url="http://127.0.0.1:9")
    generation = ask(person, "over there")
    all_ended([generation], hours=0.01)

    told = story(gateways, generation)
    assert (told.status, told.delivered, told.charged, told.posts) == ("succeeded", 1, 14_000, 1)


def test_nobody_else_is_asked_while_the_first_may_have_begun(
    person: Person, gateways: Control, engine: Net
) -> None:
    asked = []
    for fault in (Fault.RESET_AFTER, Fault.STATUS_AFTER, Fault.HTML):
        gateways.fault(fault, gateway="prospolabs", prompt_contains=str(fault))
        asked.append(ask(person, f"lost by {fault}"))
    gateways.fault(Fault.REFUSED_CONTENT, gateway="prospolabs", prompt_contains="refused content")
    refused = ask(person, "refused content")
    all_ended([*asked, refused], hours=1)

    for generation in asked:
        assert story(gateways, generation) == Story("failed", "provider_lost", 0, 0, 14_000, 1)
    assert story(gateways, refused) == Story("failed", "content_refused", 0, 0, 0, 1)
    others = ("aigateway", "bytespike", "threedai", "runware")
    assert [gateways.count(provider) for provider in others] == [0, 0, 0, 0]


def test_a_second_account_at_the_same_gateway_takes_over(
    person: Person, gateways: Control, engine: Net
) -> None:
    ProviderAccount.objects.filter(provider="bytespike").update(source=Source.ADMIN)
    first = account_of("bytespike")
    second = ProviderAccount(
        provider="bytespike", name="the other", position=1, base_url=first.base_url, rpm=100_000
    )
    second.set_key("another-key-of-bytespike")
    second.save()
    gateways.key("bytespike", "sandbox-bytespike", refused=402)
    generation = ended(ask(person, provider="bytespike", count=5))

    assert (generation.status, generation.delivered, generation.charged) == ("succeeded", 5, 60_000)
    assert {line["key"] for line in gateways.bill("bytespike")} == {"pike"}
    assert [s.state for s in generation.submissions.filter(account=first)] == [SubmissionState.REFUSED] * 2
    again = ended(ask(person, "again", provider="bytespike"))
    assert only(again).account_id == second.id
    assert len(posts(gateways, again)) == 1


def test_where_everybody_is_paused_nothing_is_held(person: Person, gateways: Control, engine: Net) -> None:
    for account in ProviderAccount.objects.all():
        gateways.key(account.provider, f"sandbox-{account.provider}", refused=403)
    generation = ended(ask(person))
    assert story(gateways, generation).code == "provider_unavailable"
    for provider in ("bytespike", "threedai"):
        if not account_of(provider).pause_level:
            ended(ask(person, provider=provider))
    with pytest.raises(ProviderPaused):
        ask(person)
    assert person.wallet.held == 0


def test_what_began_at_a_bought_account_never_ends_in_a_sample(
    person: Person, gateways: Control, engine: Net
) -> None:
    ProviderAccount.objects.filter(provider="prospolabs").update(source=Source.ADMIN)
    gateways.key("prospolabs", "sandbox-prospolabs", refused=402)
    generation = ended(ask(person))
    assert (generation.provider, generation.sandbox) == ("prospolabs", False)
    assert story(gateways, generation) == Story("failed", "provider_unavailable", 0, 0, 0, 1)
    with pytest.raises(ProviderPaused, match=r"^Prospolabs cannot be used"):
        ask(person)


def test_a_sample_never_becomes_an_order_at_an_account_bought_meanwhile(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.key("bytespike", "sandbox-bytespike", refused=402)
    with transaction.atomic():  # the account is there before the sample is looked at
        generation = ask(person, provider="bytespike")
        bought = ProviderAccount(provider="bytespike", base_url=account_of("bytespike").base_url)
        bought.set_key("a-key-that-was-bought")
        bought.save()
    assert generation.sandbox
    assert story(gateways, ended(generation)) == Story("failed", "provider_unavailable", 0, 0, 0, 1)
    assert generation.submissions.count() == 1
    assert not ended(ask(person, "an order", provider="bytespike")).sandbox


def test_auto_does_not_queue_behind_a_gateway_that_asked_to_be_left_alone(person: Person) -> None:
    for provider, seconds in (("prospolabs", 60), ("bytespike", 5)):
        change(provider, paused_until=timezone.now() + timedelta(seconds=seconds))
    quoted = {one.provider: one for one in generate.quotes(asking.read({"prompt": "x"}))}
    waiting = quoted["prospolabs"]
    assert (waiting.open, waiting.retry_at) == (True, account_of("prospolabs").paused_until)
    assert waiting.seconds > 50
    assert ask(person).provider in {"aigateway", "runware"}
    assert ask(person, resolution="1K").provider == "bytespike", "a few seconds are no reason to pay more"
    assert ask(person, provider="prospolabs").provider == "prospolabs"


def test_what_waits_for_a_gateway_that_goes_down_goes_elsewhere(
    person: Person, gateways: Control, engine: Net
) -> None:
    for provider in ("prospolabs", "bytespike"):
        change(provider, max_in_flight=1)
        gateways.settings(provider, latency=3600)
    running = [ask(person, "first"), ask(person, "a small first", provider="bytespike")]
    for generation in running:
        in_state(generation, SubmissionState.RUNNING, SubmissionState.SENDING)
    waiting = [ask(person, f"waiting {number}") for number in range(3)]
    named = ask(person, "there or nowhere", provider="bytespike")
    change("prospolabs", pause_level=1, paused_until=timezone.now() + timedelta(minutes=5))
    change("bytespike", enabled=False)

    for generation in all_ended(waiting):
        assert generation.provider in {"aigateway", "runware"}
        assert (generation.status, generation.charged) == ("succeeded", 14_000)
    assert only(named).state == SubmissionState.PLANNED
    all_ended([named], hours=1)
    assert story(gateways, named) == Story("failed", "provider_unavailable", 0, 0, 0, 0)
    gateways.advance(3600)
    all_ended(running, hours=0.1)
