"""Two answers in one moment: what the database decides between them is what both live by."""

from __future__ import annotations

import threading

from django.db import connection, transaction

from generations.engine import claiming, sending
from generations.engine.hearing import Heard
from generations.engine.recording import record
from generations.models import Submission
from providers.sandbox.client import Control
from providers.values import Accepted
from tests.conftest import Person, ask, eventually
from tests.engine.stage import only


def begun(person: Person) -> Submission:
    """A submission that is on the wire, as far as the database knows."""
    generation = ask(person, provider="runware")
    (claim,) = claiming.claim_submissions("a worker", 1)
    submission = sending.load(claim)
    assert submission is not None
    assert sending.begin(submission, claim.fence)
    return only(generation)


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])


def test_an_id_told_to_two_calls_at_once_belongs_to_the_first_and_loses_no_answer(
    person: Person, gateways: Control, live: str
) -> None:
    first, second = begun(person), begun(person)
    heard, traits = Heard(Accepted("one-and-the-same"), post=1), first.account.traits

    def late() -> None:
        record(second.id, heard, traits)
        connection.close()

    beside = threading.Thread(target=late)
    with transaction.atomic():
        record(first.id, heard, traits)
        beside.start()
        eventually(somebody_waits, what="the second answer to meet the first")
    beside.join(10)

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, first.theirs) == ("running", "one-and-the-same")
    assert (second.state, second.theirs) == ("unknown", None)
    assert "belongs to another" in second.moves.get(after="unknown").why
