"""One download through the door, from the operator's own origin or from a name over TLS."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from providers.door import Door, DownloadError, Fetched, Trouble

from .servers import Authority, Call, Script, serving

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
