"""A worker that stands still for longer than its lease, answers to paid calls unread, and then goes on."""

from __future__ import annotations

import signal

import pytest
from django.db.models.functions import Now

from generations.models import Move, Submission
from generations.states import SubmissionState
from providers.sandbox.client import Control
from tests.conftest import Person, eventually
from tests.kill.fleet import Fleet, cut_transactions, database_url
from tests.kill.stage import (
    GIVEN_UP,
    STORED,
    all_ended,
    all_in_state,
    ask_at,
    assert_ledgers_agree,
    in_state,
    late_pictures_come,
    outcome,
    submission_of,
)


def test_an_answer_read_too_late_is_recorded_and_its_pictures_are_stored_and_charged_once(
    fleet: Fleet, person: Person, gateways: Control
) -> None:
    gateways.fault("hang", seconds=3600, times=3)
    won_back, waited_for, given_up = (ask_at(person, one) for one in ("aigateway", "bytespike", "threedai"))
    slow = fleet.net()
    eventually(lambda: len(gateways.bill()) == 3, what="three paid calls on the wire")
    slow.send(signal.SIGSTOP)
    gateways.advance(3600)

    fleet.net(), fleet.media()
    all_in_state([waited_for, given_up], SubmissionState.UNKNOWN)
    all_ended([won_back, given_up])  # by our key, and not at all
    assert Move.objects.filter(submission=submission_of(won_back), after=SubmissionState.UNKNOWN).exists()
    assert outcome(given_up) == GIVEN_UP
    assert in_state(submission_of(waited_for), SubmissionState.UNKNOWN)

    slow.send(signal.SIGCONT)
    eventually(lambda: outcome(waited_for) == STORED, what="the late answer in the books")
    late_pictures_come([given_up])
    assert outcome(given_up) == ("failed", 1, 0)
    assert outcome(won_back) == STORED
    assert_ledgers_agree(gateways)


@pytest.mark.parametrize("gateway", ["aigateway", "bytespike", "runware"])
def test_a_worker_that_stands_still_while_it_records_keeps_others_off_and_nothing_is_lost(
    fleet: Fleet, person: Person, gateways: Control, gateway: str
) -> None:
    generation = ask_at(person, gateway)
    submission, stopped = submission_of(generation), fleet.folder / "stopped"
    slow = fleet.net(
        at="in_record",
        SEEDBANK_KILL_BY="SIGSTOP",
        SEEDBANK_KILL_ONCE=str(stopped),
        # However long this takes, it is the test that ends its transaction.
        DATABASE_URL=f"{database_url()}&options=-c%20idle_in_transaction_session_timeout%3D0",
    )
    eventually(stopped.exists, what="a worker stopped in the middle of its answer")
    mine = Submission.objects.filter(id=submission.id)
    eventually(mine.filter(lease_until__lt=Now()).exists, what="the end of its lease")

    fleet.net(), fleet.media()
    newer = ask_at(person, gateway)
    all_ended([newer])
    assert in_state(submission, SubmissionState.SENDING)  # it is locked: nobody else may decide about it

    assert cut_transactions() == 1
    eventually(lambda: not in_state(submission, SubmissionState.SENDING), what="somebody else's look")
    slow.send(signal.SIGCONT)
    eventually(lambda: outcome(generation) == STORED, what="the answer in the books")
    assert_ledgers_agree(gateways)
