"""Pictures in a bucket, on a server that fails in every way a server can."""

from __future__ import annotations

import hashlib
import http.client
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast
from urllib.parse import parse_qs, urlsplit

import pytest

from generations.storage import Corrupt, KeyTaken, StorageUnavailable, Store

from .conftest import bucket
from .servers import BUCKET, Fault, Forward, Request, Response, refused

pytestmark = pytest.mark.s3

PICTURE = bytes(range(256)) * 5000
SHA256 = hashlib.sha256(PICTURE).hexdigest()
KEY = f"project/asset/{SHA256}"
Behind = Callable[[Fault], Store]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    path.write_bytes(PICTURE)
    return path


@pytest.fixture
def strange(tmp_path: Path) -> Path:
    path = tmp_path / "strange.png"
    path.write_bytes(b"somebody else's")
    return path


@pytest.fixture
def objects(s3: tuple[int, Path], tmp_path: Path) -> Path:
    """The folder in which the server keeps this test's objects."""
    return s3[1] / BUCKET / tmp_path.name


def first_put(answer: Response) -> Fault:
    """The first PUT is answered so, everything else by the server."""
    puts: list[Request] = []

    def fault(request: Request, forward: Forward) -> Response:
        if request.method == "PUT":
            puts.append(request)
            if len(puts) == 1:
                return answer
        return forward(request)

    return fault


def conditional(objects: Path) -> Fault:
    """What rclone does not know: ``If-None-Match: *`` refuses to overwrite, as S3 documents it."""

    def fault(request: Request, forward: Forward) -> Response:
        key = urlsplit(request.path).path.removeprefix(f"/{BUCKET}/{objects.name}/")
        if (
            request.method == "PUT"
            and request.headers.get("If-None-Match") == "*"
            and (objects / key).exists()
        ):
            return refused(412, "PreconditionFailed")
        return forward(request)

    return fault


@pytest.mark.parametrize(
    "answer",
    [refused(503, "SlowDown"), refused(500, "InternalError"), refused(409, "ConditionalRequestConflict")],
)
def test_a_store_that_is_busy_for_a_moment_is_tried_again(
    faulty: Behind, picture: Path, answer: Response
) -> None:
    store = faulty(first_put(answer))
    store.put(KEY, picture, SHA256, "image/png")
    assert store.digest(KEY) == SHA256


def test_a_store_that_stays_away_is_unavailable(faulty: Behind, picture: Path) -> None:
    store = faulty(lambda request, forward: refused(503, "SlowDown"))
    with pytest.raises(StorageUnavailable):
        store.put(KEY, picture, SHA256, "image/png")


def test_a_conflict_that_does_not_end_is_unavailable(faulty: Behind, picture: Path) -> None:
    def fault(request: Request, forward: Forward) -> Response:
        return refused(409, "ConditionalRequestConflict") if request.method == "PUT" else forward(request)

    with pytest.raises(StorageUnavailable):
        faulty(fault).put(KEY, picture, SHA256, "image/png")


def test_a_write_whose_answer_is_lost_is_recognised_as_ours(
    faulty: Behind, picture: Path, objects: Path
) -> None:
    honest, puts = conditional(objects), []

    def fault(request: Request, forward: Forward) -> Response | None:
        answer = honest(request, forward)
        if request.method == "PUT":
            puts.append(answer.status if answer else 0)
            return None if len(puts) == 1 else answer
        return answer

    store = faulty(fault)
    store.put(KEY, picture, SHA256, "image/png")
    assert puts == [200, 412]
    assert store.digest(KEY) == SHA256


def test_other_bytes_under_a_key_are_refused_and_the_first_stay(
    faulty: Behind, picture: Path, strange: Path, objects: Path
) -> None:
    store = faulty(conditional(objects))
    store.replace(KEY, strange, "image/png")
    with pytest.raises(KeyTaken):
        store.put(KEY, picture, SHA256, "image/png")
    assert (objects / KEY).read_bytes() == b"somebody else's"


def test_a_store_without_conditional_writes_is_asked_first(
    faulty: Behind, picture: Path, strange: Path
) -> None:
    def fault(request: Request, forward: Forward) -> Response:
        conditional_put = request.method == "PUT" and "If-None-Match" in request.headers
        return refused(501, "NotImplemented") if conditional_put else forward(request)

    store = faulty(fault)
    store.put(KEY, picture, SHA256, "image/png")
    assert store.digest(KEY) == SHA256
    store.replace(KEY, strange, "image/png")
    with pytest.raises(KeyTaken):
        store.put(KEY, picture, SHA256, "image/png")


def test_a_store_that_alters_what_it_keeps_is_caught_and_the_object_set_aside(
    faulty: Behind, picture: Path, objects: Path
) -> None:
    def fault(request: Request, forward: Forward) -> Response:
        if request.body == PICTURE:
            request = replace(request, body=PICTURE[:-1] + b"?")
        return forward(request)

    store = faulty(fault)
    with pytest.raises(Corrupt):
        store.put(KEY, picture, SHA256, "image/png")
    assert not store.exists(KEY)
    assert (objects / ".quarantine" / KEY).read_bytes() == PICTURE[:-1] + b"?"


def test_a_flaw_on_the_way_back_does_not_condemn_what_was_written(faulty: Behind, picture: Path) -> None:
    gets: list[Request] = []

    def fault(request: Request, forward: Forward) -> Response:
        answer = forward(request)
        if request.method == "GET":
            gets.append(request)
            if len(gets) == 1:
                return Response(answer.status, answer.headers, b"?" + answer.body[1:])
        return answer

    store = faulty(fault)
    store.put(KEY, picture, SHA256, "image/png")
    assert store.exists(KEY)


def test_an_object_that_breaks_off_while_it_is_read_is_not_taken_for_whole(
    faulty: Behind, picture: Path
) -> None:
    def fault(request: Request, forward: Forward) -> Response:
        answer = forward(request)
        if request.method == "GET":
            return Response(answer.status, {"Content-Length": str(len(PICTURE))}, answer.body[:1000])
        return answer

    store = faulty(fault)
    with pytest.raises(StorageUnavailable):
        store.put(KEY, picture, SHA256, "image/png")
    with pytest.raises(StorageUnavailable):
        store.read(KEY)


@pytest.mark.parametrize("wrong", [{"bucket_name": "nowhere"}, {"secret_key": "wrong"}])
def test_a_wrong_bucket_or_key_fails_the_check(s3: tuple[int, Path], wrong: dict[str, str]) -> None:
    store = cast(Store, bucket(s3[0], "any", **wrong))
    with pytest.raises(StorageUnavailable):
        store.check()


def test_nothing_is_sent_that_other_stores_keep_inside_the_file(faulty: Behind, picture: Path) -> None:
    seen: list[Request] = []

    def fault(request: Request, forward: Forward) -> Response:
        seen.append(request)
        return forward(request)

    faulty(fault).put(KEY, picture, SHA256, "image/png")
    put = next(request for request in seen if request.method == "PUT")
    names = {key.lower(): value for key, value in put.headers.items()}
    assert put.body == PICTURE
    assert names["content-type"] == "image/png"
    assert names["if-none-match"] == "*"
    assert not {"x-amz-trailer", "x-amz-acl", "x-amz-sdk-checksum-algorithm"} & set(names)
    assert "aws-chunked" not in names.get("content-encoding", "")


def fetch(link: str) -> tuple[int, bytes]:
    """What a browser without any credentials gets."""
    parts = urlsplit(link)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}")
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_a_signed_link_opens_this_picture_and_no_other(
    s3: tuple[int, Path], picture: Path, tmp_path: Path
) -> None:
    store = cast(Store, bucket(s3[0], tmp_path.name))
    store.put(KEY, picture, SHA256, "image/png")
    store.put(KEY + "2", picture, SHA256, "image/png")
    link = store.signed_link(KEY, 60, 'a "quoted" näme.png', "image/png", attachment=True)
    assert link is not None
    assert fetch(link) == (200, PICTURE)
    assert fetch(link.replace(KEY, KEY + "2"))[0] == 403
    assert fetch(link.split("?", 1)[0])[0] in {400, 403}
    said = parse_qs(urlsplit(link).query)
    assert said["X-Amz-Expires"] == ["60"]
    assert said["response-content-type"] == ["image/png"]
    assert said["response-content-disposition"][0].startswith("attachment; filename*=utf-8''")


def test_a_link_for_longer_than_a_week_lasts_a_week(s3: tuple[int, Path]) -> None:
    link = cast(Store, bucket(s3[0], "any")).signed_link(KEY, 10**9, "a.png", "image/png")
    assert parse_qs(urlsplit(link or "").query)["X-Amz-Expires"] == ["604800"]


def test_links_name_the_address_at_which_browsers_reach_the_store(s3: tuple[int, Path]) -> None:
    store = cast(Store, bucket(s3[0], "any", public_endpoint_url="https://media.example"))
    link = store.signed_link(KEY, 60, "a.png", "image/png")
    assert (link or "").startswith(f"https://media.example/{BUCKET}/any/{KEY}?")
