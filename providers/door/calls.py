"""One exchange with a gateway: send it once, read its whole answer, and say surely whether it left.

httpx's transport is used without its client: so there are no cookies, no redirects, no
proxies from the environment and no credentials from a URL, by construction.
"""

from __future__ import annotations

import asyncio
import math
import socket
import ssl
import zlib
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email.utils import formatdate
from typing import TypeVar

import httpx

from providers.door.errors import DoorError, NoAnswer, NotSent
from providers.values import Answer, Exchange

CONNECT_TIMEOUT = 5.0
USER_AGENT = "Seedbank"

# A call that goes out on a connection which the server is just closing cannot be told from one whose
# answer was lost. A paid one therefore has a connection of its own. Others are only asked again: for
# them it is enough to give idle ones up before common servers do, 2 s (gunicorn), 5 s (Node.js, uvicorn).
KEEP_ALIVE = 1.5

ReadT = TypeVar("ReadT")


def transport(tls: ssl.SSLContext) -> httpx.AsyncHTTPTransport:
    """A way out for one request at a time.

    httpcore looks at every connection of a pool for each request, and again as it ends, and asks the
    system about those that are idle: in pools of 25 that cost more than all the rest of a call.
    """
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEEP_ALIVE)
    return httpx.AsyncHTTPTransport(
        verify=tls, trust_env=False, http1=True, http2=False, retries=0, limits=limits
    )


class Transports:
    """As many transports as there are calls in flight, sharing one TLS context; for one event loop.

    The connection of a call that ended well is kept for the next one to the same origin.
    """

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        self._idle: dict[tuple[bytes, ...], deque[tuple[float, httpx.AsyncHTTPTransport]]] = {}

    @asynccontextmanager
    async def borrow(self, url: httpx.URL, *, fresh: bool) -> AsyncIterator[httpx.AsyncHTTPTransport]:
        """A transport that nobody else uses meanwhile, connected to the host of ``url`` already if may be.

        ``fresh``: never connected before.
        """
        clock = asyncio.get_running_loop().time
        await self._close_idle(clock() - KEEP_ALIVE)
        kept = self._idle.setdefault((url.raw_scheme, url.netloc), deque())
        mine = kept.pop()[1] if kept and not fresh else transport(self._tls)
        try:
            yield mine
        except BaseException:
            await mine.aclose()
            raise
        kept.append((clock(), mine))

    async def _close_idle(self, before: float) -> None:
        """Close what has waited since ``before``: no call may go out on it any more."""
        old = []
        for kept in self._idle.values():
            while kept and kept[0][0] <= before:
                old.append(kept.popleft()[1])
        for one in old:
            await one.aclose()

    async def aclose(self) -> None:
        await self._close_idle(math.inf)


class _Departure:
    """Notices, from httpcore's trace events, when the first byte of a request may have left."""

    def __init__(self) -> None:
        self.left = False

    async def __call__(self, event: str, _info: Mapping[str, object]) -> None:
        if event.endswith("send_request_headers.started"):
            self.left = True


class _Arrival:
    """An answer as it comes in."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._response: httpx.Response | None = None
        self._body = bytearray()

    async def read(self, response: httpx.Response) -> Answer:
        """The whole of it. Raises NoAnswer for one that is too large or cannot be unpacked."""
        if _declared(response) > self._max_bytes:
            raise NoAnswer("answer too large")
        self._response = response
        async for chunk in response.aiter_raw():
            self._body += chunk
            if len(self._body) > self._max_bytes:
                raise NoAnswer("answer too large")
        return self._answer(response, whole=True)

    def so_far(self) -> Answer | None:
        """What is there of it, if anything is and can be unpacked."""
        try:
            return self._answer(self._response, whole=False) if self._response and self._body else None
        except NoAnswer:
            return None

    def _answer(self, response: httpx.Response, *, whole: bool) -> Answer:
        headers = dict(response.headers.items())
        # By which a moment that it names is told from now.
        headers.setdefault("date", formatdate(usegmt=True))
        encoding = headers.pop("content-encoding", "identity").strip().lower()
        body = _decoded(bytes(self._body), encoding, self._max_bytes, whole=whole)
        return Answer(response.status_code, headers, body, whole)


async def send(
    transports: Transports, exchange: Exchange[ReadT], max_bytes: int, *, fresh: bool = False
) -> Answer:
    """See :meth:`providers.door.Door.send`."""
    departure, arrival = _Departure(), _Arrival(max_bytes)
    request = _request(exchange, departure)
    try:
        async with asyncio.timeout(exchange.timeout), transports.borrow(request.url, fresh=fresh) as line:
            response = await line.handle_async_request(request)
            try:
                return await arrival.read(response)
            finally:
                await response.aclose()
    except TimeoutError as error:
        raise _lost(departure, arrival, "deadline passed") from error
    except httpx.LocalProtocolError as error:
        # h11 refuses to write it: what may have left is at most half a request, which nobody acts on.
        raise NotSent("malformed request") from error
    except httpx.TransportError as error:
        raise _lost(departure, arrival, kind(error)) from error


def _lost(departure: _Departure, arrival: _Arrival, why: str) -> DoorError:
    return NoAnswer(why, arrival.so_far()) if departure.left else NotSent(why)


def _request(exchange: Exchange[ReadT], departure: _Departure) -> httpx.Request:
    # Within the deadline, for httpcore closes the socket of a handshake that timed out, but not of
    # one that was cancelled.
    connect = min(CONNECT_TIMEOUT, exchange.timeout / 2)
    # The wall clock bounds everything after connecting; a time-out per chunk would not.
    timeouts = httpx.Timeout(None, connect=connect, pool=connect).as_dict()
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **exchange.headers}
    try:
        if not 0 < (httpx.URL(exchange.url).port or 443) < 65536:
            raise NotSent("malformed request")
        return httpx.Request(
            exchange.method,
            exchange.url,
            headers=headers,
            content=exchange.body,
            extensions={"timeout": timeouts, "trace": departure},
        )
    except (httpx.InvalidURL, UnicodeError) as error:
        raise NotSent("malformed request") from error


def _declared(response: httpx.Response) -> int:
    value = response.headers.get("content-length", "0")
    return int(value) if value.isascii() and value.isdigit() else 0


def _decoded(body: bytes, encoding: str, max_bytes: int, *, whole: bool) -> bytes:
    """A server that compresses although it was asked not to has still answered; its bombs stay shut."""
    if encoding in {"identity", ""} or not body:
        return body
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise NoAnswer("unreadable encoding")
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        decoded = inflater.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise NoAnswer("unreadable encoding") from error
    if len(decoded) > max_bytes:
        raise NoAnswer("answer too large")
    if whole and not inflater.eof:
        raise NoAnswer("answer cut off")
    return decoded


_KINDS: dict[type[BaseException], str] = {
    ssl.SSLCertVerificationError: "certificate refused",
    ssl.SSLError: "TLS failed",
    socket.gaierror: "name not found",
    ConnectionRefusedError: "connection refused",
    httpx.ConnectTimeout: "connect timed out",
    httpx.PoolTimeout: "no free connection",
    httpx.ConnectError: "connect failed",
    httpx.UnsupportedProtocol: "malformed request",
    httpx.RemoteProtocolError: "answer cut off",
    httpx.TimeoutException: "too slow",
    httpx.NetworkError: "connection lost",
}


def kind(error: BaseException) -> str:
    """A few words for a network fault, from the most telling exception in its chain."""
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and len(chain) < 10:
        chain.append(cause)
        cause = cause.__cause__ or cause.__context__
    for known, words in _KINDS.items():
        if any(isinstance(link, known) for link in chain):
            return words
    return "network fault"
