"""The database fails workers in the middle of their work: connections are cut, tables are not there yet."""

from __future__ import annotations

import psycopg
from django.db import connection, transaction

from generations.engine.listening import connection_parameters
from generations.models import Generation
from providers.sandbox.client import Control
from tests.conftest import Person, eventually
from tests.kill.fleet import Fleet, cut_connections, listening
from tests.kill.stage import (
    GATEWAYS,
    STORED,
    all_ended,
    ask_at,
    assert_ledgers_agree,
    outcome,
    something_moves,
)

CUTS = 5


def test_cut_connections_cost_nothing_but_time(fleet: Fleet, person: Person, gateways: Control) -> None:
    fleet.net(), fleet.net(), fleet.media()
    generations = [ask_at(person, gateway, count=2) for gateway in GATEWAYS]
    cut = 0
    for _ in range(CUTS):
        something_moves()
        cut += cut_connections()
    assert cut > CUTS

    all_ended(generations)
    assert_ledgers_agree(gateways)


def test_an_answer_whose_recording_was_cut_off_is_recorded_again(
    fleet: Fleet, person: Person, gateways: Control
) -> None:
    gateways.settings("bytespike", latency=3600)
    fleet.net(), fleet.media()
    listening(2)
    generation = ask_at(person, "bytespike")
    eventually(gateways.bill, what="the call on the wire")
    with transaction.atomic():
        Generation.objects.select_for_update().get(id=generation.id)
        gateways.advance(3600)
        _somebody_waits_for_it()
        cut_connections()

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


def _somebody_waits_for_it() -> None:
    """Wait until a worker wants a row that the test has locked; seen from outside the test's transaction."""
    waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'"
    parameters = connection_parameters()
    with psycopg.connect(**{**parameters, "dbname": "postgres"}, autocommit=True) as link:
        eventually(lambda: link.execute(waiting, [parameters["dbname"]]).fetchone(), what="a worker waiting")
