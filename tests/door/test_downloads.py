"""Fetching result links: whole or not at all, bounded, and from the allowed origin only."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import socket
from pathlib import Path

import pytest

from providers.door import Door, DownloadError, Fetched, Trouble

from .downloads import PICTURE, failure, fetch, trouble
from .servers import Call, Script, plain, says, serving


def test_a_picture_arrives_with_its_hash_size_and_declared_type(tmp_path: Path) -> None:
    fetched = fetch(says(plain(PICTURE, Content_Type="image/png")), tmp_path)
    assert fetched == Fetched(hashlib.sha256(PICTURE).hexdigest(), len(PICTURE), "image/png")
    assert (tmp_path / "picture").read_bytes() == PICTURE
    assert [path.name for path in tmp_path.iterdir()] == ["picture"]


def test_a_chunked_picture_arrives(tmp_path: Path) -> None:
    body = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    assert fetch(says(body), tmp_path).size == 5


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ],
    ids=["short", "cut chunk", "two lengths"],
)
def test_a_picture_shorter_than_declared_is_truncated(answer: bytes, tmp_path: Path) -> None:
    assert trouble(says(answer), tmp_path) is Trouble.TRUNCATED


def test_a_connection_reset_in_the_middle_is_truncated(tmp_path: Path) -> None:
    async def reset(_call: Call, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nhalf")
        await writer.drain()
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        writer.transport.abort()

    assert trouble(reset, tmp_path) in {Trouble.TRUNCATED, Trouble.UNREACHABLE}


def test_an_empty_picture_is_refused(tmp_path: Path) -> None:
    assert trouble(says(plain(b"")), tmp_path) is Trouble.EMPTY


def test_a_picture_that_declares_too_much_is_refused_before_its_first_byte(tmp_path: Path) -> None:
    answer = says(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
    assert trouble(answer, tmp_path) is Trouble.TOO_LARGE


def test_an_endless_picture_is_stopped_at_the_cap(tmp_path: Path) -> None:
    async def endless(_call: Call, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(bytes(65536))
            await writer.drain()

    assert trouble(endless, tmp_path, max_bytes=1_000_000) is Trouble.TOO_LARGE


def test_a_picture_of_exactly_the_cap_is_kept(tmp_path: Path) -> None:
    assert fetch(says(plain(PICTURE)), tmp_path, max_bytes=len(PICTURE)).size == len(PICTURE)


def dripping(pause: float) -> Script:
    async def drip(_call: Call, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(pause)

    return drip


def test_a_picture_that_drips_is_given_up_below_the_minimum_speed(tmp_path: Path) -> None:
    error = failure(dripping(0.05), tmp_path, patience=1, deadline=60)
    assert (error.reason, error.detail) == (Trouble.TOO_SLOW, "below the minimum speed")


def test_a_picture_that_drips_is_given_up_at_the_deadline(tmp_path: Path) -> None:
    error = failure(dripping(0.05), tmp_path, patience=60, deadline=0.3)
    assert (error.reason, error.detail) == (Trouble.TOO_SLOW, "deadline passed")


@pytest.mark.parametrize(
    "begun", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"], ids=["mute", "stalled"]
)
def test_a_server_that_falls_silent_is_given_up(begun: bytes, tmp_path: Path) -> None:
    async def silent(_call: Call, writer: asyncio.StreamWriter) -> None:
        writer.write(begun)
        await writer.drain()
        await asyncio.Event().wait()

    assert trouble(silent, tmp_path, patience=0.2, deadline=60) is Trouble.TOO_SLOW


def test_a_compressed_picture_is_refused_unopened(tmp_path: Path) -> None:
    bomb = gzip.compress(bytes(10_000_000))
    assert trouble(says(plain(bomb, Content_Encoding="gzip")), tmp_path) is Trouble.BAD_ENCODING


@pytest.mark.parametrize(
    ("status", "reason", "retryable"),
    [
        (400, Trouble.EXPIRED, False),
        (401, Trouble.EXPIRED, False),
        (403, Trouble.EXPIRED, False),
        (404, Trouble.EXPIRED, False),
        (410, Trouble.EXPIRED, False),
        (429, Trouble.SERVER_ERROR, True),
        (500, Trouble.SERVER_ERROR, True),
        (503, Trouble.SERVER_ERROR, True),
        (204, Trouble.BAD_STATUS, False),
        (206, Trouble.BAD_STATUS, False),
        (402, Trouble.BAD_STATUS, False),
        (304, Trouble.BAD_STATUS, False),
    ],
)
def test_a_status_says_whether_to_come_back(
    status: int, reason: Trouble, retryable: bool, tmp_path: Path
) -> None:
    body = b"" if status in {204, 304} else b"sorry"
    found = trouble(says(plain(body, f"{status} X")), tmp_path)
    assert (found, found.retryable) == (reason, retryable)


def test_a_refused_connection_is_worth_another_try(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"

    async def scenario() -> None:
        async with Door() as door:
            await door.download(f"{origin}/x", tmp_path / "x", allow_origin=origin)

    with pytest.raises(DownloadError) as caught:
        asyncio.run(scenario())
    assert (caught.value.reason, caught.value.retryable) == (Trouble.UNREACHABLE, True)


def test_a_file_that_is_there_survives_a_failed_download(tmp_path: Path) -> None:
    (tmp_path / "picture").write_bytes(b"before")
    with pytest.raises(DownloadError):
        fetch(says(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"), tmp_path)
    assert (tmp_path / "picture").read_bytes() == b"before"


@pytest.mark.parametrize(
    "other", ["http://127.0.0.2:{port}/", "http://localhost:{port}/", "https://127.0.0.1:{port}/"]
)
def test_only_exactly_the_allowed_origin_may_be_http_and_private(other: str, tmp_path: Path) -> None:
    async def scenario() -> int:
        async with serving(says(plain(PICTURE))) as server, Door() as door:
            with pytest.raises(DownloadError, match="forbidden_address"):
                await door.download(
                    other.format(port=server.port), tmp_path / "x", allow_origin=server.origin
                )
            return server.connections

    assert asyncio.run(scenario()) == 0


def test_credentials_in_a_url_are_refused_even_at_the_allowed_origin(tmp_path: Path) -> None:
    async def scenario() -> int:
        async with serving(says(plain(PICTURE))) as server, Door() as door:
            with pytest.raises(DownloadError, match="forbidden_address"):
                await door.download(
                    f"http://me:secret@127.0.0.1:{server.port}/", tmp_path / "x", allow_origin=server.origin
                )
            return server.connections

    assert asyncio.run(scenario()) == 0


def test_many_downloads_at_once_each_get_their_own_picture(tmp_path: Path) -> None:
    async def name(call: Call, writer: asyncio.StreamWriter) -> None:
        writer.write(plain(call.path.encode()))
        await writer.drain()
        writer.close()

    async def scenario() -> None:
        async with serving(name) as server, Door() as door:
            await asyncio.gather(
                *(
                    door.download(
                        f"{server.origin}/{number}", tmp_path / str(number), allow_origin=server.origin
                    )
                    for number in range(200)
                )
            )

    asyncio.run(scenario())
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        str(n): f"/{n}" for n in range(200)
    }
