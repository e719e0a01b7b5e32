"""Many pictures as one ZIP: all that can be had, under safe names, with a list of what they are."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.db import connection

from accounts import actions
from accounts.errors import Invalid
from accounts.models import Role
from generations.actions import archiving
from generations.models import Asset
from generations.models.search import Search
from generations.storage import originals
from generations.waiting import TooManyWaiting
from tests.api.conftest import client_of, secret_of, send
from tests.conftest import Person, ask, ended, eventually, png
from tests.finding.conftest import keep
from tests.serving import serving
from tests.web.conftest import browser_of, text_of

COLORS = ("red", "green", "blue", "teal", "navy", "gold")


def kept(person: Person, number: int = 3) -> list[Asset]:
    return [keep(person, png(color=color), "boat.png") for color in COLORS[:number]]


def opened(answer: Any) -> zipfile.ZipFile:
    assert answer.status_code == 200, answer.content
    assert answer.headers["Content-Type"] == "application/zip"
    found = zipfile.ZipFile(io.BytesIO(answer.getvalue()))
    assert found.testzip() is None
    return found


def downloaded(person: Person, *assets: Asset, **body: Any) -> zipfile.ZipFile:
    body = body or {"ids": [str(asset.id) for asset in assets]}
    return opened(send(client_of(person, "read"), "post", "/api/v1/assets/download", body))


def manifest(found: zipfile.ZipFile) -> Any:
    assert found.namelist()[-1] == "manifest.json"
    return json.loads(found.read("manifest.json"))


def test_what_belongs_to_others_is_named_as_missing_and_nothing_is_told_of_it(
    ada: Person, stranger: Person
) -> None:
    mine, theirs = kept(ada, 1)[0], keep(stranger, png(color="gold"), "zibeline.png")
    found = downloaded(ada, mine, theirs)
    assert [one["id"] for one in manifest(found)["pictures"]] == [str(mine.id)]
    assert [one["id"] for one in manifest(found)["missing"]] == [str(theirs.id)]
    assert len(found.namelist()) == 3, "one picture and two lists"
    told = found.read("manifest.json") + found.read("manifest.csv")
    assert b"zibeline" not in told
    assert theirs.sha256.encode() not in told


def test_originals_come_byte_for_byte_with_all_that_is_known_of_them(engine: Any, person: Person) -> None:
    made = Asset.objects.get(generation=ended(ask(person, "a red boat, 船", seed=7, tags=["sea"])))
    fields = {"references": [f"asset:{made.id}"], "provider": "prospolabs"}
    edited = Asset.objects.get(generation=ended(ask(person, "in blue", **fields)))
    found = downloaded(person, made, edited)
    facts = {one["id"]: one for one in manifest(found)["pictures"]}
    for asset in (made, edited):
        said = facts[str(asset.id)]
        data = found.read(said["file"])
        assert hashlib.sha256(data).hexdigest() == asset.sha256 == said["sha256"]
        assert len(data) == asset.bytes
    said = facts[str(made.id)]
    assert (said["prompt"], said["tags"], said["provider"]) == ("a red boat, 船", ["sea"], made.provider)
    assert said["parameters"]["seed"] == 7
    assert said["charged"] == f"{made.charged / 1e6:.3f}".rstrip("0") or said["charged"]
    assert facts[str(edited.id)]["lineage"]["references"] == [str(made.id)]
    assert manifest(found)["missing"] == []
    assert said["file"] == "a-red-boat-船.png" or said["file"].startswith("a-red-boat-船.")


def test_what_is_missing_or_altered_is_left_out_and_named_and_the_rest_arrive(ada: Person) -> None:
    whole, gone, altered = kept(ada)
    originals().delete(gone.storage_key)
    place = originals().local_path(altered.storage_key)
    assert place is not None
    place.chmod(0o640)
    place.write_bytes(png(color="black"))
    nobody = uuid4()
    ids = [str(one) for one in (gone.id, whole.id, altered.id, nobody)]
    found = downloaded(ada, ids=ids)
    assert len(found.namelist()) == 3
    said = manifest(found)
    assert [one["id"] for one in said["pictures"]] == [str(whole.id)]
    assert {one["id"]: one["reason"] for one in said["missing"]} == {
        str(gone.id): "The original is missing from the store.",
        str(altered.id): "The original in the store is not what was written there.",
        str(nobody): "There is no such picture.",
    }


NAMES = {
    "../../etc/passwd.png": "etc-passwd.png",
    "C:\\Windows\\evil.png": "C-Windows-evil.png",
    "CON.png": "_CON.png",
    "lpt1.png": "_lpt1.png",
    "a\u202egnp.exe": "a-gnp.png",
    'boat?*<>|:".png': "boat.png",
    "...": "",
    "Boat.png": "Boat-2.png",
    "boat.PNG": "boat-3.png",
    "ﬁne.png": "ﬁne.png",
    "x" * 250 + ".png": "x" * 60 + ".png",
}


def test_names_are_safe_and_no_two_are_the_same_on_any_computer(ada: Person) -> None:
    assets = []
    for number, name in enumerate(NAMES):
        asset = keep(ada, png(width=20 + number), "x")
        Asset.objects.filter(id=asset.id).update(name=name)
        assets.append(asset)
    names = downloaded(ada, *assets).namelist()[:-2]
    assert names == [name or f"{asset.id}.png" for name, asset in zip(NAMES.values(), assets, strict=True)]
    assert len({name.casefold() for name in names}) == len(NAMES)
    for name in names:
        assert not re.search(r'[\\/:*?"<>|\u200e\u200f\u202a-\u202e\u2066-\u2069\x00-\x1f]', name), name
        assert not name.startswith(".")
        assert len(name.encode()) <= 255


def test_no_cell_of_the_table_is_a_formula(ada: Person) -> None:
    evil = ["=1+1", "+cmd|' /C calc'!A0", "-2", "@SUM(A1)", "\t=x"]
    assets = [keep(ada, png(width=20 + number), prompt=text) for number, text in enumerate(evil)]
    table = downloaded(ada, *assets).read("manifest.csv").decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(table)))
    assert sorted(row["prompt"] for row in rows) == sorted(f"'{text}" for text in evil)
    assert all(not cell.startswith(("=", "+", "-", "@", "\t")) for row in rows for cell in row.values())


def test_a_search_is_downloaded_in_its_order(ada: Person) -> None:
    boats = [keep(ada, png(width=30 + n), prompt=f"a boat {n}") for n in range(3)]
    keep(ada, png(width=50), prompt="a tree")
    found = downloaded(ada, search={"q": "boat", "project": str(ada.project.id)})
    assert [one["id"] for one in manifest(found)["pictures"]] == [str(one.id) for one in reversed(boats)]


def test_whoever_sees_a_picture_may_take_it_home_and_nobody_else(ada: Person, stranger: Person) -> None:
    (asset,) = kept(ada, 1)
    body = {"ids": [str(asset.id)]}
    client = client_of(stranger)
    assert send(client, "post", "/api/v1/assets/download", body).status_code == 404
    assert browser_of(stranger).post("/library/download", {"ids": str(asset.id)}).status_code == 404
    actions.set_member(
        principal=ada.principal, project_id=ada.project.id, email=stranger.user.email, role=Role.VIEWER
    )
    assert len(downloaded(stranger, asset).namelist()) == 3


def test_what_cannot_be_asked_is_refused_by_name(ada: Person) -> None:
    client = client_of(ada)
    for body, name in (
        ({}, "ids"),
        ({"ids": [], "search": {}}, "ids"),
        ({"ids": ["x"]}, "ids"),
        ({"ids": [str(uuid4()) for _ in range(archiving.MOST + 1)]}, "ids"),
        ({"search": {"color": "red"}}, "search"),
    ):
        answer = send(client, "post", "/api/v1/assets/download", body)
        assert answer.status_code == 400, body
        assert name in answer.json()["error"]["fields"]


def test_more_than_can_be_had_at_once_is_refused(ada: Person, monkeypatch: Any) -> None:
    kept(ada)
    monkeypatch.setattr(archiving, "MOST", 2)
    with pytest.raises(Invalid, match="narrow it"):
        archiving.archive(principal=ada.principal, search=Search(project=ada.project.id))


def test_the_page_gives_what_was_chosen_and_what_a_search_finds(ada: Person) -> None:
    assets = kept(ada)
    browser = browser_of(ada)
    chosen = opened(browser.post("/library/download", {"ids": ",".join(str(one.id) for one in assets[:2])}))
    assert len(chosen.namelist()) == 4
    assert len(opened(browser.get("/library/download", {"project": str(ada.project.id)})).namelist()) == 5
    searched = browser.post("/library/download", {"search": f"project={ada.project.id}"})
    assert len(opened(searched).namelist()) == 5
    assert 'attachment; filename="seedbank-' in searched.headers["Content-Disposition"]
    said = browser.post("/library/download", follow=True)
    assert "choose the pictures you want" in text_of(said)


def test_no_connection_is_held_while_bytes_are_on_their_way(live: str, person: Person) -> None:
    assets = kept(person)
    made = archiving.archive(principal=person.principal, ids=[one.id for one in assets])
    sizes = []
    for chunk in made:
        assert connection.connection is None
        sizes.append(len(chunk))
    made.close()
    assert sum(sizes) > 1000


def test_a_seat_is_given_back_read_or_not(ada: Person) -> None:
    (asset,) = kept(ada, 1)
    seats = [archiving.archive(principal=ada.principal, ids=[asset.id]) for _ in range(archiving.SEATS)]
    with pytest.raises(TooManyWaiting):
        archiving.archive(principal=ada.principal, ids=[asset.id])
    answer = send(client_of(ada), "post", "/api/v1/assets/download", {"ids": [str(asset.id)]})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    for one in seats:
        one.close()
        one.close()
    assert len(downloaded(ada, asset).namelist()) == 3


def test_whoever_hangs_up_ends_the_work(live: str, person: Person, settings: Any) -> None:
    asset = keep(person, _large())
    Asset.objects.bulk_create(_again(asset, number) for number in range(60))
    body = {"ids": [str(one) for one in Asset.objects.values_list("id", flat=True)]}
    headers = {"Authorization": f"Bearer {secret_of(person)}"}
    with serving(settings) as address:
        for _ in range(archiving.SEATS + 2):
            with (
                httpx.Client(trust_env=False, timeout=60) as client,
                client.stream(
                    "POST", f"{address}/api/v1/assets/download", json=body, headers=headers
                ) as answer,
            ):
                assert eventually(lambda: answer.status_code == 200, what="a seat")
                next(answer.iter_raw())
            eventually(lambda: not _being_read(), what="the end of the work")


def _being_read() -> list[str]:
    """Files of the store that this process has open."""
    found = []
    for one in Path("/proc/self/fd").iterdir():
        try:
            found.append(str(one.readlink()))
        except OSError:
            continue
    return [name for name in found if "/pictures/" in name]


def _large() -> bytes:
    """A picture of some megabytes: more than the sockets between us hold."""
    from PIL import Image

    out = io.BytesIO()
    bands = [Image.effect_noise((1200, 1200), spread) for spread in (60, 80, 90)]
    Image.merge("RGB", bands).save(out, "PNG", compress_level=1)
    return out.getvalue()


def _again(asset: Asset, number: int) -> Asset:
    """Another row whose object is a link to the same bytes."""
    key = f"{asset.project_id}/{uuid4()}/{asset.sha256}"
    source, place = originals().local_path(asset.storage_key), originals().local_path(key)
    assert source is not None
    assert place is not None
    place.parent.mkdir(parents=True, exist_ok=True)
    place.hardlink_to(source)
    facts = {"project": asset.project, "user": asset.user, "kind": asset.kind, "format": asset.format}
    sizes = {"width": asset.width, "height": asset.height, "bytes": asset.bytes, "sha256": asset.sha256}
    return Asset(id=uuid4(), storage_key=key, name=f"{number}.png", **facts, **sizes)
