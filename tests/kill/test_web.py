"""The web process: killed while it takes an order, beside a broker that says nothing, and as a way back."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import httpx
import pytest

from generations.models import Generation, WebhookEvent
from providers.sandbox.client import Control
from tests.conftest import Person, eventually
from tests.kill.conftest import Serve, alive
from tests.kill.fleet import Fleet, listening
from tests.kill.stage import STORED, all_ended, ask_at, assert_ledgers_agree, outcome

PATIENCE = 5.0
"""Seconds a client waits: far less than the silent broker would keep whoever waits for it."""


class SilentBroker:
    """A Redis that takes connections and never says a word."""

    def __init__(self, door: socket.socket) -> None:
        self._door = door
        self.url = f"redis://127.0.0.1:{door.getsockname()[1]}/0"

    def is_called(self) -> None:
        """Wait until somebody has tried to talk to it."""
        self._door.settimeout(30)
        self._door.accept()[0].close()


@pytest.fixture
def silent_broker(fleet: Fleet) -> Iterator[SilentBroker]:
    """The broker of everybody in the fleet."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as door:
        broker = SilentBroker(door)
        fleet.environment["BROKER_URL"] = broker.url
        yield broker


def test_an_order_cut_off_by_death_held_nothing_and_is_given_once_when_repeated(
    fleet: Fleet,
    serve: Serve,
    silent_broker: SilentBroker,
    person: Person,
    gateways: Control,
) -> None:
    client = serve(person, at="after_hold", patience=PATIENCE)
    headers = {"Idempotency-Key": "the same order"}
    order = {"prompt": "a red boat", "provider": "bytespike"}

    with pytest.raises(httpx.TransportError):
        client.post("/api/v1/generations", json=order, headers=headers)
    assert not Generation.objects.exists()
    assert (person.wallet.available, person.wallet.held) == (person.wallet.granted, 0)

    eventually(lambda: alive(client), what="the web process again")
    answers = [client.post("/api/v1/generations", json=order, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    generation = Generation.objects.get()
    assert person.wallet.held == generation.quoted
    silent_broker.is_called()  # without anybody having waited for its answer

    fleet.net(), fleet.media()  # which find the work by themselves
    all_ended([generation])
    assert outcome(generation) == STORED
    assert_ledgers_agree(gateways)


def test_workers_stop_in_order_although_their_broker_says_nothing(
    fleet: Fleet, silent_broker: SilentBroker, gateways: Control
) -> None:
    workers = [fleet.net(), fleet.media()]
    listening(2)
    for worker in workers:
        worker.terminate()
    assert [worker.ends() for worker in workers] == [0, 0]


def test_a_lost_answer_of_a_gateway_that_only_writes_to_us_is_found_by_what_it_wrote(
    fleet: Fleet, serve: Serve, person: Person, gateways: Control
) -> None:
    serve()
    gateways.settings("prospolabs", latency=1)
    generation = ask_at(person, "prospolabs")
    fleet.net(at="after_answer").is_killed()
    eventually(WebhookEvent.objects.exists, what="the gateway's letter")

    fleet.net(), fleet.media()
    all_ended([generation])
    assert outcome(generation) == STORED
    assert gateways.count("prospolabs") == 1
    assert_ledgers_agree(gateways)
