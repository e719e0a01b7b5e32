"""Two answers in one moment: what the database decides between them is what both live by."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone
from uuid6 import uuid7

from generations.engine import claiming, media, reading, sending
from generations.engine.hearing import Heard
from generations.engine.media import Media
from generations.engine.net import Net
from generations.engine.recording import record
from generations.models import Asset, Result, Submission, move_result, original_key
from generations.states import ResultState
from generations.storage import originals
from providers.models import ProviderAccount
from providers.sandbox.client import Control
from providers.values import Accepted
from tests.conftest import Person, ask, ended, eventually
from tests.engine.conftest import Start
from tests.engine.stage import change, only


def begun(person: Person, provider: str = "runware") -> Submission:
    """A submission that is on the wire, as far as the database knows."""
    generation = ask(person, provider=provider)
    (claim,) = claiming.claim_submissions("a worker", 1)
    (submission,) = reading.submissions([claim]).values()
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


def test_a_question_that_is_put_off_holds_its_account_for_nobody(
    person: Person, gateways: Control, live: str
) -> None:
    change("threedai", rpm=1, settings={"rate_counts_polls": True})
    submission = begun(person, "threedai")
    asked: list[bool] = []

    def late() -> None:
        asked.append(sending.may_ask(submission, submission.fence))
        connection.close()

    beside = threading.Thread(target=late)
    with transaction.atomic():
        reading.lock_submission(submission.id, None)
        beside.start()
        eventually(somebody_waits, what="a question that is put off")
        # An answer is recorded in this order: its submission, then its account.
        ProviderAccount.objects.select_for_update(nowait=True).get(id=submission.account_id)
    beside.join(10)

    assert asked == [False]
    later = timezone.now() + timedelta(seconds=30)
    assert Submission.objects.filter(id=submission.id, due_at__gt=later).exists()


def fetched_anew(result: Result, data: bytes) -> None:
    """As another worker does that could make nothing of what was kept: the same picture, in another place."""
    asset_id = uuid7()
    key = original_key(result.submission.generation.project_id, asset_id, result.sha256)
    with originals().local_copy(result.storage_key) as path:
        path.write_bytes(data)
        originals().put(key, path, result.sha256, "image/png")
    originals().delete(result.storage_key)
    assert move_result(result, ResultState.PENDING, asset_id=asset_id)
    assert move_result(result, ResultState.FETCHED, storage_key=key)


@pytest.mark.parametrize("spoiled", [False, True])
def test_what_was_seen_of_an_original_says_nothing_of_one_that_was_fetched_since(
    person: Person, gateways: Control, loops: Start, spoiled: bool
) -> None:
    generation = ask(person, provider="runware")
    loops(Net())
    result = eventually(Result.objects.filter(state=ResultState.FETCHED).first, what="an original")
    (claim,) = claiming.claim_results("a worker that stands still", ResultState.FETCHED, 1)
    with originals().local_copy(result.storage_key) as path:
        data = path.read_bytes()
        path.write_bytes(b"no picture" if spoiled else data)

    def late() -> None:
        media.develop(claim)
        connection.close()

    beside = threading.Thread(target=late)
    with transaction.atomic():
        locked = reading.lock_result(result.id)
        beside.start()
        eventually(somebody_waits, what="a worker that has looked at it")
        fetched_anew(locked, data)
    beside.join(10)

    result.refresh_from_db()
    assert (result.state, result.decodes, Asset.objects.count()) == (ResultState.FETCHED, 0, 0)
    claiming.release("generations_result", claim)
    loops(Media())
    ended(generation)
    asset = Asset.objects.get()
    assert asset.storage_key == result.storage_key
    assert originals().exists(asset.derivative_key(256))
