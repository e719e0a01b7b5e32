"""Bringing pictures home: passing trouble makes them late, lasting trouble costs the person nothing."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.conf import settings
from PIL import Image

from generations.engine.media import Media
from generations.engine.net import Net
from generations.models import Generation, Result
from generations.states import ResultState
from generations.storage import originals
from providers.sandbox.client import Control
from providers.sandbox.faults import Fault
from tests.conftest import Person, ask, ended, eventually
from tests.engine.conftest import Start
from tests.engine.stage import Story, all_ended, only, outlast, story

PASSING: tuple[tuple[str, Fault, dict[str, Any]], ...] = (
    ("slow", Fault.DRIP, {"operation": "file"}),
    ("shorter than promised", Fault.SHORT_BODY, {"operation": "file"}),
    ("closed early", Fault.CLOSED_EARLY, {"operation": "file"}),
    ("nothing", Fault.EMPTY_BODY, {"operation": "file"}),
    ("reset", Fault.RESET_BEFORE, {"operation": "file"}),
    ("server error", Fault.FILE_STATUS, {"status": 500}),
    ("not there yet", Fault.FILE_STATUS, {"status": 404}),
    ("cut in half", Fault.JPEG_CUT, {}),
    ("an error page", Fault.HTML_AS_PICTURE, {}),
    ("a few redirects", Fault.REDIRECT, {"hops": 2}),
    ("too large once", Fault.TEN_GIGABYTES, {}),
    ("compressed once", Fault.GZIP_BOMB, {}),
    ("an odd status", Fault.FILE_STATUS, {"status": 418}),
)
LASTING: tuple[tuple[str, str, Fault, dict[str, Any]], ...] = (
    ("result_too_large", "ten gigabytes", Fault.TEN_GIGABYTES, {}),
    ("result_too_large", "no end", Fault.ENDLESS, {}),
    ("bad_result", "a gzip bomb", Fault.GZIP_BOMB, {}),
    ("bad_result", "a PNG bomb", Fault.PNG_BOMB, {}),
    ("bad_result", "a smaller PNG bomb", Fault.PNG_BOMB, {"side": 10_000}),
    ("bad_result", "always an error page", Fault.HTML_AS_PICTURE, {}),
    ("bad_result", "an SVG", Fault.SVG, {}),
    ("bad_result", "a PDF", Fault.PDF, {}),
    ("bad_result", "a page in a GIF", Fault.GIF_HTML, {}),
    ("result_expired", "expired", Fault.EXPIRED, {}),
    ("result_expired", "never there", Fault.DEAD_LINK, {}),
    ("bad_result", "a redirect to the cloud's metadata", Fault.REDIRECT, {}),
    ("bad_result", "a redirect to itself, elsewhere", Fault.REDIRECT, {"to": "http://127.0.0.1:9/x.png"}),
    ("bad_result", "too many redirects", Fault.REDIRECT, {"hops": 4}),
)
INNER = (
    "http://169.254.169.254/latest/meta-data/",
    "https://127.0.0.1/x.png",
    "https://[::1]/x.png",
    "https://[64:ff9b::a9fe:a9fe]/x.png",
    "https://[2002:7f00:1::]/x.png",
    "https://224.0.0.1/x.png",
    "https://localhost/x.png",
    "http://8.8.8.8/x.png",
)


@pytest.fixture
def quick(engine: Net, monkeypatch: pytest.MonkeyPatch) -> Net:
    """The same door, with a second's patience for slow files."""
    eventually(lambda: hasattr(engine, "door"))
    monkeypatch.setattr(engine.door, "download", partial(engine.door.download, patience=1.0))
    return engine


def test_passing_trouble_with_a_file_only_makes_its_picture_late(
    person: Person, gateways: Control, quick: Net
) -> None:
    asked = []
    for number, (name, fault, args) in enumerate(PASSING):
        provider = ("runware", "bytespike")[number % 2]
        gateways.fault(fault, gateway=provider, prompt_contains=name, **args)
        asked.append(ask(person, name, provider=provider))
    all_ended(asked, hours=0.01)

    for generation in asked:
        told = story(gateways, generation)
        assert told == Story("succeeded", "", 1, generation.quoted, 0, 1), generation
        fetched = [n for n in gateways.requests(operation="file") if n["prompt"] == generation.prompt]
        assert len(fetched) >= 2, generation
    assert person.wallet.held == 0


def test_lasting_trouble_with_a_file_costs_the_platform_and_not_the_person(
    person: Person, gateways: Control, quick: Net
) -> None:
    before = person.wallet.available
    asked: dict[str, tuple[str, Generation]] = {}
    for number, (code, name, fault, args) in enumerate(LASTING):
        provider = ("runware", "bytespike", "prospolabs")[number % 3]
        gateways.fault(fault, gateway=provider, prompt_contains=name, times=None, **args)
        asked[name] = (code, ask(person, name, provider=provider))
    for number, url in enumerate(INNER):
        gateways.fault(Fault.LINK_TO, gateway="runware", prompt_contains=f"inner {number}.", url=url)
        asked[url] = ("bad_result", ask(person, f"inner {number}.", provider="runware"))
    all_ended([generation for _, generation in asked.values()], hours=1, within=180)

    for code, generation in asked.values():
        told = story(gateways, generation)
        assert told == Story("failed", code, 0, 0, generation.quoted, 1), generation
    assert (person.wallet.available, person.wallet.held) == (before, 0)
    inner = [generation.id for url, (_, generation) in asked.items() if url in INNER]
    assert {row.tries for row in Result.objects.filter(submission__generation__in=inner)} == {0}
    assert list(originals().keys()) == []
    aside = originals().local_path(".quarantine")
    assert aside is not None
    assert len([file for file in aside.rglob("*") if file.is_file()]) >= 5
    assert not any(settings.SCRATCH_DIR.iterdir())


def test_what_is_a_picture_is_kept_as_it_is_and_shown_clean(
    person: Person, gateways: Control, quick: Net
) -> None:
    kinds = {"script": Fault.PNG_SCRIPT, "mislabelled": Fault.JPEG_AS_PNG, "lying": Fault.EXIF_ROTATED}
    for name, fault in kinds.items():
        gateways.fault(fault, gateway="bytespike", prompt_contains=name)
    asked = {name: ask(person, name, provider="bytespike") for name in kinds}
    all_ended(asked.values())

    kept = {name: generation.assets.get() for name, generation in asked.items()}
    assert {name: asset.format for name, asset in kept.items()} == {
        "script": "png",
        "mislabelled": "jpeg",
        "lying": "jpeg",
    }
    for name, asset in kept.items():
        with (
            originals().read(asset.storage_key) as original,
            originals().read(asset.derivative_key(256)) as small,
        ):
            assert (b"<script>" in original.read()) == (name == "script")
            assert b"<script>" not in small.read()
            small.seek(0)
            with Image.open(small) as shown:
                assert (shown.format, shown.getexif().get(0x0112)) == ("WEBP", None)
        assert story(gateways, asked[name]) == Story("succeeded", "", 1, 12_000, 0, 1)


def test_a_dead_link_is_asked_for_anew_where_the_gateway_gives_another(
    person: Person, gateways: Control, quick: Net
) -> None:
    gateways.switch("aig.async_images", True)
    gateways.fault(Fault.EXPIRED, gateway="aigateway", times=None)
    generation = ask(person, provider="aigateway")
    row = eventually(lambda: Result.objects.filter(submission=only(generation)).first())
    gateways.advance(3)  # it answers questions about a job every three seconds
    eventually(lambda: Result.objects.get(id=row.id).renewals)
    gateways.clear_faults()
    all_ended([generation], hours=0.01)

    assert story(gateways, generation) == Story("succeeded", "", 1, 35_000, 0, 1)
    row.refresh_from_db()
    assert (row.renewals, row.url) == (1, "")
    paths = {note["path"] for note in gateways.requests("aigateway", "file")}
    assert len(paths) == 2


def test_a_gateway_that_is_asked_too_soon_for_a_fresh_link_is_asked_again(
    person: Person, gateways: Control, quick: Net
) -> None:
    gateways.switch("aig.async_images", True)
    gateways.fault(Fault.EXPIRED, gateway="aigateway", times=None)
    generation = ask(person, provider="aigateway")
    eventually(Result.objects.filter(detail__contains="nothing new", tries=0).exists, what="a 304")
    gateways.advance(3)
    gateways.clear_faults()
    all_ended([generation], hours=0.01)
    assert story(gateways, generation).status == "succeeded"


def test_a_picture_whose_link_is_dead_is_fetched_from_its_other_address(
    person: Person, gateways: Control, quick: Net
) -> None:
    gateways.fault(Fault.DEAD_LINK, gateway="threedai", asset_alone=True, index=1)
    generation = ask(person, provider="threedai", count=2)
    all_ended([generation], hours=0.01)

    assert story(gateways, generation) == Story("succeeded", "", 2, 80_000, 0, 1)
    assert len({note["path"] for note in gateways.requests("threedai", "file")}) == 3


def test_an_original_that_vanishes_before_it_is_decoded_is_fetched_again(
    person: Person, gateways: Control, loops: Start
) -> None:
    loops(Net())
    generation = ask(person, provider="runware")
    row = eventually(lambda: Result.objects.filter(state=ResultState.FETCHED).first())
    originals().delete(row.storage_key)
    loops(Media())

    assert story(gateways, ended(generation)) == Story("succeeded", "", 1, 35_000, 0, 1)
    assert Generation.objects.get(id=generation.id).assets.get().sha256 == row.sha256


def test_pictures_whose_links_die_together_need_one_question_and_each_gets_its_fresh_link(
    person: Person, gateways: Control, quick: Net
) -> None:
    gateways.switch("aig.async_images", True)
    gateways.fault(Fault.EXPIRED, gateway="aigateway", times=4)
    generation = ask(person, provider="aigateway", count=4)
    eventually(lambda: Result.objects.count() == 4, what="four promises")
    before = len(gateways.requests("aigateway", "poll"))
    gateways.advance(3)
    all_ended([generation], hours=0.01)
    assert story(gateways, generation) == Story("succeeded", "", 4, 140_000, 0, 1)
    assert {row.renewals for row in Result.objects.all()} == {1}
    assert len(gateways.requests("aigateway", "poll")) - before <= 2


def test_a_fresh_link_that_is_dead_again_is_asked_for_again(
    person: Person, gateways: Control, quick: Net
) -> None:
    gateways.switch("aig.async_images", True)
    gateways.fault(Fault.EXPIRED, gateway="aigateway", times=None)
    generation = ask(person, provider="aigateway")

    def renewed(times: int) -> bool:
        gateways.advance(3)
        return Result.objects.filter(renewals__gte=times).exists()

    outlast(lambda: renewed(3), seconds=5, what="a third fresh link")
    gateways.clear_faults()
    all_ended([generation], hours=0.01)
    assert story(gateways, generation) == Story("succeeded", "", 1, 35_000, 0, 1)
