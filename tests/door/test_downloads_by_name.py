"""Result links are names: called at one public address, and checked by their certificate."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from providers.door import Door, DownloadError, Fetched, Trouble

from .downloads import HOST, PICTURE, PUBLIC, fetch_by_name, find, only_public
from .servers import Authority, Call, plain, says, serving


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
