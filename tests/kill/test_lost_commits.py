"""The connection is cut at COMMIT: whoever asked cannot know what became of it, so it is read again."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from generations.engine import recording, sending
from generations.engine.claiming import claim_submissions
from generations.engine.hearing import Heard
from generations.models import Generation
from generations.states import SubmissionState
from providers.errors import Reason
from providers.sandbox.client import Control
from providers.values import Failed
from tests.conftest import Person, eventually
from tests.kill.conftest import Serve
from tests.kill.cutter import Cutter
from tests.kill.fleet import Fleet, listening
from tests.kill.stage import STORED, all_ended, ask_at, assert_ledgers_agree, outcome, submission_of

LANDS = pytest.mark.parametrize("lands", [True, False], ids=["it took effect", "it did not"])


@pytest.fixture
def cutter(fleet: Fleet) -> Iterator[Cutter]:
    """Between the database and everybody in the fleet, but not the test."""
    made = Cutter()
    fleet.environment["DATABASE_URL"] = made.url
    yield made
    made.close()


@pytest.fixture
def api(cutter: Cutter, serve: Serve, person: Person) -> httpx.Client:
    return serve(person)


@LANDS
@pytest.mark.parametrize("key", [None, "the same order"])
def test_an_order_is_answered_as_it_was_taken(
    lands: bool, key: str | None, api: httpx.Client, cutter: Cutter, person: Person, gateways: Control
) -> None:
    order = {"prompt": "a red boat", "provider": "bytespike"}
    headers = {"Idempotency-Key": key} if key else {}
    cutter.cut("generations_generation", lands=lands)

    answer = api.post("/api/v1/generations", json=order, headers=headers)
    assert cutter.cuts == 1
    if not lands:
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "try_again"
        assert int(answer.headers["Retry-After"]) > 0
        assert (Generation.objects.count(), person.wallet.held) == (0, 0)
        answer = api.post("/api/v1/generations", json=order, headers=headers)
    assert answer.status_code == 202
    if key:
        again = api.post("/api/v1/generations", json=order, headers=headers)
        assert again.json()["id"] == answer.json()["id"]
    generation = Generation.objects.get()
    assert str(generation.id) == answer.json()["id"]
    assert person.wallet.held == generation.quoted


SAID = {
    "before it is sent": "UPDATE generations_submission SET [^;]*sending",
    "when it is answered": "UPDATE generations_submission SET [^;]*storing",
    "when it is paid for": "INSERT INTO billing_transfer",
}
"""What a transaction says whose COMMIT comes to grief."""


@LANDS
@pytest.mark.parametrize("words", SAID.values(), ids=SAID)
def test_a_call_goes_out_once_and_its_picture_is_kept_and_paid_for_once(
    words: str, lands: bool, fleet: Fleet, cutter: Cutter, person: Person, gateways: Control
) -> None:
    cutter.cut(words, lands=lands)
    fleet.net(), fleet.media()
    listening(2)
    generation = ask_at(person, "bytespike")  # which can tell nobody what became of a call

    all_ended([generation])
    assert cutter.cuts == 1
    assert outcome(generation) == STORED
    assert submission_of(generation).posts == gateways.count("bytespike") == 1
    assert (person.wallet.held, person.wallet.spent) == (0, generation.quoted)
    assert_ledgers_agree(gateways)


def test_a_refusal_written_down_twice_leaves_alone_what_was_sent_since(
    person: Person, gateways: Control
) -> None:
    generation = ask_at(person, "bytespike")
    submission = submission_of(generation)
    traits = submission.account.traits
    busy = Heard(Failed(Reason.RATE_LIMITED, "busy", retry_after=0.0), post=1)
    _begin_a_post(generation)
    recording.record(submission.id, busy, traits)
    assert submission_of(generation).state == SubmissionState.PLANNED

    eventually(lambda: _begin_a_post(generation), what="the second post")
    recording.record(submission.id, busy, traits)  # as after a COMMIT whose answer was lost
    assert submission_of(generation).state == SubmissionState.SENDING
    assert submission_of(generation).lease_until is not None


def _begin_a_post(generation: Generation) -> bool:
    return any(
        sending.begin(submission_of(generation), claim.fence) for claim in claim_submissions("a worker", 5)
    )
