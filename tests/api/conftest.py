"""Callers of the API: people with keys, with a test client or over a real socket."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import httpx
import openai
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.test import Client
from PIL import Image

from accounts import actions
from generations import waiting
from generations.engine.net import Net
from tests.conftest import Person, make_person


@pytest.fixture
def shop(db: None) -> None:
    """Prices and sandbox accounts, in a transaction that is rolled back."""
    call_command("seed", verbosity=0)


@pytest.fixture
def ada(shop: None) -> Person:
    return make_person("ada@example.com")


@pytest.fixture
def stranger(shop: None) -> Person:
    return make_person("stranger@example.com")


def secret_of(person: Person, *scopes: str, **fields: Any) -> str:
    _, secret = actions.create_api_key(user=person.user, name="test", scopes=scopes, **fields)
    return secret


def client_of(person: Person, *scopes: str, **fields: Any) -> Client:
    """A program with a key of this person."""
    secret = secret_of(person, *scopes, **fields)
    return Client(raise_request_exception=False, headers={"authorization": f"Bearer {secret}"})


def send(
    client: Client, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> Any:
    """A JSON request; the answer's ``json()`` and headers as they come."""
    call = getattr(client, method.lower())
    if body is None:
        return call(path, headers=headers)
    return call(path, body, content_type="application/json", headers=headers)


def png(width: int = 64, height: int = 48, color: str = "teal") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), color).save(out, "PNG")
    return out.getvalue()


def upload(client: Client, data: bytes | None = None, **fields: Any) -> Any:
    file = SimpleUploadedFile("boat.png", png() if data is None else data, "image/png")
    return client.post("/api/v1/assets", {"file": file, **fields})


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002, RUF100
        pass


class _Server(ThreadedWSGIServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Callers that hang up are part of the tests."""


@pytest.fixture
def server(live: str, settings: Any) -> Iterator[str]:
    """The web process on a real socket; its address."""
    httpd = _Server(("127.0.0.1", 0), _Quiet)
    httpd.daemon_threads = True
    settings.PUBLIC_URL = f"http://127.0.0.1:{httpd.server_address[1]}"
    httpd.set_app(WSGIHandler())
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield settings.PUBLIC_URL
    httpd.shutdown()
    httpd.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def _quick_and_quiet(settings: Any) -> Iterator[None]:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # WhiteNoise warns where there is none
    yield
    waiting.stop()


@pytest.fixture
def running(engine: Net, server: str) -> str:
    """Everything but the browser: web, engine, gateways."""
    return server


Sdk = Callable[..., openai.OpenAI]


@pytest.fixture
def sdk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sdk]:
    """Makes clients of the SDK, as it is, for a server and a person."""
    monkeypatch.setenv("NO_PROXY", "*")  # the machine's proxy is none of the test's business
    with ExitStack() as made:

        def client(server: str, person: Person, **more: Any) -> openai.OpenAI:
            options = {"max_retries": 0, "timeout": 60, **more}
            return made.enter_context(
                openai.OpenAI(api_key=secret_of(person), base_url=f"{server}/v1", **options)
            )

        yield client


def wish(server: str, secret: str, count: int = 0, **body: Any) -> httpx.Response:
    """What the SDK sends, with the retry count in our hands."""
    return httpx.post(
        f"{server}/v1/images/generations",
        json={"prompt": "a red boat", "model": "seedream-5-lite@bytespike", **body},
        headers={"Authorization": f"Bearer {secret}", "x-stainless-retry-count": str(count)},
        trust_env=False,
        timeout=60,
    )
