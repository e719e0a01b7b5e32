"""Rows that others hold while somebody asks: tried again, or told to come back, and never asked for twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection
from psycopg.types.json import Jsonb

from billing.models import Hold
from generations.engine.listening import connection_parameters
from generations.models import Generation, KeptAnswer, Submission
from providers.sandbox.client import Control
from tests.actions.test_submitting import submit
from tests.api.conftest import client_of, send
from tests.billing.books import assert_books_add_up, balances
from tests.conftest import DOLLAR, Person

PRICE = 12_000
WISH = {"prompt": "a red boat", "provider": "bytespike"}
PATH = "/api/v1/generations"
VICTIM = """
CREATE SEQUENCE holds;
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF nextval('holds') <= {times} THEN RAISE EXCEPTION 'a victim' USING ERRCODE = '{code}'; END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER fail AFTER UPDATE ON billing_wallet FOR EACH ROW EXECUTE FUNCTION fail()
"""


@contextmanager
def somebody_elses() -> Iterator[psycopg.Connection[Any]]:
    """A transaction beside ours, open as long as the block."""
    name = connection.settings_dict["NAME"]
    with psycopg.connect(**{**connection_parameters(), "dbname": name}) as link:
        yield link
        link.rollback()


def fail_holds(times: int, code: str) -> None:
    """So many holds are chosen as victims, after all else has been written."""
    with connection.cursor() as cursor:
        cursor.execute(VICTIM.format(times=times, code=code))


def assert_one_was_made(person: Person) -> None:
    assert Generation.objects.count() == Submission.objects.count() == Hold.objects.count() == 1
    assert balances(person.wallet) == (100 * DOLLAR, 100 * DOLLAR - PRICE, PRICE, 0)
    assert_books_add_up()


def assert_none_was_made(person: Person) -> None:
    for kind in (Generation, Submission, Hold, KeptAnswer):
        assert not kind.objects.exists()
    assert balances(person.wallet) == (100 * DOLLAR, 100 * DOLLAR, 0, 0)
    assert_books_add_up()


@pytest.mark.parametrize("key", [None, "the same order"])
@pytest.mark.parametrize("code", ["40P01", "40001"], ids=["deadlock", "serialization"])
def test_an_order_that_fell_victim_to_a_deadlock_is_tried_again_and_made_once(
    code: str, key: str | None, person: Person, gateways: Control
) -> None:
    fail_holds(3, code)
    made = submit(person.principal, key, provider="bytespike")

    assert (made.status, made.replayed) == (202, False)
    assert_one_was_made(person)


def test_an_order_that_falls_victim_every_time_is_refused_and_leaves_nothing(
    person: Person, gateways: Control
) -> None:
    fail_holds(1_000, "40P01")
    client = client_of(person)
    answer = send(client, "POST", PATH, WISH, {"idempotency-key": "the same order"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "try_again")
    assert int(answer.headers["Retry-After"]) > 0
    assert_none_was_made(person)


@pytest.mark.parametrize("key", [None, "the same order"])
def test_an_order_whose_wallet_is_locked_for_too_long_is_told_to_come_back(
    key: str | None, person: Person, gateways: Control
) -> None:
    client = client_of(person)
    headers = {"idempotency-key": key} if key else {}
    with somebody_elses() as link:
        link.execute("SELECT 1 FROM billing_wallet WHERE id = %s FOR UPDATE", [person.wallet.id])
        answer = send(client, "POST", PATH, WISH, headers)

        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "try_again")
        assert int(answer.headers["Retry-After"]) > 0
    assert_none_was_made(person)

    assert send(client, "POST", PATH, WISH, headers).status_code == 202
    assert_one_was_made(person)


def test_a_key_whose_first_request_is_still_running_is_told_to_come_back(
    person: Person, gateways: Control
) -> None:
    client, headers = client_of(person), {"idempotency-key": "the same order"}
    with somebody_elses() as first:
        first.execute(
            "INSERT INTO generations_keptanswer (user_id, key, path, body_sha256, status, answer) "
            "VALUES (%s, %s, %s, 'x', 202, %s)",
            [person.user.id, headers["idempotency-key"], PATH, Jsonb({})],
        )
        answer = send(client, "POST", PATH, WISH, headers)

        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "idempotency_key_in_use")
        assert answer.headers["Retry-After"] == "1"
        assert_none_was_made(person)

    assert send(client, "POST", PATH, WISH, headers).status_code == 202  # the first came to nothing
    assert_one_was_made(person)
