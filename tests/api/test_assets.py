"""The library over HTTP: bytes as they came, in other formats, in parts; names, tags and the trash."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from generations.models import Asset
from generations.storage import originals
from tests.api.conftest import client_of, send, upload
from tests.api.test_errors import error_of
from tests.conftest import Person, png


def test_what_is_uploaded_comes_back_byte_for_byte(ada: Person) -> None:
    client, data = client_of(ada), png()
    made = upload(client, data, tags=["boats", "red"])
    assert made.status_code == 201
    asset = made.json()
    assert (asset["kind"], asset["name"], asset["tags"]) == ("uploaded", "boat.png", ["boats", "red"])
    assert (asset["width"], asset["height"], asset["format"], asset["bytes"]) == (64, 48, "png", len(data))
    assert asset["sha256"] == hashlib.sha256(data).hexdigest()
    got = client.get(asset["url"])
    assert got.getvalue() == data
    assert got.headers["Content-Type"] == "image/png"
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert got.headers["Content-Disposition"] == 'inline; filename="boat.png"'
    assert "private" in got.headers["Cache-Control"]
    assert upload(client, data).json()["id"] == asset["id"]


def test_a_saved_file_has_a_name_that_any_computer_takes(ada: Person) -> None:
    client = client_of(ada)
    asset = upload(client, name="con.png").json()
    for address, name in ((asset["url"], "_con.png"), (asset["thumbnail_url"], "_con.webp")):
        got = client.get(address)
        assert got.getvalue()
        assert got.headers["Content-Disposition"] == f'inline; filename="{name}"'


def test_a_picture_that_is_brought_again_takes_the_new_name_and_tags(ada: Person) -> None:
    client = client_of(ada)
    first = upload(client, tags=["boats"]).json()
    again = upload(client, tags=["red", "boats"], name="Boot.png").json()
    assert (again["id"], again["name"], again["tags"]) == (first["id"], "Boot.png", ["boats", "red"])
    assert upload(client).json() == again, "what is not sent stays"


@pytest.mark.parametrize("scope", ["write", "generate"])
def test_either_of_two_scopes_is_enough_to_bring_a_picture(ada: Person, scope: str) -> None:
    made = upload(client_of(ada, scope), tags=["boats"])
    assert (made.status_code, made.json()["tags"]) == (201, ["boats"])


def test_a_key_that_may_not_bring_pictures_is_refused_before_they_are_read(ada: Person) -> None:
    client = client_of(ada, "read")
    unreadable = client.post("/api/v1/assets", b"x", content_type="multipart/form-data; boundary=")
    for answer in (upload(client), unreadable):
        assert (answer.status_code, error_of(answer)["code"]) == (403, "missing_scope")
        assert error_of(answer)["fields"] == {}
    assert not Asset.objects.exists()


def test_a_key_that_only_makes_pictures_does_not_rename_one_by_bringing_it_again(ada: Person) -> None:
    first = upload(client_of(ada), tags=["boats"]).json()
    again = upload(client_of(ada, "generate"), tags=["red"], name="Boot.png").json()
    assert again == first


@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [
        ("bytes=0-9", 206, 0, 10),
        ("bytes=10-", 206, 10, None),
        ("bytes=-5", 206, -5, None),
        ("bytes=0-999999999", 206, 0, None),
        ("bytes=-999999999", 206, 0, None),
        ("bytes=5-2", 200, 0, None),
        ("bytes=0-1,4-5", 200, 0, None),
        ("items=0-1", 200, 0, None),
        ("bytes=-", 200, 0, None),
    ],
)
def test_a_part_of_the_bytes_can_be_asked_for(
    ada: Person, asked: str, status: int, start: int, end: int | None
) -> None:
    client, data = client_of(ada), png()
    got = client.get(upload(client, data).json()["url"], headers={"range": asked})
    assert got.status_code == status
    wanted = data[start:end]
    assert got.getvalue() == wanted
    if status == 206:
        first = len(data) + start if start < 0 else start
        assert got.headers["Content-Range"] == f"bytes {first}-{first + len(wanted) - 1}/{len(data)}"
        assert got.headers["Content-Length"] == str(len(wanted))


@pytest.mark.parametrize("asked", ["bytes=999999999-", "bytes=-0"])
def test_a_part_that_is_not_there_is_refused_in_the_house_s_words(ada: Person, asked: str) -> None:
    client, data = client_of(ada), png()
    got = client.get(upload(client, data).json()["url"], headers={"range": asked})
    assert (got.status_code, error_of(got)["code"]) == (416, "range_not_satisfiable")
    assert got.headers["Content-Range"] == f"bytes */{len(data)}"
    assert got.headers["Content-Type"] == "application/json"
    assert "immutable" not in got.headers.get("Cache-Control", "")


def test_a_condition_that_does_not_hold_is_refused_in_the_house_s_words(ada: Person) -> None:
    client = client_of(ada)
    got = client.get(upload(client).json()["url"], headers={"if-match": '"another"'})
    assert (got.status_code, error_of(got)["code"]) == (412, "precondition_failed")


def test_what_the_caller_has_is_not_sent_again(ada: Person) -> None:
    client = client_of(ada)
    url = upload(client).json()["url"]
    tag = client.head(url).headers["ETag"]
    dated = {"if-unmodified-since": "Wed, 21 Oct 2015 07:28:00 GMT"}
    assert client.head(url, headers=dated).status_code == 200, "it has no date to compare"
    known = client.get(url, headers={"if-none-match": tag})
    assert (known.status_code, known.content, known.headers["ETag"]) == (304, b"", tag)
    assert known.headers["Cache-Control"] == client.head(url).headers["Cache-Control"]
    changed = client.get(url, headers={"if-range": '"other"', "range": "bytes=0-1"})
    assert changed.status_code == 200
    changed.getvalue()
    same = client.get(url, headers={"if-range": tag, "range": "bytes=0-1"})
    assert (same.status_code, same.getvalue()) == (206, b"\x89P")


@pytest.mark.parametrize("kind", ["jpeg", "webp", "avif"])
def test_a_picture_can_be_had_in_another_format(ada: Person, kind: str) -> None:
    client = client_of(ada)
    url = upload(client).json()["url"]
    got = client.get(f"{url}?format={kind}&quality=50")
    assert got.headers["Content-Type"] == f"image/{kind}"
    with Image.open(io.BytesIO(got.getvalue())) as picture:
        assert (picture.format, picture.size) == (kind.upper(), (64, 48))
    again = client.get(f"{url}?format={kind}&quality=50", headers={"if-none-match": got.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "avif"])
def test_a_picture_can_be_had_smaller_in_any_format(ada: Person, kind: str) -> None:
    client = client_of(ada)
    url = upload(client, png(1600, 1200)).json()["url"]
    for query, size in (("&size=1024", (1024, 768)), ("&size=2048", (1600, 1200)), ("", (1600, 1200))):
        got = client.get(f"{url}?format={kind}{query}")
        assert got.headers["Content-Type"] == f"image/{kind}"
        with Image.open(io.BytesIO(got.getvalue())) as picture:
            assert (picture.format, picture.size) == (kind.upper(), size)


@pytest.mark.parametrize(
    "query",
    ["format=svg", "format=png&quality=100", "quality=x", "quality=50", "size=512", "format=png&size=500"],
)
def test_a_format_nobody_makes_is_refused(ada: Person, query: str) -> None:
    client = client_of(ada)
    assert client.get(f"{upload(client).json()['url']}?{query}").status_code == 400


def test_thumbnails_come_in_three_sizes_and_are_made_again_when_missing(ada: Person) -> None:
    client = client_of(ada)
    made = upload(client, png(1600, 1200)).json()
    asset = Asset.objects.get(id=made["id"])
    for size in (256, 512, 1024):
        originals().delete(asset.derivative_key(size))
    for size in (256, 512, 1024):
        got = client.get(f"/api/v1/assets/{made['id']}/thumbnail?size={size}")
        assert got.headers["Content-Type"] == "image/webp"
        with Image.open(io.BytesIO(got.getvalue())) as picture:
            assert picture.size == (size, size * 3 // 4)
    assert originals().exists(asset.derivative_key(256))
    assert client.get(f"/api/v1/assets/{made['id']}/thumbnail?size=64").status_code == 400


def test_an_original_that_is_gone_is_said_to_be_away(ada: Person) -> None:
    client = client_of(ada)
    made = upload(client).json()
    originals().delete(Asset.objects.get(id=made["id"]).storage_key)
    for address in (made["url"], f"{made['url']}?format=webp"):
        answer = client.get(address)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "try_again")


def test_of_an_original_that_is_damaged_no_smaller_one_is_shown(ada: Person, tmp_path: Path) -> None:
    client = client_of(ada)
    made = upload(client).json()
    asset = Asset.objects.get(id=made["id"])
    (damaged := tmp_path / "damaged").write_bytes(png()[:20])
    originals().replace(asset.storage_key, damaged, "image/png")
    originals().delete(asset.derivative_key(512))
    answer = client.get(f"{made['thumbnail_url'].partition('?')[0]}?size=512")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "try_again")
    assert client.get(made["url"]).getvalue() == png()[:20], "whatever is left of it"


def test_a_picture_is_named_tagged_thrown_away_and_taken_back(ada: Person) -> None:
    client = client_of(ada)
    address = f"/api/v1/assets/{upload(client).json()['id']}"
    changed = send(client, "PATCH", address, {"name": "../x/Boot.png", "tags": [" a ", "a", "b"]}).json()
    assert (changed["name"], changed["tags"]) == ("Boot.png", ["a", "b"])
    assert client.delete(address).status_code == 204
    assert client.get(address).json()["trashed_at"]
    assert client.get("/api/v1/assets").json()["results"] == []
    assert len(client.get("/api/v1/assets?trashed=true").json()["results"]) == 1
    assert send(client, "POST", f"{address}/restore", {}).json()["trashed_at"] is None
    assert len(client.get("/api/v1/assets").json()["results"]) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"tags": "a"}, "tags"),
        ({"tags": [1]}, "tags"),
        ({"tags": ["x" * 101]}, "tags"),
        ({"tags": [str(n) for n in range(51)]}, "tags"),
        ({"name": 7}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"sha256": "0"}, "sha256"),
    ],
)
def test_a_change_that_cannot_be_is_refused_by_field(ada: Person, body: dict[str, Any], field: str) -> None:
    client = client_of(ada)
    answer = send(client, "PATCH", f"/api/v1/assets/{upload(client).json()['id']}", body)
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, [field])


def test_the_library_is_filtered(ada: Person) -> None:
    client = client_of(ada)
    wide = upload(client, png(160, 90), tags=["sea"], name="Grosses 船").json()["id"]
    tall = upload(client, png(90, 160), name="mast").json()["id"]

    def ids(query: str) -> list[str]:
        answer = client.get(f"/api/v1/assets?{query}")
        assert answer.status_code == 200, answer.content
        return [row["id"] for row in answer.json()["results"]]

    assert ids("aspect=16:9") == [wide]
    assert ids("aspect=9:16") == [tall]
    assert ids("tag=sea") == [wide]
    assert ids("q=船 grosses") == [wide]
    assert ids("q=100%") == []
    assert ids("kind=uploaded") == [tall, wide]
    assert ids("kind=generated") == []
    assert ids("provider=runware") == []
    assert ids(f"user={ada.user.id}&created_after=2020-01-01&limit=1") == [tall]
