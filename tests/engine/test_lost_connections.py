"""A database that cuts a worker off, or only reads: what was in hand is written all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection, transaction

from generations.engine.listening import connection_parameters
from generations.engine.net import Net
from generations.engine.persistence import in_transaction
from generations.models import Generation
from providers.sandbox.client import Control
from tests.conftest import Person, ask, eventually
from tests.engine.stage import Story, all_ended, posted, story


@contextmanager
def beside() -> Iterator[psycopg.Connection[tuple[int]]]:
    """A connection of somebody else's."""
    name = connection.settings_dict["NAME"]
    with psycopg.connect(**connection_parameters(dbname=name), autocommit=True) as link:
        yield link


def surely(work: Callable[[], str]) -> str:
    """As the net loop does with an answer in hand."""
    net = Net()
    net.start()
    try:
        return asyncio.run(net.db_surely(work))
    finally:
        net.stop(15)


def try_again(work: Callable[[], str]) -> str:
    return in_transaction(work)


@pytest.mark.parametrize("how", [surely, try_again])
def test_a_transaction_that_stood_still_for_too_long_is_made_again(
    live: str, how: Callable[[Callable[[], str]], str]
) -> None:
    stood_still: list[int] = []

    def work() -> str:
        with transaction.atomic(), connection.cursor() as cursor:
            if stood_still:
                return "written"
            cursor.execute("SELECT pg_backend_pid()")
            stood_still.append(cursor.fetchone()[0])
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '50ms'")
            with beside() as link:
                there = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"
                eventually(lambda: link.execute(there, stood_still).fetchone() == (0,))
            cursor.execute("SELECT 1")
            return "in the transaction that was cut"

    assert how(work) == "written"


def test_a_connection_that_only_reads_is_given_up_for_one_that_writes(person: Person) -> None:
    with connection.cursor() as cursor:  # as on a server that fell behind another
        cursor.execute("SET default_transaction_read_only = on")
        cursor.execute("SELECT pg_backend_pid()")
        fallen = cursor.fetchone()
    in_transaction(lambda: Generation.objects.filter(prompt="").update(prompt="-"))
    with beside() as link:
        there = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"
        eventually(lambda: link.execute(there, fallen).fetchone() == (0,), what="its end")


def test_an_answer_outlasts_a_lock_that_is_held_for_longer_than_any_statement_waits(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.settings("bytespike", latency=3600)
    generation = ask(person, provider="bytespike")
    posted(gateways, "bytespike", 1)
    with beside() as link, link.transaction():
        link.execute("SELECT 1 FROM generations_generation WHERE id = %s FOR UPDATE", [generation.id])
        gateways.advance(3600)
        with beside() as watch:
            waiting = "SELECT query_start FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            seen: set[object] = set()

            def outlasted() -> bool:
                seen.update(watch.execute(waiting).fetchall())
                return len(seen) > 1

            eventually(outlasted, what="a second wait for the lock")
    all_ended([generation], hours=0.1)
    assert story(gateways, generation) == Story("succeeded", "", 1, 12_000, 0, 1)
