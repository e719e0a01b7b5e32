"""Work that nobody can bring to its end ends all the same, its credits come back, and it blocks nobody."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from django.utils import timezone

from generations.actions import uploads
from generations.engine import keeping, pace, sweeping
from generations.engine.media import Media
from generations.engine.net import Net
from generations.engine.persistence import in_transaction
from generations.models import Generation, Move, Submission, WebhookEvent
from generations.states import SubmissionState
from generations.storage import originals
from providers.models import ProviderAccount
from providers.sandbox.client import Control
from providers.sandbox.faults import Fault
from tests.conftest import Person, ask, ended, eventually, png
from tests.engine.conftest import Start
from tests.engine.stage import (
    Story,
    account_of,
    all_ended,
    change,
    in_state,
    only,
    outlast,
    pass_time,
    polled,
    posted,
    posts,
    story,
)

REFUSED = Story("failed", "reference_unavailable", 0, 0, 0, 0)


def building_on_a_picture(person: Person) -> tuple[Generation, str]:
    """Work that builds on a picture of the library, and where that picture is kept."""
    picture = uploads.upload(
        principal=person.principal, project_id=person.project.id, chunks=[png()], name="a cat"
    )
    generation = ask(person, "builds on it", provider="runware", references=[f"asset:{picture.id}"])
    return generation, picture.storage_key


def test_a_picture_that_is_gone_refuses_what_builds_on_it(
    person: Person, gateways: Control, loops: Start
) -> None:
    generation, key = building_on_a_picture(person)
    originals().delete(key)
    loops(Net())
    assert story(gateways, ended(generation)) == REFUSED
    assert "can no longer be read" in Generation.objects.get(id=generation.id).failure


def test_a_picture_that_cannot_be_read_now_is_waited_for_until_the_deadline(
    person: Person, gateways: Control, loops: Start, tmp_path: Path
) -> None:
    folder, aside = tmp_path / "pictures", tmp_path / "unmounted"
    originals().mark("tests")
    waiting, _ = building_on_a_picture(person)
    keeping.see_the_mark()
    folder.rename(aside)
    folder.mkdir()
    loops(Net(), Media())
    outlast(lambda: only(waiting).fence >= 3, seconds=1)
    folder.rmdir()
    aside.rename(folder)
    all_ended([waiting], hours=0.01)
    assert story(gateways, waiting) == Story("succeeded", "", 1, 35_000, 0, 1)


def test_a_picture_that_cannot_be_read_by_the_deadline_refuses_what_builds_on_it(
    person: Person, gateways: Control, loops: Start, tmp_path: Path
) -> None:
    originals().mark("tests")
    generation, _ = building_on_a_picture(person)
    keeping.see_the_mark()
    (tmp_path / "pictures").rename(tmp_path / "unmounted")
    pass_time(1801)
    loops(Net())
    assert story(gateways, ended(generation)) == REFUSED
    assert "mount" in only(generation).moves.get(after=SubmissionState.REFUSED).why


def test_a_call_whose_provider_never_answers_about_it_is_written_off(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.fault(Fault.RESET_AFTER, gateway="prospolabs")
    gateways.fault(Fault.SERVER_ERROR, gateway="prospolabs", operation="poll", times=None)
    generation = ask(person, provider="prospolabs")
    submission = in_state(generation, SubmissionState.UNKNOWN)
    told = json.dumps({"generation_id": "gen_1", "status": "processing"}).encode()
    WebhookEvent.objects.create(submission=submission, sha256="0" * 64, body=told)
    all_ended([generation], hours=1)
    assert story(gateways, generation) == Story("failed", "provider_lost", 0, 0, 14_000, 1)


def test_a_provider_that_goes_on_when_it_is_told_to_stop_is_left_to_it(
    person: Person, gateways: Control, engine: Net
) -> None:
    change("bytespike", settings={"tasks_api": True}, max_in_flight=1)
    gateways.fault(Fault.NEVER_FINISHES, gateway="bytespike", prompt_contains="for ever")
    going_on = json.dumps({"task_id": "x", "status": "processing"})
    gateways.fault(
        Fault.STATUS, gateway="bytespike", operation="cancel", status=200, times=None, body=going_on
    )
    generation = ask(person, "for ever", provider="bytespike")
    in_state(generation, SubmissionState.RUNNING)
    polled(generation, 2)
    other = ask(person, "another", provider="bytespike")
    pass_time(1300)
    ended(generation)
    ended(other)
    eventually(lambda: gateways.requests("bytespike", "cancel"))
    moves = Move.objects.filter(submission=only(generation))
    assert [move.after for move in moves.order_by("id")][-1] == SubmissionState.ABANDONED
    assert story(gateways, other) == Story("succeeded", "", 1, 12_000, 0, 1)
    assert moves.filter(after=SubmissionState.ABANDONED).count() == 1


def test_a_repeated_request_that_is_turned_away_leads_nowhere_else(
    person: Person, gateways: Control, engine: Net
) -> None:
    for provider in ("prospolabs", "bytespike", "threedai", "runware"):
        change(provider, enabled=False)
    gateways.fault(Fault.RESET_AFTER, gateway="aigateway")
    generation = ask(person, "twice")
    in_state(generation, SubmissionState.UNKNOWN)
    change("runware", enabled=True)
    gateways.fault(Fault.STATUS, gateway="aigateway", operation="submit", status=404, times=1)
    all_ended([generation], hours=0.5)
    assert story(gateways, generation) == Story("succeeded", "", 1, 35_000, 0, 3)
    assert {note["gateway"] for note in posts(gateways, generation)} == {"aigateway"}
    assert gateways.totals("aigateway")["calls"] == 1


def test_a_request_that_was_answered_with_an_error_is_repeated_soon_where_our_key_is_kept(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.fault(Fault.SERVER_ERROR, gateway="aigateway", times=2)
    generation = ask(person, provider="aigateway")
    in_state(generation, SubmissionState.UNKNOWN)
    for times in (2, 3):
        pass_time(16)
        posted(gateways, "aigateway", times)
    assert story(gateways, ended(generation)) == Story("succeeded", "", 1, 35_000, 0, 3)


def test_years_of_refused_keys_pause_an_account_for_ten_minutes(person: Person, gateways: Control) -> None:
    change("bytespike", pause_level=32_767)
    account = account_of("bytespike")
    for _ in range(2):
        in_transaction(partial(pace.pause, account.id, "a refused key"))
        pass_time(601)
    account.refresh_from_db()
    assert account.paused_until is not None
    assert account.paused_until < timezone.now()


def test_what_waits_for_a_full_account_ends_at_its_deadline(
    person: Person, gateways: Control, engine: Net
) -> None:
    change("bytespike", max_in_flight=1)
    gateways.settings("bytespike", latency=3600)
    first = ask(person, "first", provider="bytespike")
    posted(gateways, "bytespike", 1)
    second = ask(person, "second", provider="bytespike")
    sweeping.sweep()
    assert only(second).state == SubmissionState.PLANNED
    pass_time(1801)
    sweeping.sweep()
    assert story(gateways, second) == Story("failed", "provider_busy", 0, 0, 0, 0)
    gateways.advance(3600)
    ended(first)


@pytest.mark.parametrize("provider", ["runware", "bytespike"])
def test_an_account_whose_key_cannot_be_opened_holds_nothing_for_ever(
    person: Person, gateways: Control, engine: Net, provider: str
) -> None:
    gateways.settings("runware", latency=3600)
    gateways.fault(Fault.RESET_AFTER, gateway="bytespike")
    generation = ask(person, provider=provider)
    in_state(generation, SubmissionState.RUNNING, SubmissionState.UNKNOWN)
    sealed = account_of(provider).sealed_key
    change(provider, sealed_key="nonsense")
    rests = Submission.objects.filter(due_at__gt=timezone.now() + timedelta(seconds=30))
    eventually(rests.exists, what="a look that finds the key shut")
    pass_time(3600)
    eventually(rests.exists, what="another look, which must not be about to rest when a day has passed")
    if provider == "runware":
        assert not Generation.objects.get(id=generation.id).ended
    pass_time(24 * 3600)
    ended(generation)
    assert story(gateways, generation).code == "provider_lost"
    assert person.wallet.held == 0
    change(provider, sealed_key=sealed)


def test_a_disabled_account_holds_nothing_for_ever(person: Person, gateways: Control, engine: Net) -> None:
    gateways.fault(Fault.RESET_BEFORE, gateway="aigateway")
    generation = ask(person, provider="aigateway")
    in_state(generation, SubmissionState.UNKNOWN)
    change("aigateway", enabled=False)
    all_ended([generation], hours=1)
    assert story(gateways, generation) == Story("failed", "provider_lost", 0, 0, 35_000, 1)


def test_a_probe_that_is_refused_for_its_prompt_ends_the_pause(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.fault(Fault.REFUSED_CONTENT, gateway="bytespike")
    change("bytespike", pause_level=3, paused_until=timezone.now() - timedelta(seconds=1))
    assert ended(ask(person, "not allowed", provider="bytespike")).error_code == "content_refused"
    assert account_of("bytespike").pause_level == 0
    assert ended(ask(person, "allowed", provider="bytespike")).status == "succeeded"


def _shifted(clock: Callable[[], datetime], by: timedelta) -> datetime:
    return clock() + by


def test_a_wrong_clock_of_a_worker_neither_gives_up_work_nor_holds_it_back(
    person: Person, gateways: Control, engine: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = timezone.now
    for hours in (3, -3):
        gateways.settings("runware", latency=3600)
        running = ask(person, f"{hours} h wrong", provider="runware")
        in_state(running, SubmissionState.RUNNING)
        gateways.fault(Fault.RATE_LIMITED, gateway="bytespike", retry_after=2)
        refused = ask(person, f"{hours} h wrong, refused", provider="bytespike")
        wrong = timedelta(hours=hours)
        monkeypatch.setattr(timezone, "now", partial(_shifted, right, wrong))
        polled(running, only(running).polls + 3)
        all_ended([refused], hours=0.05)
        monkeypatch.setattr(timezone, "now", right)
        gateways.advance(3600)
        gateways.settings("runware", latency=0)
        assert ended(running).status == "succeeded"
        assert ended(refused).status == "succeeded"
    assert not ProviderAccount.objects.filter(paused_until__gt=timezone.now() + timedelta(hours=1))


@pytest.mark.parametrize(("status", "code"), [(500, "provider_timeout"), (404, "provider_lost")])
def test_what_was_given_up_in_an_outage_is_found_when_the_provider_is_back(
    person: Person, gateways: Control, engine: Net, status: int, code: str
) -> None:
    gateways.settings("threedai", latency=60)
    gateways.fault(Fault.STATUS, gateway="threedai", operation="poll", status=status, times=None)
    gateways.fault(Fault.STATUS, gateway="threedai", operation="cancel", status=status, times=None)
    generation = ask(person, provider="threedai")
    in_state(generation, SubmissionState.RUNNING)
    all_ended([generation], hours=1)
    left = person.wallet.available

    gateways.clear_faults()
    gateways.advance(120)

    def kept() -> bool:
        pass_time(1200)
        sweeping.sweep()
        return generation.assets.filter(late=True).exists()

    eventually(kept, what="the late picture")
    assert story(gateways, generation) == Story("failed", code, 1, 0, 40_000, 1)
    assert person.wallet.available == left
