"""A worker asked to stop, as at every deployment, with paid calls on the wire."""

from __future__ import annotations

from generations.models import Submission
from generations.states import SubmissionState
from providers.sandbox.client import Control
from tests.conftest import Person, eventually
from tests.kill.fleet import Fleet, listening
from tests.kill.stage import (
    GIVEN_UP,
    STORED,
    all_ended,
    ask_at,
    assert_ledgers_agree,
    in_state,
    outcome,
    submission_of,
)

_S = SubmissionState
CALLS = 20


def test_calls_on_the_wire_are_waited_for_and_nothing_more_is_begun(
    fleet: Fleet, person: Person, gateways: Control
) -> None:
    gateways.settings("bytespike", latency=3600)
    generations = [ask_at(person, "bytespike") for _ in range(CALLS)]
    net = fleet.net()
    eventually(lambda: gateways.count("bytespike") == CALLS, what="twenty calls on the wire")
    net.terminate()
    listening(0)
    generations.append(ask_at(person, "bytespike"))
    assert all(note["status"] is None for note in gateways.requests("bytespike", "submit"))

    gateways.advance(3600)
    assert net.ends() == 0
    assert gateways.count("bytespike") == CALLS
    states = Submission.objects.order_by("created_at").values_list("state", "posts")
    assert [*states] == [(_S.STORING, 1)] * CALLS + [(_S.PLANNED, 0)]

    gateways.settings("bytespike", latency=0)
    fleet.net(), fleet.media()
    all_ended(generations)
    assert {outcome(generation) for generation in generations} == {STORED}
    assert_ledgers_agree(gateways)


def test_a_second_signal_gives_up_and_the_call_becomes_unknown(
    fleet: Fleet, person: Person, gateways: Control
) -> None:
    gateways.fault("hang", seconds=120)
    generation = ask_at(person, "bytespike")
    net = fleet.net()
    eventually(gateways.bill, what="a call on the wire")
    net.terminate()
    listening(0)
    assert net.code is None
    net.terminate()
    net.ends()
    assert in_state(submission_of(generation), _S.SENDING)

    fleet.net()
    all_ended([generation])
    assert outcome(generation) == GIVEN_UP
    assert gateways.count("bytespike") == 1
    assert_ledgers_agree(gateways)
