"""Real processes around a database of their own; none is left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from providers.sandbox.client import Control
from tests.api.conftest import secret_of
from tests.conftest import Person, eventually
from tests.ground.stage import free_port
from tests.kill.fleet import Fleet
from tests.kill.stage import own_accounts

Serve = Callable[..., httpx.Client]


@pytest.fixture
def fleet(gateways: Control, tmp_path: Path) -> Iterator[Fleet]:
    own_accounts()
    started = Fleet(tmp_path)
    yield started
    started.clear()


@pytest.fixture
def serve(fleet: Fleet) -> Iterator[Serve]:
    """Starts the web process, and gives a client for it: a program of the person's, if there is one."""
    with ExitStack() as clients:

        def start(person: Person | None = None, *, at: str = "", patience: float = 60.0) -> httpx.Client:
            port = free_port()
            fleet.environment["PUBLIC_URL"] = f"http://127.0.0.1:{port}"
            fleet.web(port, at=at)
            headers = {"Authorization": f"Bearer {secret_of(person)}"} if person else {}
            client = clients.enter_context(
                httpx.Client(base_url=fleet.environment["PUBLIC_URL"], headers=headers, timeout=patience)
            )
            eventually(lambda: alive(client), within=60, what="the web process")
            return client

        yield start


def alive(client: httpx.Client) -> bool:
    with suppress(httpx.TransportError):
        return client.get("/health/live").status_code == 200
    return False
