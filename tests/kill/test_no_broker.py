"""No broker at all, from the first request on: what was asked for is taken, found and made all the same."""

from __future__ import annotations

import httpx
import pytest

from generations.models import Generation
from providers.sandbox.client import Control
from tests.conftest import Person
from tests.ground.stage import free_port
from tests.kill.conftest import Serve
from tests.kill.fleet import Fleet, listening
from tests.kill.stage import STORED, all_ended, assert_ledgers_agree, outcome


@pytest.fixture
def client(fleet: Fleet, serve: Serve, person: Person) -> httpx.Client:
    """For a web process whose broker refuses every connection, as everybody's in the fleet."""
    fleet.environment["BROKER_URL"] = f"redis://127.0.0.1:{free_port()}/0"
    return serve(person)


def test_orders_are_taken_and_made_while_nobody_answers_at_the_brokers_address(
    client: httpx.Client, fleet: Fleet, person: Person, gateways: Control
) -> None:
    orders = [{"prompt": f"boat {number}", "provider": "bytespike"} for number in range(3)]
    answers = [client.post("/api/v1/generations", json=order) for order in orders]
    assert [answer.status_code for answer in answers] == [202] * 3
    assert {answer.json()["status"] for answer in answers} == {"queued"}
    generations = list(Generation.objects.all())
    assert person.wallet.held == sum(one.quoted for one in generations) > 0

    workers = [fleet.net(), fleet.media()]
    listening(2)
    all_ended(generations)
    assert [outcome(one) for one in generations] == [STORED] * 3
    assert client.get("/api/v1/generations").status_code == 200
    for worker in workers:
        worker.terminate()
    assert [worker.ends() for worker in workers] == [0, 0]
    assert_ledgers_agree(gateways)
