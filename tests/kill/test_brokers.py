"""Messages only wake: lost, doubled or without a broker, every thing is done once."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from kombu import Connection

from config.celery import app
from generations.models import Submission
from generations.tasks import wake_net
from providers.sandbox.client import Control
from tests.conftest import Person, eventually
from tests.ground.stage import free_port
from tests.kill.fleet import PATIENT, Fleet, listening
from tests.kill.stage import (
    GATEWAYS,
    STORED,
    all_ended,
    ask_at,
    ask_everywhere,
    assert_ledgers_agree,
    outcome,
    something_moves,
)


class Redis:
    """A server of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        words = ("--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder))
        self.process = subprocess.Popen(
            (str(shutil.which("redis-server")), *words), stdout=subprocess.DEVNULL, start_new_session=True
        )
        self.url = f"redis://127.0.0.1:{self.port}/0"
        eventually(lambda: self.say("PING") == "+PONG", what="Redis")

    def say(self, *words: str) -> str:
        """One command in Redis's own protocol; the first line of its answer."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as wire:
                parts = "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
                wire.sendall(f"*{len(words)}\r\n{parts}".encode())
                return wire.recv(4096).decode().partition("\r\n")[0]
        except ConnectionError:
            return ""

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def redis(fleet: Fleet, tmp_path: Path) -> Iterator[Redis]:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not on this machine")
    server = Redis(tmp_path)
    # Redelivery after 6 s: the default would hide duplicates in a short test.
    fleet.environment |= {"BROKER_URL": server.url, "BROKER_VISIBILITY_TIMEOUT": "6"}
    yield server
    server.end()


@pytest.mark.services
def test_all_messages_lost_with_work_under_way_lose_no_work(
    redis: Redis, fleet: Fleet, person: Person, gateways: Control
) -> None:
    fleet.net(), fleet.media()
    listening(2)
    generations = [ask_at(person, gateway) for gateway in GATEWAYS for _ in range(2)]
    for _ in range(8):
        assert redis.say("FLUSHALL") == "+OK"
        something_moves()

    all_ended(generations)
    assert {outcome(generation) for generation in generations} == {STORED}
    assert set(Submission.objects.values_list("posts", flat=True)) == {1}
    assert_ledgers_agree(gateways)


@pytest.mark.services
def test_one_message_delivered_five_times_is_one_order(
    redis: Redis, fleet: Fleet, person: Person, gateways: Control
) -> None:
    generations = ask_everywhere(person)
    with Connection(redis.url) as link:
        for _ in range(5):
            app.send_task(wake_net.name, task_id="one-and-the-same", connection=link)
    assert redis.say("LLEN", "net") == ":5"
    fleet.environment["SEEDBANK_LEASE"] = str(PATIENT)
    fleet.net(), fleet.net(), fleet.media()

    all_ended(generations.values())
    eventually(lambda: redis.say("LLEN", "net") == ":0", what="every message taken")
    assert {outcome(generation) for generation in generations.values()} == {STORED}
    assert set(Submission.objects.values_list("posts", flat=True)) == {1}
    assert_ledgers_agree(gateways)


@pytest.mark.services
def test_a_broker_that_dies_takes_no_work_with_it(
    redis: Redis, fleet: Fleet, person: Person, gateways: Control
) -> None:
    net, media = fleet.net(), fleet.media()
    listening(2)
    redis.end()
    generations = ask_everywhere(person)

    all_ended(generations.values())
    assert {outcome(generation) for generation in generations.values()} == {STORED}
    net.terminate()
    media.terminate()
    assert (net.ends(), media.ends()) == (0, 0)
    assert_ledgers_agree(gateways)
