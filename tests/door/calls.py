"""One call through the door, and what it raises."""

from __future__ import annotations

import asyncio
import socket
import ssl

import pytest

from providers.door import Door, DoorError
from providers.values import Answer, Exchange

from .servers import Script, exchange, serving


def ask(script: Script, *, max_bytes: int = 1 << 20, **how: object) -> Answer:
    """One call to a server that follows ``script``."""

    async def scenario() -> Answer:
        async with serving(script) as server, Door() as door:
            return await door.send(exchange(server.origin + "/x", **how), max_bytes=max_bytes)  # type: ignore[arg-type]

    return asyncio.run(scenario())


def refusal(wanted: Exchange[Answer], *, tls: ssl.SSLContext | None = None) -> DoorError:
    """What a call that cannot succeed raises."""

    async def scenario() -> DoorError:
        async with Door(tls=tls) as door:
            with pytest.raises(DoorError) as caught:
                await door.send(wanted)
        return caught.value

    return asyncio.run(scenario())


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
