"""Callers who take their time: nobody else waits for them."""

from __future__ import annotations

import io
import json
import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from django.db import connection
from PIL import Image

from generations.actions import references, uploads
from generations.imaging import bounded
from tests.api.conftest import secret_of
from tests.conftest import Person, eventually, png

MANY = 26
"""More than there are connections to the database."""


def taken() -> int:
    """Connections to the database that somebody holds."""
    told = connection.pool.get_stats()  # type: ignore[attr-defined]
    return int(told["pool_size"] - told["pool_available"])


@pytest.fixture
def noise(person: Person) -> str:
    """The address of a picture that no buffer between two sockets holds."""
    picture, file = Image.frombytes("RGB", (2400, 2400), os.urandom(3 * 2400 * 2400)), io.BytesIO()
    picture.save(file, "PNG", compress_level=0)
    asset = uploads.upload(
        principal=person.principal, project_id=person.project.id, chunks=[file.getvalue()], name="noise.png"
    )
    return f"/api/v1/assets/{asset.id}/content"


@pytest.fixture
def callers(server: str) -> Iterator[list[socket.socket]]:
    """So many connections to our server."""
    host = urlsplit(server)
    with ExitStack() as stack:
        yield [
            stack.enter_context(closing(socket.create_connection((host.hostname, host.port))))
            for _ in range(MANY)
        ]


def test_readers_who_do_not_read_on_hold_no_connection_to_the_database(
    server: str, person: Person, noise: str, callers: list[socket.socket]
) -> None:
    secret = secret_of(person)
    connection.close()
    for caller in callers:
        caller.sendall(
            f"GET {noise} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {secret}\r\n\r\n".encode()
        )
    for caller in callers:
        assert caller.recv(12) == b"HTTP/1.1 200"
    eventually(lambda: taken() == 0, what="every connection being back in the pool")


@pytest.mark.parametrize("size", [100, 1_000_000], ids=["a small body", "a large one"])
def test_senders_who_do_not_send_on_hold_no_connection_to_the_database(
    server: str, person: Person, callers: list[socket.socket], size: int
) -> None:
    secret = secret_of(person)
    connection.close()
    begun = json.dumps({"prompt": "a red boat"})[:-1]
    for caller in callers:
        caller.sendall(
            f"POST /api/v1/quotes HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {secret}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {size}\r\n\r\n{begun}".encode()
        )
    with httpx.Client(base_url=server, headers={"Authorization": f"Bearer {secret}"}, trust_env=False) as me:
        assert me.get("/api/v1/me", timeout=30).status_code == 200
    eventually(lambda: taken() == 0, what="every connection being back in the pool")
    for caller in callers:
        caller.sendall(b" " * (size - len(begun) - 1) + b"}")
        assert caller.recv(12) == b"HTTP/1.1 200"


def test_references_from_slow_hosts_hold_no_connection_and_are_limited_in_number(
    server: str, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(references, "_seats", threading.BoundedSemaphore(1))
    secret = secret_of(person)
    wish = {"prompt": "a red boat", "provider": "runware", "references": ["https://198.51.100.7/a.png"]}
    references._seats.acquire()
    with httpx.Client(base_url=server, headers={"Authorization": f"Bearer {secret}"}, trust_env=False) as me:
        answer = me.post("/api/v1/generations", json=wish, timeout=30)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "too_many_waiting")
        assert int(answer.headers["Retry-After"]) > 0
        references._seats.release()
        answer = me.post("/api/v1/generations", json=wish, timeout=30)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_parameter")
    assert person.wallet.held == 0


def test_pictures_that_wait_to_be_decoded_hold_no_connection(
    server: str, person: Person, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SCRATCH_DIR = tmp_path
    monkeypatch.setattr(bounded, "_places", threading.BoundedSemaphore(1))
    secret = secret_of(person)
    connection.close()

    def ask(address: str) -> int:
        picture = {"file": ("a.png", png(), "image/png")}
        with httpx.Client(
            base_url=server, headers={"Authorization": f"Bearer {secret}"}, trust_env=False
        ) as me:
            return me.post(address, files=picture, timeout=60).status_code

    addresses = ["/api/v1/assets", "/api/v1/assets/find"]
    with ThreadPoolExecutor(2) as callers:
        with bounded._places:
            asked = [callers.submit(ask, address) for address in addresses]
            eventually(lambda: len(list(tmp_path.iterdir())) == 3, what="both having come")
            eventually(lambda: taken() == 0, what="every connection being back in the pool")
        assert [one.result() for one in asked] == [201, 200]
