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


CONTEXT = httpx.create_ssl_context()  # made once: it takes longer than a test


def get(url: str, **options: Any) -> httpx.Response:
    """Fetch a link, without a key."""
    return httpx.get(url, verify=CONTEXT, trust_env=False, timeout=20, **options)


class Caller:
    """An HTTP client with a key for one gateway."""

    def __init__(self, origin: str, headers: dict[str, str]) -> None:
        self.http = httpx.Client(
            base_url=origin, headers=headers, timeout=20, trust_env=False, verify=CONTEXT
        )

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


AIG_MODEL = "bytedance/bytedance-seedream-v5-lite-edit"
RW_TASK = {
    "taskType": "imageInference",
    "model": "bytedance:seedream@5.0-lite",
    "positivePrompt": "a fox",
    "width": 2048,
    "height": 2048,
}
SUBMITS: dict[str, tuple[str, Any]] = {
    "aigateway": ("/v1/images/generations", {"model": AIG_MODEL, "prompt": "a fox"}),
    "bytespike": ("/v1/images/generations", {"model": "seedream-v5lite", "prompt": "a fox"}),
    "threedai": ("/v1/images/seedream/v5/lite/generate/", {"prompt": "a fox"}),
    "runware": ("/v1", [{**RW_TASK, "taskUUID": "0c5ad1a2-3d83-4b0c-9f1e-2f9a1f0b7a10"}]),
    "prospolabs": ("/v1/generate", {"model": "seedream-5-lite", "mode": "generate", "prompt": "a fox"}),
}
Submit = Callable[[str], httpx.Response]


@pytest.fixture
def submit(caller: Callable[..., Caller]) -> Submit:
    def post(gateway: str) -> httpx.Response:
        path, body = SUBMITS[gateway]
        return caller(gateway).post(path, body)

    return post


@pytest.fixture
def link(submit: Submit) -> str:
    return str(submit("prospolabs").json()["output_url"])
