"""A web process whose connections lead to a server that has fallen behind another, or that cut them off."""

from __future__ import annotations

from django.db import connection

from billing.models import Hold
from generations.models import Generation
from providers.sandbox.client import Control
from tests.api.conftest import client_of, send
from tests.conftest import Person

ORDER = {"prompt": "a red boat", "provider": "bytespike"}


def fall_behind() -> None:
    """From now on this connection only reads, as one to a server that is no longer the first."""
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")


def test_an_order_through_a_connection_that_only_reads_is_put_off_and_the_next_one_is_taken(
    person: Person, gateways: Control
) -> None:
    client = client_of(person)
    headers = {"Idempotency-Key": "the same order"}
    fall_behind()
    answer = send(client, "POST", "/api/v1/generations", ORDER, headers)

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "try_again")
    assert int(answer.headers["Retry-After"]) > 0
    assert not Generation.objects.exists()
    assert send(client, "POST", "/api/v1/generations", ORDER, headers).status_code == 202
    assert Generation.objects.count() == Hold.objects.count() == 1
