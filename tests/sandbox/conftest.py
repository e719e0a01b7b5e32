"""One sandbox for all tests here; each begins with nothing bought, nothing ordered, and tiny pictures."""

import base64
import threading
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image

from providers.sandbox.client import Control
from providers.sandbox.server import Sandbox, start
from tests.sandbox.receiver import Receiver, receiving


@pytest.fixture(scope="session")
def running() -> Iterator[Sandbox]:
    with start(latency=0) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    running.control.reset()
    running.control.settings(picture="tiny")
    return running


@pytest.fixture
def control(sandbox: Sandbox) -> Control:
    return sandbox.control


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


class Caller:
    """An HTTP client with a key for one gateway."""

    def __init__(self, origin: str, headers: dict[str, str]) -> None:
        self.http = httpx.Client(base_url=origin, headers=headers, timeout=20, trust_env=False)

    def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        return self.http.post(path, json=body, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def get(self, path: str) -> httpx.Response:
        return self.http.get(path)


@pytest.fixture
def caller(sandbox: Sandbox) -> Iterator[Callable[..., Caller]]:
    """Makes a caller: ``caller("runware")`` or with another key."""
    made: list[Caller] = []

    def make(gateway: str, key: str = "key-of-a-test", header: str = "Authorization") -> Caller:
        value = f"Bearer {key}" if header == "Authorization" else key
        made.append(Caller(sandbox.origin(gateway), {header: value} if key else {}))
        return made[-1]

    yield make
    for one in made:
        one.http.close()


def picture(width: int = 64, height: int = 48, colour: str = "orange", kind: str = "PNG") -> bytes:
    file = BytesIO()
    Image.new("RGB", (width, height), colour).save(file, kind)
    return file.getvalue()


def data_uri(data: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(data).decode()


def eventually(condition: Callable[[], bool]) -> None:
    """Ask until it is true."""
    for _ in range(500):
        if condition():
            return
        threading.Event().wait(0.02)
    pytest.fail("It never became true.")


def opened(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image
