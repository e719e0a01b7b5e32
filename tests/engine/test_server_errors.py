"""A server that fails, hangs or refuses: what it had begun is found or given up, and what it says is kept."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from generations.engine.net import Net
from generations.models import WebhookEvent
from generations.states import SubmissionState
from providers import registry
from providers.errors import Reason
from providers.sandbox.client import Control
from providers.sandbox.faults import Fault
from tests.conftest import Person, ask, ended
from tests.engine import conftest
from tests.engine.conftest import Forgive
from tests.engine.stage import PRICES, Story, account_of, all_ended, change, in_state, only, outlast, story
from tests.serving import serving

STATUSES = (408, 500, 502, 503, 520)
POLLED = ("threedai", "runware", "prospolabs", "bytespike")


def test_an_error_of_the_server_says_nothing_of_what_it_had_begun(
    person: Person, gateways: Control, engine: Net, forgive: Forgive
) -> None:
    forgive(lambda line: line["gateway"] == "bytespike")  # see below: what it promised not to bill
    asked = {}
    for provider in registry.ADAPTERS:
        for status in STATUSES:
            if status in account_of(provider).traits.busy:
                continue  # surely not begun, by its own word
            prompt = f"{provider} {status}"
            gateways.fault(Fault.STATUS_AFTER, gateway=provider, prompt_contains=prompt, status=status)
            asked[provider, status] = ask(person, prompt, provider=provider)
    all_ended(asked.values(), hours=1)

    for (provider, status), generation in asked.items():
        told, price = story(gateways, generation), PRICES[provider]
        if provider in {"aigateway", "runware"}:
            sent = 2 if provider == "aigateway" else 1
            assert told == Story("succeeded", "", 1, price, 0, sent), (provider, status)
        else:
            free = status in account_of(provider).traits.unbilled
            code, taken = ("provider_failed", 0) if free else ("provider_lost", price)
            assert told == Story("failed", code, 0, 0, taken, 1), (provider, status)
    assert person.wallet.held == 0
    for provider in registry.ADAPTERS:
        assert gateways.totals(provider)["calls"] == len([one for one in asked if one[0] == provider])


@pytest.mark.parametrize("fault", [Fault.RESET_BEFORE, Fault.HANG])
def test_twenty_questions_that_are_cut_or_never_answered_only_make_it_late(
    person: Person, gateways: Control, engine: Net, fault: Fault
) -> None:
    change("bytespike", settings={"tasks_api": True})
    asked = []
    for provider in POLLED:
        gateways.settings(provider, latency=3600)
        asked.append(ask(person, f"to {provider}", provider=provider))
    for generation in asked:
        in_state(generation, SubmissionState.RUNNING)
    hour = timezone.now() + timedelta(hours=1)
    for provider in POLLED:  # the paid call itself had all the time it wanted
        change(provider, settings={"call_timeout": 1}, pause_level=1, paused_until=hour)
        gateways.fault(fault, gateway=provider, operation="poll", times=20, seconds=3600)
    gateways.advance(3600)
    all_ended(asked)

    for generation in asked:
        assert story(gateways, generation) == Story("succeeded", "", 1, generation.quoted, 0, 1), generation
        assert len(gateways.requests(generation.provider, "poll")) > 20
    levels = {provider: account_of(provider).pause_level for provider in POLLED}
    assert set(levels.values()) == {1}, "new work keeps away, and what runs is asked about all the same"


def test_what_a_gateway_refused_is_kept_in_its_words_without_our_key(
    person: Person, gateways: Control, engine: Net
) -> None:
    asked = []
    for provider in registry.ADAPTERS:
        words = f"seed 7 is too odd for the key sandbox-{provider}"
        body = json.dumps({"error": {"code": "invalid_seed", "message": words}})
        gateways.fault(
            Fault.STATUS, gateway=provider, status=422, body=body, type="application/json", times=1
        )
        asked.append(ask(person, f"to {provider}", provider=provider))
    for generation in all_ended(asked):
        assert story(gateways, generation) == Story("failed", "invalid_parameter", 0, 0, 0, 1)
        assert generation.failure == Reason.INVALID_REQUEST.sentence
        submission = only(generation)
        assert submission.state == SubmissionState.REFUSED
        assert submission.http_status == 422
        for kept in (submission.detail, submission.raw):
            assert "seed 7 is too odd for the key [key]" in kept
            assert "sandbox-" not in kept
    assert person.wallet.held == 0


@pytest.mark.parametrize(
    "link",
    [
        "https://files.example/a.png?Expires=1&Signature=TellTale",
        r"https://files.example/a.png?Expires=1\u0026Signature=TellTale",  # as Go writes it
        r"https:\/\/files.example\/a.png?X-Amz-Signature=Tell\/TellTale",  # as PHP does
        r"https:\\/\\/files.example\\/a.png?Expires=1\\u0026Signature=TellTale",  # quoted once more
    ],
)
def test_a_signed_link_is_kept_without_its_signature_however_it_is_written(
    person: Person, gateways: Control, engine: Net, link: str
) -> None:
    body = f'{{"error": {{"code": "invalid_seed", "message": "see {link}", "param": "after"}}}}'
    gateways.fault(Fault.STATUS, status=422, body=body, type="application/json", times=1)
    kept = only(ended(ask(person))).raw
    assert "a.png?…" in kept
    assert "TellTale" not in kept
    assert '"param": "after"' in kept


def test_an_answer_that_begins_a_thousand_links_and_ends_none_is_kept_at_once(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.fault(Fault.STATUS, status=422, body='"' + "http://" * 25_000, type="text/plain", times=1)
    assert only(ended(ask(person))).raw.startswith('"http://http://')


@pytest.fixture
def door_bell(gateways: Control, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Our web application where the gateways can reach it; without it nobody would ask for an hour."""
    monkeypatch.setattr(conftest, "PACE", (3600.0, 3600.0))
    with serving(settings):
        yield


@pytest.mark.parametrize("provider", ["prospolabs", "bytespike"])
def test_the_one_word_that_came_before_the_answer_is_heard(
    person: Person, gateways: Control, door_bell: None, engine: Net, provider: str
) -> None:
    change("bytespike", settings={"tasks_api": True})
    gateways.fault(Fault.WEBHOOK_EARLY, gateway=provider)
    generation = ended(ask(person, provider=provider))
    assert story(gateways, generation) == Story("succeeded", "", 1, PRICES[provider], 0, 1)
    assert WebhookEvent.objects.get(submission__generation=generation).times == 1


def test_a_status_nobody_knows_is_taken_for_going_on_and_staff_are_told_once(
    person: Person, gateways: Control, engine: Net, caplog: pytest.LogCaptureFixture
) -> None:
    change("bytespike", settings={"tasks_api": True})
    gateways.switch("aig.async_images", True)
    asked = []
    for provider in registry.ADAPTERS:
        gateways.settings(provider, latency=3600)
        gateways.fault(Fault.UNKNOWN_STATUS, gateway=provider, times=None, word="Reviewing")
        asked.append(ask(person, f"to {provider}", provider=provider))
    for generation in asked:
        provider = generation.provider
        outlast(lambda: "eviewing" in only(generation).raw, seconds=0)  # noqa: B023 - called at once
        before = len(gateways.requests(provider, "poll"))
        outlast(lambda: len(gateways.requests(provider, "poll")) > before + 1, seconds=0)  # noqa: B023
        assert only(generation).state == SubmissionState.RUNNING
        assert only(generation).detail.lower().startswith("reviewing: a status that is not known")
    assert person.wallet.held == sum(generation.quoted for generation in asked)
    said = [text for text in map(logging.LogRecord.getMessage, caplog.records) if "not known here" in text]
    assert sorted(text.split()[0] for text in said) == sorted(registry.ADAPTERS)

    gateways.clear_faults()
    gateways.advance(3600)
    for generation in all_ended(asked):
        assert story(gateways, generation) == Story("succeeded", "", 1, generation.quoted, 0, 1), generation
