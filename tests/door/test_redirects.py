"""Redirects of result links: three at most, and each checked like the first URL."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from providers.door import Door, DownloadError, Trouble

from .downloads import HOST, PICTURE, PUBLIC, fetch_by_name, only_public
from .servers import Authority, Call, Script, plain, says, serving


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
