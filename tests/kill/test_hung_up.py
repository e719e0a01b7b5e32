"""A program that hangs up before it is answered, and asks again with its key."""

from __future__ import annotations

import json
import socket
from urllib.parse import urlsplit

import httpx

from billing.models import Hold
from generations.models import Generation
from providers.sandbox.client import Control
from tests.conftest import Person, eventually
from tests.kill.conftest import Serve

ORDER = {"prompt": "a red boat", "provider": "bytespike"}


def say_and_hang_up(client: httpx.Client, path: str, headers: dict[str, str]) -> Generation:
    """The whole request is sent, and whoever sent it is gone once it is taken, before any answer is read.

    Not sooner: of a caller who is gone before the request is read, the server owes nothing.
    """
    body = json.dumps(ORDER).encode()
    parts = urlsplit(str(client.base_url))
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {parts.netloc}",
        f"Authorization: {client.headers['Authorization']}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    with socket.create_connection((str(parts.hostname), parts.port or 80), timeout=30) as link:
        link.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        taken: Generation = eventually(Generation.objects.first, what="an order of which nobody has heard")
    return taken


def test_who_hangs_up_and_asks_again_with_the_same_key_gets_the_first_order(
    serve: Serve, person: Person, gateways: Control
) -> None:
    client = serve(person)
    headers = {"Idempotency-Key": "the same order"}
    generation = say_and_hang_up(client, "/api/v1/generations", headers)

    answer = client.post("/api/v1/generations", json=ORDER, headers=headers)
    assert (answer.status_code, answer.headers["Idempotency-Replayed"]) == (202, "true")
    assert answer.json()["id"] == str(generation.id)
    assert Generation.objects.count() == Hold.objects.count() == 1
    assert person.wallet.held == generation.quoted
