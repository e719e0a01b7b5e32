"""The one way to the network. Adapters say what to send; only this package opens a connection.

Every rule about time-outs, size caps, redirects and forbidden addresses lives here, once.
"""

from __future__ import annotations

import asyncio
import functools
import ssl
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import httpx

from providers.door import calls, downloads
from providers.door.addresses import AddressRule, Resolver, is_public, is_reachable, resolve
from providers.door.downloads import Bounds, Fetched, Guard
from providers.door.errors import DoorError, DownloadError, NoAnswer, NotSent, Trouble
from providers.values import Answer, Exchange

__all__ = [
    "Door",
    "DoorError",
    "DownloadError",
    "Fetched",
    "NoAnswer",
    "NotSent",
    "Trouble",
    "fetch_public",
    "is_public",
    "is_reachable",
    "send_once",
]

# An answer may carry its pictures as base64, which makes them a third larger.
MAX_ANSWER = 96 * 1024 * 1024
MAX_PICTURE = 64 * 1024 * 1024
DOWNLOAD_DEADLINE = 120.0
DOWNLOAD_PATIENCE = 20.0

ReadT = TypeVar("ReadT")


@functools.cache
def trusted() -> ssl.SSLContext:
    """The certificates of certifi and of this system (``SSL_CERT_FILE`` adds an operator's own)."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


class Door:
    """The way out for one event loop; any number of calls and downloads at once.

    ``resolver`` looks names up for downloads, ``admits`` says which addresses they may lead to.
    """

    def __init__(
        self,
        *,
        resolver: Resolver = resolve,
        admits: AddressRule = is_public,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._tls = tls or trusted()
        self._resolver = resolver
        self._admits = admits
        self._calls = calls.Transports(self._tls)

    async def send(
        self, exchange: Exchange[ReadT], *, max_bytes: int = MAX_ANSWER, paid: bool = False
    ) -> Answer:
        """Send a request to a gateway's own API, once, and return its complete answer.

        A ``paid`` one has a connection of its own, which no server is about to close.

        Any status is an answer, redirects too. Raises NotSent, if surely no byte left this
        machine, and NoAnswer, if one may have and no complete answer came within
        ``exchange.timeout`` seconds and ``max_bytes``; what did come of one is its ``came``.
        """
        return await calls.send(self._calls, exchange, max_bytes, fresh=paid)

    async def download(
        self,
        url: str,
        destination: Path,
        *,
        allow_origin: str | None = None,
        max_bytes: int = MAX_PICTURE,
        deadline: float = DOWNLOAD_DEADLINE,
        patience: float = DOWNLOAD_PATIENCE,
    ) -> Fetched:
        """Fetch a URL that somebody else chose into the file ``destination``, without credentials.

        Only https to public addresses, except at exactly ``allow_origin``. At most three
        redirects, each checked alike. ``deadline`` is in seconds for everything; slower than
        10 KiB/s over ``patience`` seconds is given up. Raises DownloadError, and OSError if the
        file cannot be written; in both cases nothing is left behind.
        """
        guard = Guard(self._resolver, self._admits, allow_origin)
        bounds = Bounds(max_bytes, deadline, patience)
        return await downloads.download(self._tls, guard, url, destination, bounds)

    async def aclose(self) -> None:
        """Close every idle connection. Calls on the wire must have ended."""
        await self._calls.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def send_once(exchange: Exchange[ReadT], *, max_bytes: int = MAX_ANSWER) -> Answer:
    """:meth:`Door.send` for a thread without an event loop."""

    async def run() -> Answer:
        async with Door() as door:
            return await door.send(exchange, max_bytes=max_bytes)

    return asyncio.run(run())


def fetch_public(
    url: str, destination: Path, *, max_bytes: int = MAX_PICTURE, deadline: float = 30.0
) -> Fetched:
    """:meth:`Door.download` of a public URL for a thread without an event loop."""

    async def run() -> Fetched:
        async with Door() as door:
            return await door.download(url, destination, max_bytes=max_bytes, deadline=deadline)

    return asyncio.run(run())
