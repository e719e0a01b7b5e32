"""A paid picture is waited for: each kind of trouble apart, and under a fresh link before it is given up."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from generations import imaging
from generations.engine.net import Net
from generations.models import Result, Submission
from generations.states import ResultState
from providers.door import Door
from providers.sandbox.client import Control
from providers.sandbox.faults import Fault
from tests.conftest import Person, ask, ended, eventually, make_person, png
from tests.door.servers import Authority, plain, says, serving
from tests.engine.stage import Story, all_ended, only, outlast, pass_time, story
from tests.web.conftest import browser_of, text_of

DAY = 24 * 3600.0
HOST = "pictures.example"


def row(generation: Any) -> Result:
    return Result.objects.get(submission__generation=generation)


def test_trouble_on_the_way_leaves_a_picture_all_its_decodings(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.fault(Fault.FILE_STATUS, gateway="runware", status=404, times=4)
    gateways.fault(Fault.JPEG_CUT, gateway="runware")
    generation = ask(person, provider="runware")
    all_ended([generation], hours=0.05)
    assert story(gateways, generation) == Story("succeeded", "", 1, 35_000, 0, 1)


def test_trouble_on_the_way_is_not_held_against_a_picture_whose_decoder_is_killed(
    person: Person, gateways: Control, engine: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateways.fault(Fault.FILE_STATUS, gateway="runware", status=404, times=4)
    with monkeypatch.context() as patience:
        patience.setattr(imaging, "run_bounded", partial(imaging.run_bounded, seconds=0.001))
        generation = ask(person, provider="runware")
        outlast(lambda: Result.objects.filter(tries=4, state=ResultState.FETCHED), seconds=3)
        eventually(lambda: row(generation).decodes >= 1, what="a decoder that is killed")
    all_ended([generation], hours=0.05)
    assert story(gateways, generation) == Story("succeeded", "", 1, 35_000, 0, 1)


@pytest.mark.parametrize(
    ("fault", "args"),
    [(Fault.HTML_AS_PICTURE, {"times": 4}), (Fault.FILE_STATUS, {"times": 8, "status": 403})],
)
def test_a_file_host_that_says_something_else_for_a_minute_loses_no_picture(
    person: Person, gateways: Control, engine: Net, fault: Fault, args: dict[str, Any]
) -> None:
    gateways.fault(fault, gateway="runware", **args)
    generation = ask(person, provider="runware")
    all_ended([generation], hours=0.3)
    assert story(gateways, generation) == Story("succeeded", "", 1, 35_000, 0, 1)


@pytest.mark.parametrize(("fault", "times"), [(Fault.HTML_AS_PICTURE, 4), (Fault.SHORT_BODY, None)])
def test_what_is_not_to_be_had_is_asked_for_under_a_fresh_link_before_it_is_given_up(
    person: Person, gateways: Control, engine: Net, fault: Fault, times: int | None
) -> None:
    gateways.switch("aig.async_images", True)
    gateways.fault(fault, gateway="aigateway", operation="file", times=times)
    generation = ask(person, provider="aigateway")

    def refreshed() -> bool:
        gateways.advance(4)  # it answers questions about a job every three seconds
        found = Result.objects.filter(submission__generation=generation).first()
        return found is not None and found.renewals > 0

    outlast(refreshed, seconds=20, what="a fresh link")
    gateways.clear_faults()
    all_ended([generation], hours=0.3)
    assert story(gateways, generation) == Story("succeeded", "", 1, 35_000, 0, 1)
    assert len({note["path"] for note in gateways.requests("aigateway", "file")}) == 2


def test_a_dead_link_that_is_all_the_gateway_gives_is_free_and_in_sight_of_staff(
    person: Person, gateways: Control, engine: Net, settings: Any
) -> None:
    staff = make_person("staff@example.com", credit=0, staff=True)
    gateways.fault(Fault.DEAD_LINK, gateway="runware", status=410)
    generation = ask(person, "a heron nobody could fetch", provider="runware")
    all_ended([generation], hours=0.3)
    assert story(gateways, generation) == Story("failed", "result_expired", 0, 0, 35_000, 1)
    assert (person.wallet.spent, person.wallet.held) == (0, 0)

    asked = [note["operation"] for note in gateways.requests("runware")]
    assert "poll" in asked[asked.index("file") :], "nobody asked for another link"
    lost = row(generation)
    assert (lost.state, lost.renewals) == (ResultState.LOST, 0)
    assert "410" in lost.detail
    plainly = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plainly}
    said = text_of(browser_of(staff).get("/oversight"))
    assert "Paid by the platform: $0.035" in said
    assert "Lost result_expired" in said


class FileHost:
    """A server of pictures over TLS, under a name that is public; whom it says it is can be changed."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        self.port = 0
        self.context = self.authority.server(HOST)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=asyncio.run, args=[self._serve()], daemon=True)

    def call_yourself(self, name: str) -> None:
        """From the next connection on."""
        other = self.authority.server(name)
        self.context.sni_callback = lambda link, asked, before: setattr(link, "context", other)

    async def _serve(self) -> None:
        async with serving(says(plain(png())), tls=self.context) as server:
            self.port, over = server.port, asyncio.Event()
            self._close = partial(asyncio.get_running_loop().call_soon_threadsafe, over.set)
            self._ready.set()
            await over.wait()

    def __enter__(self) -> FileHost:
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
        self._thread.join()


async def find(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


@pytest.fixture
def file_host(tmp_path: Path) -> Iterator[FileHost]:
    with FileHost(tmp_path) as host:
        yield host


def leads_to(engine: Net, monkeypatch: pytest.MonkeyPatch, tls: ssl.SSLContext | None) -> None:
    """The door as it is, in a world where that name is public."""
    eventually(lambda: hasattr(engine, "door"))
    door = Door(resolver=find, admits=lambda address: address == "127.0.0.1", tls=tls)
    monkeypatch.setattr(engine.door, "download", door.download)


def test_a_file_host_under_another_name_is_told_nothing_and_waited_for(
    person: Person,
    gateways: Control,
    engine: Net,
    file_host: FileHost,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    leads_to(engine, monkeypatch, file_host.authority.trusted())
    file_host.call_yourself("other.example")
    gateways.fault(Fault.LINK_TO, gateway="runware", url=f"https://{HOST}:{file_host.port}/p.png")
    generation = ask(person, provider="runware")
    outlast(lambda: Submission.objects.filter(results__fence__gte=12), what="a dozen tries")
    assert (row(generation).tries, person.wallet.held) == (0, 35_000)
    assert "certificate refused" in row(generation).detail

    file_host.call_yourself(HOST)
    all_ended([generation], hours=0.1)
    assert story(gateways, generation) == Story("succeeded", "", 1, 35_000, 0, 1)


def test_a_file_host_nobody_vouches_for_is_given_up_when_its_link_is_dead(
    person: Person,
    gateways: Control,
    engine: Net,
    file_host: FileHost,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    leads_to(engine, monkeypatch, None)
    gateways.fault(Fault.LINK_TO, gateway="bytespike", url=f"https://{HOST}:{file_host.port}/p.png")
    generation = ask(person, provider="bytespike")
    outlast(lambda: Submission.objects.filter(results__fence__gte=3), what="three tries")
    assert person.wallet.held == 12_000

    pass_time(DAY + 1)
    outlast(lambda: not Result.objects.filter(state=ResultState.PENDING))
    assert story(gateways, ended(generation)) == Story("failed", "result_expired", 0, 0, 12_000, 1)
    assert "certificate refused" in row(generation).detail
    assert only(generation).delivered == person.wallet.held == 0
