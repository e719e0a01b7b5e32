"""Starting the sandbox: a port for the control endpoint and one for each gateway, on one event loop."""

import asyncio
import contextlib
import resource
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import web

from providers.sandbox.aigateway import AIgateway
from providers.sandbox.bytespike import Bytespike
from providers.sandbox.client import Control
from providers.sandbox.control import Endpoint
from providers.sandbox.entrance import app
from providers.sandbox.prospolabs import Prospolabs
from providers.sandbox.runware import Runware
from providers.sandbox.threedai import ThreeDAI
from providers.sandbox.world import World

GATEWAYS = (AIgateway, Bytespike, ThreeDAI, Runware, Prospolabs)  # their ports follow the registry's order
BACKLOG = 2048
OPEN_FILES = 16_384


@contextlib.asynccontextmanager
async def serving(host: str, port: int, latency: float | None) -> AsyncIterator[tuple[str, World]]:
    """Serve until left. Control listens on ``port``, the gateways on those after it; 0 takes free ones.

    Yields the control endpoint's address. Raises OSError where a port is taken.
    """
    world = World(latency)
    async with contextlib.AsyncExitStack() as stack:
        world.http = await stack.enter_async_context(aiohttp.ClientSession(trust_env=False))
        stack.callback(world.pool.shutdown)
        stack.callback(world.reset)
        control = await _listen(stack, Endpoint(world).app(), host, port)
        for number, kind in enumerate(GATEWAYS, start=1):
            address = await _listen(stack, app(kind(world)), host, port and port + number)
            world.origins[kind.slug] = address
        yield control, world


async def _listen(stack: contextlib.AsyncExitStack, served: web.Application, host: str, port: int) -> str:
    listening = socket.create_server((host, port), backlog=BACKLOG)
    runner = web.AppRunner(served, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.SockSite(runner, listening, backlog=BACKLOG).start()
    return f"http://{host}:{listening.getsockname()[1]}"


def run(host: str, port: int, latency: float | None) -> None:
    """Serve until SIGINT or SIGTERM. ``latency`` is seconds a call takes; None is about two."""
    _raise_open_files()
    asyncio.run(_run(host, port, latency))


async def _run(host: str, port: int, latency: float | None) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with serving(host, port, latency) as (control, world):
        sys.stdout.write(f"Sandbox gateways (pictures and money are not real): {control}\n")
        for slug, origin in world.origins.items():
            sys.stdout.write(f"  {slug:<12}{origin}\n")
        sys.stdout.flush()
        await stopped.wait()


def _raise_open_files() -> None:
    """A thousand calls held at once need more files than many systems allow at first."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Sandbox:
    """The sandbox in a thread of this process, on free ports unless told otherwise.

    ``with start(latency=0) as sandbox: sandbox.origin("runware"); sandbox.control.fault(...)``
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0, latency: float | None = 0.0) -> None:
        self._asked = (host, port, latency)
        self._ready = threading.Event()
        self._failure: OSError | None = None
        self._thread = threading.Thread(target=self._serve, name="sandbox", daemon=True)
        self._origins: dict[str, str] = {}
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._control = ""

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        if self._failure:
            raise self._failure
        self.control = Control(self._control)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.control.close()
        if self._loop and self._stop:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def origin(self, gateway: str) -> str:
        """The base URL of one gateway, without a path."""
        return self._origins[gateway]

    def _serve(self) -> None:
        asyncio.run(self._served())

    async def _served(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        try:
            async with serving(*self._asked) as (self._control, world):
                self._origins = world.origins
                self._ready.set()
                await self._stop.wait()
        except OSError as error:
            self._failure = error
            self._ready.set()


def start(host: str = "127.0.0.1", port: int = 0, latency: float | None = 0.0) -> Sandbox:
    """A sandbox for tests, to be entered with ``with``."""
    return Sandbox(host, port, latency)
