"""Callers of the API: people with keys, with a test client or over a real socket."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import httpx
import openai
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator

from accounts import actions
from generations.engine.net import Net
from tests.conftest import Person, png
from tests.serving import serving


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


def upload(client: Client, data: bytes | None = None, **fields: Any) -> Any:
    file = SimpleUploadedFile("boat.png", png() if data is None else data, "image/png")
    return client.post("/api/v1/assets", {"file": file, **fields})


@pytest.fixture(scope="session")
def schema() -> dict[str, Any]:
    """The API's description, made once; nobody changes it."""
    with GENERATOR_STATS.silence():
        found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return found


@pytest.fixture
def server(live: str, settings: Any) -> Iterator[str]:
    """The web process on a real socket; its address."""
    with serving(settings) as address:
        yield address


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
