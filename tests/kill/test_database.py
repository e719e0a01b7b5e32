"""The database goes away in the middle: its connections are cut, or it lets nobody in for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import connection
from django.utils import timezone

from generations.engine.listening import connection_parameters
from generations.states import SubmissionState
from providers.sandbox.client import Control
from tests.conftest import Person, eventually
from tests.kill.fleet import Fleet, cut_connections, listening
from tests.kill.stage import (
    GATEWAYS,
    STORED,
    all_ended,
    ask_at,
    assert_ledgers_agree,
    in_state,
    outcome,
    something_moves,
    submission_of,
)

CUTS = 8


def test_cut_connections_cost_nothing_but_time(fleet: Fleet, person: Person, gateways: Control) -> None:
    fleet.net(), fleet.net(), fleet.media()
    generations = [ask_at(person, gateway, count=2) for gateway in GATEWAYS for _ in range(2)]
    cut = 0
    for _ in range(CUTS):
        something_moves()
        cut += cut_connections()
    assert cut > CUTS

    all_ended(generations)
    assert_ledgers_agree(gateways)


def test_an_answer_is_kept_in_hand_until_the_database_is_back(
    fleet: Fleet, person: Person, gateways: Control
) -> None:
    gateways.settings("bytespike", latency=0.5)
    fleet.net(), fleet.media()
    listening(2)
    generation = ask_at(person, "bytespike")
    eventually(gateways.bill, what="the call on the wire")
    submission = submission_of(generation)
    with _nobody_let_in():
        eventually(lambda: gateways.requests("bytespike", "submit")[0]["status"] == 200, what="the answer")
        eventually(
            lambda: (submission_of(generation).lease_until or timezone.now()) < timezone.now(),
            what="the end of the lease",
        )
        assert in_state(submission, SubmissionState.SENDING)

    eventually(lambda: outcome(generation) == STORED, what="the picture")
    assert_ledgers_agree(gateways)


def test_a_worker_that_is_there_before_its_tables_begins_when_they_are(
    fleet: Fleet, person: Person, gateways: Control
) -> None:
    generation = ask_at(person, "bytespike")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE generations_submission RENAME TO not_migrated_yet")
    net = fleet.net()
    fleet.media()
    listening(2)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE not_migrated_yet RENAME TO generations_submission")
    all_ended([generation])
    assert net.code is None
    assert outcome(generation) == STORED


@contextmanager
def _nobody_let_in() -> Iterator[None]:
    """The database refuses new connections and has cut those there were, except the test's own."""
    name = connection.settings_dict["NAME"]
    parameters = {**connection_parameters(), "dbname": "postgres"}
    with psycopg.connect(**parameters, autocommit=True) as link:
        link.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        try:
            cut_connections()
            yield
        finally:
            link.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())
