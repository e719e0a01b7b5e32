"""Fetching what a URL that we did not choose leads to, safely: public hosts, bounded bytes and time.

A name is looked up once, every address of it must be public, and the connection goes to the
address that was checked, so a second look-up with another answer never happens. See the OWASP
cheat sheet on server-side request forgery.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import httpx

from providers.door.addresses import AddressRule, Resolver, is_internal_name
from providers.door.calls import CONNECT_TIMEOUT, USER_AGENT, kind, transport
from providers.door.errors import DownloadError, Trouble

MAX_REDIRECTS = 3
MAX_URL = 8192
MINIMUM_SPEED = 10 * 1024
_ADDRESSES_TRIED = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# What file hosts say of a signed link past its time: Google Cloud Storage 400, some 401, S3 and Azure 403.
_EXPIRED = frozenset({400, 401, 403, 404, 410})
_BUSY = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that arrived whole. ``content_type`` is the server's word, never to be trusted."""

    sha256: str
    size: int
    content_type: str


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most bytes; seconds in all; seconds in which 10 KiB/s must have been kept up."""

    max_bytes: int
    deadline: float
    patience: float


@dataclass(frozen=True, slots=True)
class Guard:
    """Which way out is allowed. URLs of ``open_origin`` (an operator's choice) may be http and private."""

    resolver: Resolver
    admits: AddressRule
    open_origin: str | None = None

    async def routes(self, url: httpx.URL) -> list[httpx.URL]:
        """The URL with its host replaced by each address that may be connected to, best first.

        Raises DownloadError, if it may not be fetched or its host is not found.
        """
        if url.userinfo or not _host(url) or not 0 < (url.port or 443) < 65536:
            raise DownloadError(Trouble.FORBIDDEN_ADDRESS, "a user name, no host, or no port in the URL")
        if self._is_open(url):
            return [url]
        if url.scheme != "https":
            raise DownloadError(Trouble.FORBIDDEN_ADDRESS, "not https")
        if is_internal_name(_host(url)):
            raise DownloadError(Trouble.FORBIDDEN_ADDRESS, "an internal name")
        addresses = await self._addresses(_host(url), url.port or 443)
        if not all(self.admits(address) for address in addresses):
            raise DownloadError(Trouble.FORBIDDEN_ADDRESS, "not a public address")
        return [url.copy_with(host=address) for address in addresses[:_ADDRESSES_TRIED]]

    def _is_open(self, url: httpx.URL) -> bool:
        if self.open_origin is None:
            return False
        mine = httpx.URL(self.open_origin)
        return (url.scheme, _host(url), url.port) == (mine.scheme, _host(mine), mine.port)

    async def _addresses(self, host: str, port: int) -> list[str]:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                addresses = list(await self.resolver(host, port))
        except UnicodeError as error:
            raise DownloadError(Trouble.FORBIDDEN_ADDRESS, "not a host name") from error
        except OSError as error:  # TimeoutError is one too
            raise DownloadError(Trouble.UNREACHABLE, "name not found") from error
        if not addresses:
            raise DownloadError(Trouble.UNREACHABLE, "name not found")
        return addresses


def _host(url: httpx.URL) -> str:
    """As it goes over the wire; ``url.host`` raises for what only looks like an international name."""
    return url.raw_host.decode("ascii")


async def download(tls: ssl.SSLContext, guard: Guard, url: str, destination: Path, bounds: Bounds) -> Fetched:
    """See :meth:`providers.door.Door.download`."""
    try:
        async with asyncio.timeout(bounds.deadline):
            here = _parsed(url)
            for _ in range(MAX_REDIRECTS + 1):
                async with _opened(tls, guard, here, bounds) as response:
                    if response.status_code not in _REDIRECTS:
                        return await _kept(response, destination, bounds)
                    here = _next(here, response)
    except TimeoutError as error:
        raise DownloadError(Trouble.TOO_SLOW, "deadline passed") from error
    raise DownloadError(Trouble.BAD_REDIRECT, f"more than {MAX_REDIRECTS}")


def _parsed(url: str) -> httpx.URL:
    try:
        if len(url) <= MAX_URL:
            return httpx.URL(url)
    except httpx.InvalidURL as error:
        raise DownloadError(Trouble.FORBIDDEN_ADDRESS, "not a URL") from error
    raise DownloadError(Trouble.FORBIDDEN_ADDRESS, "URL too long")


def _next(here: httpx.URL, response: httpx.Response) -> httpx.URL:
    location = response.headers.get("location", "")
    try:
        there = here.join(location)
    except (httpx.InvalidURL, ValueError) as error:
        raise DownloadError(Trouble.BAD_REDIRECT, "not a URL") from error
    if not location or len(location) > MAX_URL:
        raise DownloadError(Trouble.BAD_REDIRECT, "no usable Location")
    if here.scheme == "https" and there.scheme != "https":
        raise DownloadError(Trouble.BAD_REDIRECT, "from https to something less")
    return there


@asynccontextmanager
async def _opened(
    tls: ssl.SSLContext, guard: Guard, url: httpx.URL, bounds: Bounds
) -> AsyncIterator[httpx.Response]:
    """The answer to a GET, its body not yet read, from the first address that can be connected to."""
    routes = await guard.routes(url)
    async with transport(tls) as line:
        response = await _first_answer(line, url, routes, bounds)
        try:
            yield response
        finally:
            await response.aclose()


async def _first_answer(
    line: httpx.AsyncHTTPTransport, url: httpx.URL, routes: list[httpx.URL], bounds: Bounds
) -> httpx.Response:
    trouble = DownloadError(Trouble.UNREACHABLE)
    for route in routes:
        try:
            return await line.handle_async_request(_request(url, route, bounds))
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            trouble = DownloadError(Trouble.UNREACHABLE, kind(error))
            trouble.__cause__ = error
        except httpx.TimeoutException as error:
            raise DownloadError(Trouble.TOO_SLOW, "no answer") from error
        except httpx.TransportError as error:
            raise DownloadError(Trouble.UNREACHABLE, kind(error)) from error
    raise trouble


def _request(url: httpx.URL, route: httpx.URL, bounds: Bounds) -> httpx.Request:
    """A GET to ``route`` that names the host of ``url``, in its header and to TLS.

    Its connection is closed: pools tell connections apart by address, so it could otherwise be
    used for another name behind the same address, whose certificate nobody has checked.
    """
    timeouts = httpx.Timeout(bounds.patience, connect=CONNECT_TIMEOUT, pool=CONNECT_TIMEOUT)
    return httpx.Request(
        "GET",
        route,
        headers={
            "Host": url.netloc.decode("ascii"),
            "User-Agent": USER_AGENT,
            "Accept": "image/*",
            "Accept-Encoding": "identity",
            "Connection": "close",
        },
        extensions={
            "timeout": timeouts.as_dict(),
            "sni_hostname": _host(url).rstrip("."),
        },
    )


async def _kept(response: httpx.Response, destination: Path, bounds: Bounds) -> Fetched:
    """Stream an answer into ``destination``, which appears whole or not at all."""
    _check_status(response.status_code)
    if response.headers.get("content-encoding", "identity").strip().lower() not in {"identity", ""}:
        raise DownloadError(Trouble.BAD_ENCODING, "compressed, although asked not to be")
    length = response.headers.get("content-length", "")
    declared = int(length) if length.isascii() and length.isdigit() else None
    if declared is not None and declared > bounds.max_bytes:
        raise DownloadError(Trouble.TOO_LARGE, "by its own word")
    with _draft(destination) as file:
        sha256, size = await _copied(response, file, bounds)
        if not size:
            raise DownloadError(Trouble.EMPTY)
        if declared is not None and size != declared:
            raise DownloadError(Trouble.TRUNCATED, "not the declared length")
    return Fetched(sha256, size, response.headers.get("content-type", ""))


def _check_status(status: int) -> None:
    if status == httpx.codes.OK:
        return
    if status in _EXPIRED:
        raise DownloadError(Trouble.EXPIRED, str(status))
    if status >= httpx.codes.INTERNAL_SERVER_ERROR or status in _BUSY:
        raise DownloadError(Trouble.SERVER_ERROR, str(status))
    raise DownloadError(Trouble.BAD_STATUS, str(status))


@contextmanager
def _draft(destination: Path) -> Iterator[BinaryIO]:
    """A file beside ``destination`` that takes its name when the block ends well, and is gone otherwise."""
    handle, name = tempfile.mkstemp(dir=destination.parent, prefix=".download-")
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        draft.replace(destination)
    finally:
        draft.unlink(missing_ok=True)


async def _copied(response: httpx.Response, file: BinaryIO, bounds: Bounds) -> tuple[str, int]:
    """The sha256 and size of a body, written to ``file`` as it comes."""
    clock = asyncio.get_running_loop().time
    digest, size = hashlib.sha256(), 0
    window, before = clock(), 0
    try:
        async for chunk in response.aiter_raw():
            size += len(chunk)
            if size > bounds.max_bytes:
                raise DownloadError(Trouble.TOO_LARGE, "more than the cap")
            digest.update(chunk)
            file.write(chunk)
            if clock() - window >= bounds.patience:
                if size - before < MINIMUM_SPEED * bounds.patience:
                    raise DownloadError(Trouble.TOO_SLOW, "below the minimum speed")
                window, before = clock(), size
    except httpx.TimeoutException as error:
        raise DownloadError(Trouble.TOO_SLOW, "stalled") from error
    except httpx.TransportError as error:
        raise DownloadError(Trouble.TRUNCATED, kind(error)) from error
    return digest.hexdigest(), size
