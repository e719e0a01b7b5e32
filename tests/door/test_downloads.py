"""Fetching result links: whole or not at all, bounded, and only from where it may."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from providers.door import Door, DownloadError, Fetched, Trouble

from .servers import Authority, Call, Script, plain, says, serving

PICTURE = bytes(range(256)) * 2000
PUBLIC = "127.0.0.1"  # stands for an address on the internet; everything else is inside
HOST = "pictures.example"


def only_public(address: str) -> bool:
    return address == PUBLIC


async def find(host: str, port: int) -> Sequence[str]:
    """Every name leads to the address that counts as public here."""
    return [PUBLIC]


def fetch(script: Script, folder: Path, **bounds: float) -> Fetched:
    """Download from the operator's own origin, plain http, which ``script`` answers."""

    async def scenario() -> Fetched:
        async with serving(script) as server, Door() as door:
            return await door.download(
                f"{server.origin}/picture.png",
                folder / "picture",
                allow_origin=server.origin,
                **bounds,  # type: ignore[arg-type]
            )

    return asyncio.run(scenario())


def failure(script: Script, folder: Path, **bounds: float) -> DownloadError:
    """How a download fails; whatever the reason, nothing may be left in the folder."""
    with pytest.raises(DownloadError) as caught:
        fetch(script, folder, **bounds)
    assert list(folder.iterdir()) == []
    return caught.value


def trouble(script: Script, folder: Path, **bounds: float) -> Trouble:
    """Why a download fails."""
    return failure(script, folder, **bounds).reason


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
        (403, Trouble.EXPIRED, False),
        (404, Trouble.EXPIRED, False),
        (410, Trouble.EXPIRED, False),
        (429, Trouble.SERVER_ERROR, True),
        (500, Trouble.SERVER_ERROR, True),
        (503, Trouble.SERVER_ERROR, True),
        (204, Trouble.BAD_STATUS, False),
        (206, Trouble.BAD_STATUS, False),
        (401, Trouble.BAD_STATUS, False),
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


# ── over TLS, at a name ─────────────────────────────────────────────────────────


def fetch_by_name(
    script: Script, folder: Path, *names: str, url: str = f"https://{HOST}:{{port}}/p.png"
) -> Call:
    """Download from a TLS server whose certificate is for ``names``; the request it got."""

    async def scenario() -> Call:
        authority = Authority(folder)
        async with (
            serving(script, tls=authority.server(*names)) as server,
            Door(resolver=find, admits=only_public, tls=authority.trusted()) as door,
        ):
            await door.download(url.format(port=server.port), folder / "picture")
            return server.calls[-1]

    return asyncio.run(scenario())


def test_the_name_is_told_to_the_server_and_checked_although_an_address_is_called(tmp_path: Path) -> None:
    call = fetch_by_name(says(plain(PICTURE)), tmp_path, HOST)
    assert call.headers["host"].startswith(f"{HOST}:")
    assert (tmp_path / "picture").read_bytes() == PICTURE


def test_no_credentials_and_no_other_encoding_are_offered(tmp_path: Path) -> None:
    call = fetch_by_name(says(plain(PICTURE)), tmp_path, HOST)
    assert call.headers["accept-encoding"] == "identity"
    assert not {"authorization", "x-api-key", "cookie", "referer"} & set(call.headers)


def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DownloadError) as caught:
        fetch_by_name(says(plain(PICTURE)), tmp_path, "other.example", PUBLIC)
    assert caught.value.reason is Trouble.UNREACHABLE
    assert caught.value.detail == "certificate refused"


def test_a_certificate_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        tls = Authority(tmp_path).server(HOST)
        async with (
            serving(says(plain(PICTURE)), tls=tls) as server,
            Door(resolver=find, admits=only_public) as door,
        ):
            await door.download(f"https://{HOST}:{server.port}/", tmp_path / "picture")

    with pytest.raises(DownloadError, match="certificate refused"):
        asyncio.run(scenario())


def test_a_name_that_changes_its_address_is_asked_only_once(tmp_path: Path) -> None:
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return [PUBLIC] if len(asked) == 1 else ["127.0.0.2"]

    async def scenario() -> Fetched:
        authority = Authority(tmp_path)
        async with (
            serving(says(plain(PICTURE)), tls=authority.server(HOST)) as server,
            Door(resolver=rebinding, admits=only_public, tls=authority.trusted()) as door,
        ):
            return await door.download(f"https://{HOST}:{server.port}/", tmp_path / "picture")

    assert asyncio.run(scenario()).size == len(PICTURE)
    assert asked == [HOST]


def test_one_address_inside_among_public_ones_is_enough_to_refuse(tmp_path: Path) -> None:
    async def mixed(host: str, port: int) -> Sequence[str]:
        return [PUBLIC, "127.0.0.2"]

    async def scenario() -> int:
        authority = Authority(tmp_path)
        async with (
            serving(says(plain(PICTURE)), tls=authority.server(HOST)) as server,
            Door(resolver=mixed, admits=only_public, tls=authority.trusted()) as door,
        ):
            with pytest.raises(DownloadError, match="forbidden_address"):
                await door.download(f"https://{HOST}:{server.port}/", tmp_path / "picture")
            return server.connections

    assert asyncio.run(scenario()) == 0


def test_a_dead_address_does_not_hide_a_living_one(tmp_path: Path) -> None:
    async def both(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.3", PUBLIC]

    async def scenario() -> Fetched:
        authority = Authority(tmp_path)
        async with (
            serving(says(plain(PICTURE)), tls=authority.server(HOST)) as server,
            Door(resolver=both, admits=lambda _: True, tls=authority.trusted()) as door,
        ):
            return await door.download(f"https://{HOST}:{server.port}/", tmp_path / "picture")

    assert asyncio.run(scenario()).size == len(PICTURE)


def test_a_name_that_is_not_found_is_worth_another_try(tmp_path: Path) -> None:
    async def nothing(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    async def scenario() -> None:
        async with Door(resolver=nothing) as door:
            await door.download(f"https://{HOST}/", tmp_path / "picture")

    with pytest.raises(DownloadError) as caught:
        asyncio.run(scenario())
    assert (caught.value.reason, caught.value.retryable) == (Trouble.UNREACHABLE, True)


def test_two_names_behind_one_address_never_share_a_connection(tmp_path: Path) -> None:
    async def stay(_call: Call, writer: asyncio.StreamWriter) -> None:
        writer.write(plain(PICTURE))
        await writer.drain()

    async def scenario() -> None:
        authority = Authority(tmp_path)
        async with (
            serving(stay, tls=authority.server(HOST)) as server,
            Door(resolver=find, admits=only_public, tls=authority.trusted()) as door,
        ):
            await door.download(f"https://{HOST}:{server.port}/", tmp_path / "picture")
            with pytest.raises(DownloadError, match="certificate refused"):
                await door.download(f"https://stranger.example:{server.port}/", tmp_path / "other")

    asyncio.run(scenario())


# ── redirects ───────────────────────────────────────────────────────────────────


def hopping(hops: int, location: str = f"https://{HOST}:{{port}}/{{left}}") -> Script:
    """Redirect ``hops`` times, then the picture."""

    async def hop(call: Call, writer: asyncio.StreamWriter) -> None:
        name = call.path.strip("/")
        left = int(name) if name.isdigit() else hops
        port = writer.get_extra_info("sockname")[1]
        there = location.format(port=port, left=left - 1)
        writer.write(plain(PICTURE) if not left else plain(b"", "302 Found", Location=there))
        await writer.drain()
        writer.close()

    return hop


def test_three_redirects_are_followed(tmp_path: Path) -> None:
    call = fetch_by_name(hopping(3), tmp_path, HOST)
    assert call.path == "/0"
    assert (tmp_path / "picture").read_bytes() == PICTURE


def test_a_relative_redirect_is_followed(tmp_path: Path) -> None:
    assert fetch_by_name(hopping(2, "/{left}"), tmp_path, HOST).path == "/0"


def test_a_fourth_redirect_is_not_followed(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="bad_redirect"):
        fetch_by_name(hopping(4), tmp_path, HOST)


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("https://127.0.0.2:{port}/{left}", Trouble.FORBIDDEN_ADDRESS),
        ("https://localhost:{port}/{left}", Trouble.FORBIDDEN_ADDRESS),
        ("https://me:secret@" + HOST + ":{port}/{left}", Trouble.FORBIDDEN_ADDRESS),
        ("http://" + HOST + ":{port}/{left}", Trouble.BAD_REDIRECT),
        ("file:///etc/passwd", Trouble.BAD_REDIRECT),
        ("https://[broken]/", Trouble.BAD_REDIRECT),
        ("https://" + HOST + ":{port}/" + "a" * 9000, Trouble.BAD_REDIRECT),
        ("", Trouble.BAD_REDIRECT),
    ],
)
def test_a_redirect_is_checked_like_the_first_url(location: str, reason: Trouble, tmp_path: Path) -> None:
    async def numeric(host: str, port: int) -> Sequence[str]:
        return [PUBLIC] if host == HOST else [host]

    async def scenario() -> int:
        authority = Authority(tmp_path)
        tls = authority.server(HOST, "127.0.0.2", "localhost")
        async with (
            serving(hopping(1, location), tls=tls) as server,
            Door(resolver=numeric, admits=only_public, tls=authority.trusted()) as door,
        ):
            with pytest.raises(DownloadError) as caught:
                await door.download(f"https://{HOST}:{server.port}/", tmp_path / "picture")
            assert caught.value.reason is reason
            return len(server.calls)

    assert asyncio.run(scenario()) == 1


def test_the_allowed_origin_may_not_send_us_to_its_neighbours(tmp_path: Path) -> None:
    async def scenario() -> int:
        async with serving(says(plain(b"internal"))) as inside:
            away = says(plain(b"", "302 Found", Location=f"{inside.origin}/admin"))
            async with serving(away) as server, Door() as door:
                with pytest.raises(DownloadError, match="forbidden_address"):
                    await door.download(f"{server.origin}/", tmp_path / "x", allow_origin=server.origin)
            return inside.connections

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
