"""A provider that had the order after all: what it refused, failed or never told of is kept when it comes."""

from __future__ import annotations

import json
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import rows
from generations.engine import clock, sweeping
from generations.engine.net import Net
from generations.engine.routing import ProviderPaused
from generations.models import Generation
from generations.states import SubmissionState
from providers.errors import Reason
from providers.sandbox.client import Control
from providers.sandbox.faults import Fault
from providers.values import Accepted, Failed, Report, Running
from tests.conftest import Person, ask, ended, eventually
from tests.engine.stage import (
    Story,
    all_ended,
    change,
    heard,
    in_state,
    only,
    outlast,
    pass_time,
    sent,
    story,
)

_S = SubmissionState


@pytest.mark.parametrize("news", [Accepted("gen_1"), Running("gen_1", 10)])
@pytest.mark.parametrize("end", [Reason.INVALID_REQUEST, Reason.PROVIDER_FAILED])
def test_what_was_refused_or_failed_and_is_taken_on_after_all_is_asked_about(
    person: Person, gateways: Control, live: str, news: Report, end: Reason
) -> None:
    (first, second) = sent(person, count=7)
    heard(first, Failed(end), post=1)
    assert first.state in {_S.REFUSED, _S.FAILED}
    heard(first, news)
    assert (first.state, first.theirs, first.polls, first.reason) == (_S.RUNNING, "gen_1", 0, "")
    assert person.wallet.held == first.generation.quoted
    heard(first, Failed(end))
    heard(second, Failed(end), post=1)
    assert story(gateways, first.generation).status == "failed"
    assert person.wallet.held == 0

    heard(first, news)
    assert first.state == _S.RUNNING
    assert story(gateways, first.generation).status == "failed"


def test_what_was_put_back_and_then_refused_can_still_be_followed(
    person: Person, gateways: Control, live: str
) -> None:
    (submission,) = sent(person, count=1)
    heard(submission, Failed(Reason.RATE_LIMITED), post=1)
    pass_time(1801)
    sweeping.sweep()
    heard(submission, Accepted("gen_1"))
    assert submission.state == _S.RUNNING
    assert submission.sent_at is not None


def test_what_was_refused_and_is_written_of_later_comes_for_free(
    person: Person, gateways: Control, door_bell: None, engine: Net
) -> None:
    gateways.settings("prospolabs", latency=3600)
    gateways.fault(Fault.STATUS_AFTER, gateway="prospolabs", status=400)
    generation = ended(ask(person, provider="prospolabs", count=2))
    assert story(gateways, generation) == Story("failed", "invalid_parameter", 0, 0, 0, 1)
    gateways.advance(3600)
    eventually(lambda: Generation.objects.get(id=generation.id).delivered == 2)
    assert story(gateways, generation) == Story("failed", "invalid_parameter", 2, 0, 28_000, 1)
    assert all(asset.late for asset in generation.assets.all())
    assert (person.wallet.spent, person.wallet.held) == (0, 0)


@pytest.mark.parametrize("status", [400, 429])
def test_what_is_refused_and_has_been_written_of_already_is_looked_up(
    person: Person, gateways: Control, door_bell: None, engine: Net, status: int
) -> None:
    gateways.fault(Fault.WEBHOOK_EARLY, gateway="prospolabs")
    gateways.fault(Fault.STATUS_AFTER, gateway="prospolabs", status=status)
    generation = ended(ask(person, provider="prospolabs"))
    assert story(gateways, generation) == Story("succeeded", "", 1, 14_000, 0, 1)


def test_what_is_said_to_have_failed_and_is_written_of_with_pictures_is_asked_about_again(
    person: Person, gateways: Control, door_bell: None, engine: Net
) -> None:
    gateways.settings("prospolabs", latency=3600)
    generation = ask(person, provider="prospolabs")
    told = json.dumps({"generation_id": in_state(generation, _S.RUNNING).theirs, "status": "failed"})
    gateways.fault(Fault.STATUS, gateway="prospolabs", operation="poll", status=200, body=told)
    pass_time(4200)
    assert story(gateways, ended(generation)) == Story("failed", "provider_failed", 0, 0, 0, 1)
    gateways.advance(3600)
    eventually(lambda: Generation.objects.get(id=generation.id).delivered == 1)
    assert story(gateways, generation) == Story("failed", "provider_failed", 1, 0, 14_000, 1)


@pytest.mark.parametrize(("provider", "price"), [("runware", 35_000), ("prospolabs", 14_000)])
def test_what_was_written_is_the_last_word_where_asking_brings_nothing(
    person: Person, gateways: Control, door_bell: None, engine: Net, provider: str, price: int
) -> None:
    gateways.settings(provider, latency=0.3)
    gateways.fault(Fault.SERVER_ERROR, gateway=provider, operation="poll", times=None)
    generation = ask(person, provider=provider, count=3)
    eventually(lambda: only(generation).webhook_events.count() == (3 if provider == "runware" else 1))
    all_ended([generation], hours=1)
    assert story(gateways, generation) == Story("succeeded", "", 3, 3 * price, 0, 1)


AGAIN = "a second look-up that finds nothing"


def test_what_was_given_up_in_an_outage_is_found_by_our_id_and_never_ordered_again(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.fault(Fault.RESET_AFTER, gateway="runware")
    gateways.fault(Fault.BAD_GATEWAY, gateway="runware", operation="submit", times=None)
    gateways.fault(Fault.BAD_GATEWAY, gateway="runware", operation="poll", times=None)
    generation = ask(person, provider="runware")
    all_ended([generation], hours=1, in_step=True)
    assert story(gateways, generation).code == "provider_lost"
    assert only(generation).theirs is None
    ordered = only(generation).posts
    left = person.wallet.available

    def asked_again() -> bool:
        sweeping.sweep()
        moves = only(generation).moves
        return moves.filter(before=_S.UNKNOWN, after=_S.ABANDONED).count() >= 2

    outlast(asked_again, seconds=200, what=AGAIN, in_step=True)
    gateways.clear_faults()

    def kept() -> bool:
        sweeping.sweep()
        return generation.assets.filter(late=True).exists()

    outlast(kept, seconds=200, what="the late picture", in_step=True)
    assert story(gateways, generation).delivered == 1
    assert only(generation).posts == ordered
    assert gateways.totals("runware")["calls"] == 1
    assert person.wallet.available == left


def test_what_was_given_up_and_never_arrived_is_not_ordered_for_nobody(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.fault(Fault.RESET_BEFORE, gateway="runware")
    gateways.fault(Fault.BAD_GATEWAY, gateway="runware", operation="poll", times=None)
    generation = ask(person, provider="runware")
    in_state(generation, _S.UNKNOWN)
    change("runware", enabled=False)
    all_ended([generation], hours=1, in_step=True)
    change("runware", enabled=True)
    gateways.clear_faults()

    def asked_again() -> bool:
        sweeping.sweep()
        return only(generation).moves.filter(before=_S.UNKNOWN, after=_S.ABANDONED).count() >= 2

    outlast(asked_again, seconds=200, what=AGAIN, in_step=True)
    assert only(generation).posts == 1
    assert gateways.totals("runware")["calls"] == 0


def test_what_was_given_up_takes_no_place_of_new_work_while_it_is_asked_about_again(
    person: Person, gateways: Control, engine: Net
) -> None:
    change("bytespike", max_in_flight=1)
    gateways.fault(Fault.RESET_AFTER, gateway="bytespike")
    lost = ask(person, "lost", provider="bytespike")
    all_ended([lost], hours=0.1, in_step=True)
    change("bytespike", settings={"tasks_api": True})  # by which staff hope to find the next one again

    pass_time(200)
    sweeping.sweep()
    in_state(lost, _S.UNKNOWN)
    assert ended(ask(person, "new", provider="bytespike")).status == "succeeded"
    assert only(lost).state == _S.UNKNOWN


def test_a_machine_that_slept_asks_the_database_what_time_it_is(
    live: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ((right,),) = rows.read("SELECT clock_timestamp()")
    clock.tell(right - timedelta(hours=1), time.monotonic())
    assert clock.now() < right - timedelta(minutes=50)
    wall = time.time
    monkeypatch.setattr(time, "time", lambda: wall() + 3600)
    assert clock.now() >= right


@pytest.mark.parametrize("hours", [3, -3])
def test_a_wrong_clock_of_the_web_neither_ends_a_pause_nor_makes_one_nor_moves_a_deadline(
    person: Person, gateways: Control, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    right = timezone.now
    change("runware", pause_level=1, paused_until=right() + timedelta(hours=1))
    change("aigateway", pause_level=1, paused_until=right() - timedelta(seconds=1))
    monkeypatch.setattr(timezone, "now", lambda: right() + timedelta(hours=hours))
    with pytest.raises(ProviderPaused) as paused:
        ask(person, provider="runware")
    assert 3000 < (paused.value.retry_after or 0) <= 3600
    asked = ask(person, provider="aigateway")
    assert right() < asked.deadline_at < right() + timedelta(hours=1)
