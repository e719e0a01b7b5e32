"""A call that was refused for now and goes out again: if the provider had it after all, that is kept too."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.db import transaction

from accounts import rows
from generations.actions import generate
from generations.engine import claiming, refusing, written
from generations.engine.net import Net
from generations.models import Generation, Submission, WebhookEvent
from generations.states import SubmissionState
from providers.errors import ProviderError, Reason
from providers.sandbox.client import Control
from providers.sandbox.faults import Fault
from providers.values import Accepted, Done, Failed
from tests.conftest import Person, ask, ended, eventually
from tests.engine.stage import (
    Story,
    all_ended,
    heard,
    in_state,
    looked_after,
    only,
    pass_time,
    posted,
    send,
    sent,
    story,
    turned_away,
)

_S = SubmissionState
PRICES = {"runware": 35_000, "prospolabs": 14_000}


def put_back(person: Person, gateways: Control, provider: str, **fields: Any) -> Generation:
    """Work that its gateway has begun, and said to be too busy for: it is to go out again in five minutes."""
    gateways.settings(provider, latency=3600)
    gateways.fault(Fault.STATUS_AFTER, gateway=provider, status=429, retry_after=300)
    generation = ask(person, provider=provider, **fields)
    assert turned_away(generation).state == _S.PLANNED
    return generation


def write(submission: Submission, told: dict[str, Any]) -> None:
    """As Prospolabs writes to a submission's secret path."""
    address = f"{settings.PUBLIC_URL}/hooks/prospolabs/{submission.webhook_token}"
    assert httpx.post(address, json=told, timeout=60).status_code == 200


@pytest.mark.parametrize("provider", ["runware", "prospolabs"])
def test_what_was_put_back_and_is_written_of_is_followed_and_not_sent_again(
    person: Person, gateways: Control, door_bell: None, engine: Net, provider: str
) -> None:
    generation = put_back(person, gateways, provider, count=2)
    gateways.advance(3600)
    all_ended([generation])
    pass_time(600)
    assert story(gateways, generation) == Story("succeeded", "", 2, 2 * PRICES[provider], 0, 1)
    assert gateways.totals(provider)["calls"] == 1
    assert person.wallet.held == 0


@pytest.mark.parametrize("second", ["answered", "lost", "on the wire"])
def test_what_was_sent_again_is_looked_after_beside_the_first_that_was_taken_on(
    person: Person, gateways: Control, door_bell: None, engine: Net, second: str
) -> None:
    generation = put_back(person, gateways, "prospolabs", count=2)
    if second == "lost":
        gateways.fault(Fault.RESET_AFTER, gateway="prospolabs")
    if second == "on the wire":
        gateways.fault(Fault.HANG, gateway="prospolabs", seconds=36_000)
    pass_time(400)
    posted(gateways, "prospolabs", 2)
    in_state(generation, {"answered": _S.RUNNING, "lost": _S.UNKNOWN, "on the wire": _S.SENDING}[second])
    gateways.advance(3600)
    eventually(lambda: WebhookEvent.objects.count() == 2, what="a word about each")
    if second == "on the wire":
        assert only(generation).state == _S.SENDING
        gateways.advance(36_000)
    eventually(lambda: Generation.objects.get(id=generation.id).delivered == 4, what="four pictures")
    ended(generation)
    assert story(gateways, generation) == Story("succeeded", "", 4, 28_000, 28_000, 2)
    parts = Submission.objects.filter(generation=generation)
    assert [(part.state, part.posts) for part in parts] == [(_S.DONE, 1), (_S.DONE, 1)]
    assert len({part.theirs for part in parts}) == 2
    assert (person.wallet.held, person.wallet.spent) == (0, 28_000)
    for part in parts:
        write(part, {"generation_id": "gen_of_nobody", "status": "processing"})
    assert parts.count() == 2, "no more requests are followed than were sent"


def test_one_that_was_put_back_and_called_off_brings_its_late_pictures_for_free(
    person: Person, gateways: Control, door_bell: None, engine: Net
) -> None:
    generation = put_back(person, gateways, "prospolabs")
    generate.cancel(principal=person.principal, generation_id=generation.id)
    assert story(gateways, generation) == Story("canceled", "", 0, 0, 0, 1)
    gateways.advance(3600)
    eventually(lambda: Generation.objects.get(id=generation.id).delivered == 1, what="the late picture")
    assert story(gateways, generation) == Story("canceled", "", 1, 0, 14_000, 1)
    assert (person.wallet.held, person.wallet.spent) == (0, 0)


@pytest.mark.parametrize("then", ["refused again", "lost"])
def test_a_word_that_the_first_one_failed_stops_nothing(
    person: Person, gateways: Control, door_bell: None, engine: Net, then: str
) -> None:
    gateways.fault(Fault.FAILS, gateway="prospolabs")
    generation = put_back(person, gateways, "prospolabs")
    gateways.advance(3600)
    eventually(lambda: WebhookEvent.objects.count() == 1, what="a word that it failed")
    if then == "lost":
        gateways.fault(Fault.RESET_AFTER, gateway="prospolabs")
        pass_time(400)
        in_state(generation, _S.UNKNOWN)
        looked_after(person, "aigateway", gateways)
        gateways.advance(3600)
    else:
        gateways.fault(Fault.RATE_LIMITED, gateway="prospolabs", retry_after=300)
        pass_time(400)
        eventually(lambda: only(generation).tries == 2, what="another refusal")
        gateways.settings("prospolabs", latency=0)
        pass_time(400)
    all_ended([generation])
    assert story(gateways, generation) == Story("succeeded", "", 1, 14_000, 0, 2 if then == "lost" else 3)


def test_a_word_that_was_kept_by_a_web_process_which_was_then_killed_is_read_before_it_is_sent_again(
    person: Person, gateways: Control, door_bell: None, engine: Net
) -> None:
    gateways.fault(Fault.WEBHOOK_MISSING, gateway="prospolabs")
    generation = put_back(person, gateways, "prospolabs")
    (task,) = gateways.bill("prospolabs")
    told = json.dumps({"generation_id": task["their_id"], "status": "processing"})
    WebhookEvent.objects.create(submission=only(generation), sha256="0" * 64, body=told.encode())
    pass_time(400)
    assert in_state(generation, _S.RUNNING).theirs == task["their_id"]
    gateways.advance(3600)
    write(only(generation), {"generation_id": task["their_id"], "status": "completed"})
    all_ended([generation])
    assert story(gateways, generation) == Story("succeeded", "", 1, 14_000, 0, 1)


def test_a_word_that_comes_while_the_refusal_is_being_recorded_is_followed(
    person: Person, gateways: Control, door_bell: None
) -> None:
    (submission,) = sent(person, count=1)
    with ThreadPoolExecutor(1) as beside:
        with transaction.atomic():
            heard(submission, Failed(Reason.RATE_LIMITED, retry_after=300.0), post=1)
            told = beside.submit(write, submission, {"generation_id": "gen_1", "status": "processing"})
            eventually(
                lambda: rows.read("SELECT 1 FROM pg_locks WHERE NOT granted"), what="a word that waits"
            )
        told.result()
    submission.refresh_from_db()
    assert (submission.state, submission.theirs) == (_S.RUNNING, "gen_1")


def test_whose_id_it_is_that_was_told_while_it_was_sent_again_the_answer_says(
    person: Person, gateways: Control, live: str
) -> None:
    (submission,) = sent(person, count=1)
    heard(submission, Failed(Reason.RATE_LIMITED), post=1)
    pass_time(60)
    send()
    heard(submission, Accepted("gen_1"))
    assert (submission.state, submission.theirs) == (_S.SENDING, None)
    assert not claiming.claim_submissions("another worker", 10), "it is in the hands of who has sent it"
    heard(submission, Accepted("gen_2"), post=2)
    assert (submission.state, submission.theirs) == (_S.RUNNING, "gen_2")
    for earlier in ("gen_1", "gen_2", "gen_of_nobody"):
        refusing.follow_apart(submission.id, earlier)
    parts = Submission.objects.filter(generation=submission.generation).order_by("id")
    assert [part.theirs for part in parts] == ["gen_2", "gen_1"], "as many as requests were sent"


def test_two_words_at_once_are_both_followed_whichever_is_asked_about_first(
    person: Person, gateways: Control, door_bell: None
) -> None:
    """The answer about one is recorded between the other's being kept and being read."""
    (submission,) = sent(person, count=1)
    heard(submission, Failed(Reason.RATE_LIMITED), post=1)
    pass_time(60)
    send()
    heard(submission, ProviderError(Reason.NO_ANSWER), post=2)
    assert (submission.state, submission.posts) == (_S.UNKNOWN, 2)
    for told in ("gen_1", "gen_2"):
        body = json.dumps({"generation_id": told, "status": "completed"}).encode()
        WebhookEvent.objects.create(submission=submission, sha256=told, body=body)
    as_it_was = only(submission.generation)
    heard(submission, Done((), theirs="gen_1"))
    written.follow_earlier_posts(as_it_was, as_it_was.account.adapter())
    parts = Submission.objects.filter(generation=submission.generation)
    assert {part.theirs for part in parts} == {"gen_1", "gen_2"}


def test_an_answer_says_what_a_word_in_the_meantime_was_about(
    person: Person, gateways: Control, door_bell: None, engine: Net
) -> None:
    """The same id twice is one request: a word that overtakes the answer makes no second one."""
    generation = put_back(person, gateways, "prospolabs")
    gateways.fault(Fault.WEBHOOK_EARLY, gateway="prospolabs")
    gateways.settings("prospolabs", latency=0)
    pass_time(400)
    all_ended([generation])
    assert story(gateways, generation) == Story("succeeded", "", 1, 14_000, 0, 2)
    assert only(generation).state == _S.DONE
    gateways.advance(3600)
    eventually(
        lambda: Generation.objects.get(id=generation.id).delivered == 2, what="the first one's picture"
    )
    assert story(gateways, generation) == Story("succeeded", "", 2, 14_000, 14_000, 2)


@pytest.mark.parametrize("provider", ["aigateway", "runware"])
def test_what_is_refused_again_and_again_goes_out_under_one_key_for_ever(
    person: Person, gateways: Control, provider: str
) -> None:
    """A gateway that refuses what it has taken on is not asked for another."""
    generation = ask(person, provider=provider)
    used = []
    for number in range(1, 6):
        pass_time(60)
        send()
        used.append(only(generation).ours)
        heard(only(generation), Failed(Reason.RATE_LIMITED, retry_after=1.0), post=number)
    assert used == [used[0]] * 5
