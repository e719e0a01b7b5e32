"""The same on RabbitMQ: a killed worker's message comes back, and nothing is done twice."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from kombu import Connection, Queue

from config.celery import app
from generations.models import Submission
from generations.tasks import wake_net
from providers.sandbox.client import Control
from tests.conftest import Person, eventually
from tests.kill.fleet import PATIENT, Fleet
from tests.kill.stage import STORED, all_ended, ask_at, ask_everywhere, assert_ledgers_agree, outcome

pytestmark = pytest.mark.services


@pytest.fixture
def rabbit(fleet: Fleet) -> Iterator[Connection]:
    url = os.environ.get("TEST_AMQP_URL")
    if not url:
        pytest.skip("RabbitMQ: TEST_AMQP_URL does not name one")
    fleet.environment |= {"BROKER_URL": url}
    with Connection(url) as link:
        _empty(link)
        yield link
        _empty(link)


def _empty(link: Connection) -> None:
    for name in ("net", "media"):
        queue = Queue(name, channel=link.channel())
        queue.declare()
        queue.purge()


def _waiting(link: Connection) -> int:
    found: Any = Queue("net", channel=link.channel()).queue_declare(passive=True)
    return int(found.message_count)


def test_one_message_delivered_five_times_is_one_order_on_rabbitmq(
    rabbit: Connection, fleet: Fleet, person: Person, gateways: Control
) -> None:
    generations = ask_everywhere(person)
    for _ in range(5):
        app.send_task(wake_net.name, task_id="one-and-the-same", connection=rabbit)
    eventually(lambda: _waiting(rabbit) == 5, what="five messages")
    fleet.environment["SEEDBANK_LEASE"] = str(PATIENT)
    fleet.net(), fleet.net(), fleet.media()

    all_ended(generations.values())
    eventually(lambda: _waiting(rabbit) == 0, what="every message taken")
    assert {outcome(generation) for generation in generations.values()} == {STORED}
    assert set(Submission.objects.values_list("posts", flat=True)) == {1}
    assert_ledgers_agree(gateways)


def test_a_worker_killed_after_an_answer_leaves_nothing_undone_on_rabbitmq(
    rabbit: Connection, fleet: Fleet, person: Person, gateways: Control
) -> None:
    net = fleet.net(at="after_record")
    fleet.media()
    generation = ask_at(person, "runware")
    app.send_task(wake_net.name, connection=rabbit)
    net.is_killed()
    fleet.net()

    all_ended([generation])
    assert outcome(generation) == STORED
    assert Submission.objects.get().posts == 1
    assert_ledgers_agree(gateways)
