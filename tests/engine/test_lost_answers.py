"""A paid POST whose answer was lost: found again where it can be, and never sent or charged blindly."""

from __future__ import annotations

import base64
from collections.abc import Collection
from io import BytesIO
from typing import Any

from PIL import Image

from generations.engine.net import Net
from generations.models import Generation, Move
from generations.states import SubmissionState
from providers import registry
from providers.sandbox.client import Control
from providers.sandbox.faults import Fault
from tests.conftest import Person, ask, ended, eventually
from tests.engine.conftest import Forgive
from tests.engine.stage import PRICES, Story, account_of, all_ended, change, in_state, only, posts, story

LOSSES: dict[Fault, dict[str, Any]] = {
    Fault.HANG: {},
    Fault.RESET_AFTER: {},
    Fault.STATUS_AFTER: {"status": 504},
    Fault.HTML: {},
    Fault.TRUNCATED: {"percent": 10},
    Fault.SHORT_BODY: {"percent": 10},
    Fault.EMPTY_BODY: {},
}
"""The work is done and charged there; what is said about it, whose id it is too, never arrives."""


def lose(person: Person, control: Control, provider: str, fault: Fault, **args: Any) -> Generation:
    prompt = f"{provider} {fault}"
    control.fault(fault, gateway=provider, prompt_contains=prompt, **args)
    return ask(person, prompt, provider=provider)


def lose_everything(
    person: Person, control: Control, providers: Collection[str]
) -> dict[tuple[str, Fault], Generation]:
    """A call for each way to lose its answer. Only those that hang are given up after a moment:

    on a slow machine another answer, that does come, would be lost as well.
    """
    asked = {}
    for provider in providers:
        change(provider, settings={"call_timeout": 3})
        asked[provider, Fault.HANG] = lose(person, control, provider, Fault.HANG)
    given_up = Move.objects.filter(generation__in=asked.values(), after=SubmissionState.UNKNOWN)
    eventually(lambda: given_up.count() == len(asked), what="the end of patience")
    for provider in providers:
        change(provider, settings={"call_timeout": None})
        for fault, args in LOSSES.items():
            if fault is not Fault.HANG:
                asked[provider, fault] = lose(person, control, provider, fault, **args)
    return asked


def test_a_lost_answer_is_won_back_or_written_off_and_never_ordered_twice(
    person: Person, gateways: Control, engine: Net, forgive: Forgive
) -> None:
    # Bytespike promises in writing not to bill this status; what it took all the same is its to give back.
    unbilled = f"bytespike {Fault.STATUS_AFTER}"
    before = person.wallet.available
    asked = lose_everything(person, gateways, registry.ADAPTERS)
    forgive(lambda line: line["their_id"] == _bill_of(gateways, unbilled))
    all_ended(asked.values(), hours=1, within=180)

    found = {key: story(gateways, generation) for key, generation in asked.items()}
    for (provider, fault), told in found.items():
        price = PRICES[provider]
        if provider in {"aigateway", "runware"}:
            sent = 2 if provider == "aigateway" else 1
            assert told == Story("succeeded", "", 1, price, 0, sent), (provider, fault)
        else:
            free = f"{provider} {fault}" == unbilled
            code, taken = ("provider_failed", 0) if free else ("provider_lost", price)
            assert told == Story("failed", code, 0, 0, taken, 1), (provider, fault)
            assert only(asked[provider, fault]).state == SubmissionState.ABANDONED
    charged = len(LOSSES) * (PRICES["aigateway"] + PRICES["runware"])
    assert (person.wallet.available, person.wallet.held) == (before - charged, 0)
    for provider in registry.ADAPTERS:
        assert gateways.totals(provider)["calls"] == len(LOSSES)


def test_an_answer_that_breaks_off_behind_its_id_has_said_enough(
    person: Person, gateways: Control, engine: Net
) -> None:
    orders = [
        (provider, fault)
        for provider in ("threedai", "prospolabs")
        for fault in (Fault.TRUNCATED, Fault.SHORT_BODY, Fault.CLOSED_EARLY)
    ]
    asked = {order: lose(person, gateways, *order, percent=90) for order in orders}
    all_ended(asked.values(), hours=1)
    for (provider, fault), generation in asked.items():
        told = story(gateways, generation)
        assert told == Story("succeeded", "", 1, PRICES[provider], 0, 1), (provider, fault)


def test_of_an_answer_that_breaks_off_its_pictures_are_kept_where_nobody_can_be_asked_again(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.fault(Fault.CLOSED_EARLY, gateway="bytespike", percent=97)
    generation = ask(person, "four", provider="bytespike", count=4)
    all_ended([generation], hours=1)
    price = PRICES["bytespike"]
    assert story(gateways, generation) == Story("succeeded", "", 3, 3 * price, price, 1)
    assert only(generation).raw.count("http") == 4


def test_an_answer_of_which_nothing_can_be_used_is_kept_as_evidence(
    person: Person, gateways: Control, engine: Net, forgive: Forgive
) -> None:
    gateways.fault(Fault.SHORT_BODY, gateway="bytespike", percent=30)
    generation = ask(person, provider="bytespike")
    submission = in_state(generation, SubmissionState.UNKNOWN)
    assert (submission.raw[:10], submission.http_status) == ('{"created"', None)


def _bill_of(control: Control, prompt: str) -> str:
    """The id of the bill's line for the one call that hung on this prompt."""
    notes = control.requests("bytespike", "submit")
    return str(control.bill("bytespike")[[note["prompt"] for note in notes].index(prompt)]["their_id"])


def test_while_it_is_looked_up_credits_stay_held_and_staff_see_what_came_back(
    person: Person, gateways: Control, engine: Net
) -> None:
    silent = lose(person, gateways, "threedai", Fault.RESET_AFTER)
    garbled = lose(person, gateways, "prospolabs", Fault.HTML)
    in_state(silent, SubmissionState.UNKNOWN)
    unreadable = in_state(garbled, SubmissionState.UNKNOWN)

    for generation in (silent, garbled):
        generation.refresh_from_db()
        assert generation.status == "unresolved"
    assert person.wallet.held == silent.quoted + garbled.quoted
    assert (unreadable.http_status, "<html>" in unreadable.raw) == (200, True)
    all_ended([silent, garbled], hours=1)
    assert person.wallet.held == 0


def test_the_second_post_is_the_first_one_byte_for_byte(
    person: Person, gateways: Control, engine: Net
) -> None:
    file = BytesIO()
    Image.new("RGB", (640, 640), (200, 30, 30)).save(file, "PNG")
    picture = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    for prompt in ("a plain one", "one with pictures"):
        gateways.fault(Fault.RESET_AFTER, gateway="aigateway", prompt_contains=prompt)
    plain = ask(person, "a plain one", provider="aigateway")
    form = ask(person, "one with pictures", provider="aigateway", references=[picture, picture])
    all_ended([plain, form], hours=1)

    for generation in (plain, form):
        first, second = posts(gateways, generation)
        assert first["body_sha256"] == second["body_sha256"]
        names = ("content-type", "idempotency-key", "authorization")
        headers = [{k.lower(): v for k, v in note["headers"].items()} for note in (first, second)]
        assert [headers[0][name] for name in names] == [headers[1][name] for name in names]
        assert story(gateways, generation) == Story("succeeded", "", 1, 35_000, 0, 2)
    assert gateways.totals("aigateway")["calls"] == 2


def test_what_was_sent_without_our_key_is_not_sent_with_it_when_staff_change_the_account(
    person: Person, gateways: Control, engine: Net
) -> None:
    generation = lose(person, gateways, "bytespike", Fault.RESET_AFTER)
    in_state(generation, SubmissionState.UNKNOWN)
    change("bytespike", settings={"tasks_api": True})

    all_ended([generation], hours=1)
    assert story(gateways, generation) == Story("failed", "provider_lost", 0, 0, 12_000, 1)
    assert gateways.totals("bytespike")["calls"] == 1


def test_what_was_sent_with_one_key_is_not_sent_with_another_that_may_be_another_account(
    person: Person, gateways: Control, engine: Net
) -> None:
    generation = lose(person, gateways, "aigateway", Fault.RESET_AFTER)
    in_state(generation, SubmissionState.UNKNOWN)
    account = account_of("aigateway")
    account.set_key("sandbox-another")
    account.save()

    all_ended([generation], hours=1)
    assert story(gateways, generation) == Story("failed", "provider_lost", 0, 0, 35_000, 1)
    assert gateways.totals("aigateway")["calls"] == 1


def test_a_request_that_never_arrived_goes_out_again_only_where_the_gateway_keeps_our_key(
    person: Person, gateways: Control, engine: Net
) -> None:
    asked = {provider: lose(person, gateways, provider, Fault.RESET_BEFORE) for provider in registry.ADAPTERS}
    all_ended(asked.values(), hours=1)

    for provider in ("aigateway", "runware"):
        assert story(gateways, asked[provider]) == Story("succeeded", "", 1, 35_000, 0, 2)
        assert gateways.totals(provider)["calls"] == 1
    for provider in ("bytespike", "threedai", "prospolabs"):
        # Nobody can tell that it was never accepted, so the platform reckons with the worst.
        told = Story("failed", "provider_lost", 0, 0, PRICES[provider], 1)
        assert story(gateways, asked[provider]) == told
        assert gateways.totals(provider)["calls"] == 0


def test_bytespikes_tasks_api_finds_a_lost_answer_by_our_id(
    person: Person, gateways: Control, engine: Net
) -> None:
    change("bytespike", settings={"tasks_api": True})
    asked = lose_everything(person, gateways, ["bytespike"])
    all_ended(asked.values())

    for generation in asked.values():
        assert story(gateways, generation) == Story("succeeded", "", 1, 12_000, 0, 1)
    assert gateways.totals("bytespike")["calls"] == len(LOSSES)


def test_a_whole_answer_is_taken_though_its_length_promises_more(
    person: Person, gateways: Control, engine: Net
) -> None:
    providers = registry.ADAPTERS
    asked = [lose(person, gateways, provider, Fault.LONG_LENGTH) for provider in providers]
    refused = "a refusal that does not end"
    gateways.fault(Fault.LONG_LENGTH, gateway="bytespike", prompt_contains=refused)
    gateways.fault(Fault.REFUSED_CONTENT, gateway="bytespike", prompt_contains=refused)
    doubtful = ask(person, refused, provider="bytespike")
    all_ended(asked)

    for generation in asked:
        told = story(gateways, generation)
        assert told == Story("succeeded", "", 1, generation.quoted, 0, 1), generation
    in_state(doubtful, SubmissionState.UNKNOWN)


def test_a_failure_that_does_not_end_is_asked_about_by_the_id_it_names(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.fault(Fault.LONG_LENGTH, gateway="prospolabs", operation="submit")
    gateways.fault(Fault.FAILS, gateway="prospolabs")
    generation = ask(person, provider="prospolabs", delivery="sync")
    all_ended([generation])
    assert story(gateways, generation) == Story("failed", "provider_failed", 0, 0, 0, 1)


def test_an_id_that_belongs_to_another_call_is_not_believed(
    person: Person, gateways: Control, engine: Net
) -> None:
    first = ended(ask(person, "the first", provider="threedai"))
    gateways.fault(Fault.REUSED_ID, gateway="threedai")
    second = ask(person, "the second", provider="threedai")
    submission = in_state(second, SubmissionState.UNKNOWN)

    assert submission.theirs is None
    assert "belongs to another" in submission.moves.get(after="unknown").why
    assert person.wallet.held == second.quoted
    all_ended([second], hours=1)
    assert story(gateways, second) == Story("failed", "provider_lost", 0, 0, 40_000, 1)
    assert story(gateways, first) == Story("succeeded", "", 1, 40_000, 0, 1)


def test_a_stranger_answer_is_understood_as_far_as_it_can_be(
    person: Person, gateways: Control, engine: Net
) -> None:
    asked = []
    for provider in registry.ADAPTERS:
        for fault in (Fault.EXTRA_FIELDS, Fault.NULLS):
            asked.append(lose(person, gateways, provider, fault))
    for provider in ("threedai", "runware", "prospolabs"):
        prompt = f"{provider} new word"
        gateways.fault(Fault.UNKNOWN_STATUS, gateway=provider, prompt_contains=prompt, times=3)
        asked.append(ask(person, prompt, provider=provider))
    all_ended(asked)

    for generation in asked:
        told = story(gateways, generation)
        assert told == Story("succeeded", "", 1, generation.quoted, 0, 1), generation
    assert account_of("runware").pause_level == 0
