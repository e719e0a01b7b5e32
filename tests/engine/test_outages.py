"""Hosts, stores and disks that are away for longer than anybody is patient: what is paid for waits."""

from __future__ import annotations

import base64
import socket
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from generations.engine import claiming, clock, keeping
from generations.engine.media import Media
from generations.engine.net import Net
from generations.models import Result
from generations.states import ResultState
from generations.storage import StorageUnavailable, originals
from providers.sandbox.client import Control
from providers.sandbox.faults import Fault
from tests.conftest import Person, ask, ended, eventually, png
from tests.engine.conftest import Start
from tests.engine.stage import Story, all_ended, expire_leases, only, outlast, pass_time, posted, story

DAY = 24 * 3600.0
FOR_LONG = 36
"""Tries: more than any result is ever given that is itself to blame."""


def asked_for(control: Control, provider: str, times: int) -> None:
    """Until a picture has been asked for so often, however long that takes."""
    outlast(lambda: len(control.requests(provider, "file")) >= times, what=f"{times} downloads")


@pytest.fixture
def marked(gateways: Control) -> None:
    """A store that bears a mark, as every deployment's does."""
    originals().mark("tests")


@pytest.mark.parametrize(
    ("fault", "args"),
    [(Fault.FILE_STATUS, {"status": 503}), (Fault.RESET_BEFORE, {"operation": "file"})],
)
def test_a_file_host_that_is_away_makes_a_picture_late_and_costs_no_try(
    person: Person, gateways: Control, engine: Net, fault: Fault, args: dict[str, Any]
) -> None:
    gateways.fault(fault, gateway="runware", times=None, **args)
    generation = ask(person, provider="runware")
    asked_for(gateways, "runware", FOR_LONG)
    assert Result.objects.get().tries == 0
    gateways.clear_faults()
    gateways.fault(Fault.FILE_STATUS, gateway="runware", status=404, times=4)
    all_ended([generation], hours=0.1)
    assert story(gateways, generation) == Story("succeeded", "", 1, 35_000, 0, 1)


def test_a_file_host_that_stays_away_is_given_up_when_the_link_is_dead(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.fault(Fault.FILE_STATUS, gateway="bytespike", status=503, times=None)
    generation = ask(person, provider="bytespike")
    asked_for(gateways, "bytespike", 3)
    pass_time(DAY + 1)
    outlast(lambda: not Result.objects.filter(state=ResultState.PENDING))
    assert story(gateways, ended(generation)) == Story("failed", "result_expired", 0, 0, 12_000, 1)


def test_a_store_that_is_away_for_hours_loses_no_picture(
    person: Person, gateways: Control, engine: Net, tmp_path: Path
) -> None:
    (tmp_path / "pictures").write_text("no folder")
    generation = ask(person, provider="runware")
    asked_for(gateways, "runware", FOR_LONG)
    assert Result.objects.get().tries == 0
    (tmp_path / "pictures").unlink()
    all_ended([generation], hours=0.1)
    assert story(gateways, generation) == Story("succeeded", "", 1, 35_000, 0, 1)


def test_a_store_that_is_away_while_originals_are_decoded_costs_no_try(
    person: Person, gateways: Control, loops: Start, tmp_path: Path, marked: None
) -> None:
    loops(Net())
    generation = ask(person, provider="runware")
    eventually(lambda: Result.objects.filter(state=ResultState.FETCHED))
    folder = tmp_path / "pictures"
    folder.rename(tmp_path / "unmounted")
    folder.mkdir()
    loops(Media())
    outlast(lambda: "mount" in Result.objects.get().detail)
    with pytest.raises(StorageUnavailable):  # what were written now would be hidden later
        keeping.keep_original(tmp_path / "any", "a/b/c", "0" * 64)
    folder.rmdir()
    (tmp_path / "unmounted").rename(folder)
    all_ended([generation], hours=0.1)
    assert story(gateways, generation) == Story("succeeded", "", 1, 35_000, 0, 1)
    assert Result.objects.get().tries == 0


def test_a_full_disk_loses_no_picture_that_came_inside_an_answer(
    person: Person, gateways: Control, engine: Net, caplog: pytest.LogCaptureFixture
) -> None:
    inline = "data:image/png;base64," + base64.b64encode(png()).decode()
    gateways.fault(Fault.LINK_TO, gateway="bytespike", url=inline)
    settings.SCRATCH_DIR.write_text("in the way, as a full disk would be")
    within = ask(person, "within the answer", provider="bytespike")
    beside = ask(person, "beside it", provider="runware")
    eventually(lambda: "with a picture in hand" in caplog.text, what="a wait for the disk")
    eventually(lambda: Result.objects.exclude(detail=""), what="a try that failed")
    settings.SCRATCH_DIR.unlink()
    all_ended([within, beside], hours=0.1)
    assert story(gateways, within) == Story("succeeded", "", 1, 12_000, 0, 1)
    assert story(gateways, beside) == Story("succeeded", "", 1, 35_000, 0, 1)


def test_a_dead_link_is_asked_for_anew_once_the_provider_can_be_asked_again(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.switch("aig.async_images", True)
    gateways.fault(Fault.EXPIRED, gateway="aigateway", times=None)
    gateways.fault(Fault.SERVER_ERROR, gateway="aigateway", operation="poll", skip=1, times=None)
    generation = ask(person, provider="aigateway")

    def after(seconds: float) -> Result | None:
        gateways.advance(seconds)
        return Result.objects.first()

    eventually(lambda: after(1))
    asked_for(gateways, "aigateway", 10)
    assert not Result.objects.get().renewals
    assert Result.objects.get().tries == 0
    gateways.clear_faults(Fault.SERVER_ERROR)
    outlast(lambda: (row := after(4)) and row.renewals)
    gateways.clear_faults()
    all_ended([generation], hours=0.1)
    assert story(gateways, generation) == Story("succeeded", "", 1, 35_000, 0, 1)


def test_a_dead_link_is_not_given_up_because_it_was_asked_about_too_soon(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.switch("aig.async_images", True)
    gateways.fault(Fault.EXPIRED, gateway="aigateway", times=None)
    too_soon: dict[str, Any] = {"status": 304, "body": ""}  # as within three seconds of the last question
    gateways.fault(Fault.STATUS, gateway="aigateway", operation="poll", skip=1, times=None, **too_soon)
    generation = ask(person, provider="aigateway")
    eventually(Result.objects.first)
    asked_for(gateways, "aigateway", 10)
    assert (Result.objects.get().state, Result.objects.get().renewals) == ("pending", 0)

    gateways.clear_faults()
    all_ended([generation], hours=0.1)
    assert story(gateways, generation).delivered == 1


def test_while_a_store_hangs_requests_are_sent_answers_recorded_and_leases_kept(
    person: Person, gateways: Control, loops: Start, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claiming, "HEARTBEAT", 0.1)
    with socket.create_server(("127.0.0.1", 0), backlog=200) as hole:
        options = {
            "bucket_name": "b",
            "endpoint_url": f"http://127.0.0.1:{hole.getsockname()[1]}",
            "region_name": "us-east-1",
            "access_key": "a",
            "secret_key": "s",
        }
        store = {"BACKEND": "generations.storage.s3.PrivateS3Storage", "OPTIONS": options}
        settings.STORAGES = {**settings.STORAGES, "originals": store}
        loops(Net())
        for number in range(8):
            ask(person, f"picture {number}", provider="runware")
        eventually(lambda: Result.objects.filter(lease_until__isnull=False).count() == 8)
        other = ask(person, "another", provider="threedai")
        posted(gateways, "threedai", 1)
        eventually(lambda: only(other).theirs)
        expire_leases()
        kept = Result.objects.filter(lease_until__gt=clock.now())
        eventually(lambda: kept.all().count() >= 8, what="the leases of what hangs")
