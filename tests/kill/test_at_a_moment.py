"""Killed at the worst instant: what was asked for is made, or costs nothing, and is never ordered twice."""

from __future__ import annotations

import pytest

from generations.models import Generation, Submission
from generations.states import SubmissionState
from providers.sandbox.client import Control
from tests.conftest import Person
from tests.kill.fleet import Fleet
from tests.kill.stage import (
    FOUND_AGAIN,
    GATEWAYS,
    GIVEN_UP,
    STORED,
    all_ended,
    ask_at,
    ask_everywhere,
    assert_ledgers_agree,
    outcome,
    submission_of,
)


def test_a_worker_killed_with_rows_it_has_claimed_costs_only_time(
    fleet: Fleet, person: Person, gateways: Control
) -> None:
    generations = ask_everywhere(person)
    fleet.net(at="after_claim").is_killed()
    assert not gateways.requests(operation="submit")

    fleet.net(), fleet.media()
    all_ended(generations.values())
    assert {gateway: outcome(one) for gateway, one in generations.items()} == dict.fromkeys(GATEWAYS, STORED)
    assert_ledgers_agree(gateways)


@pytest.mark.parametrize(("moment", "accepted"), [("after_sending_commit", False), ("after_answer", True)])
def test_a_call_cut_off_is_found_again_where_the_gateway_allows_it_and_else_costs_nothing(
    moment: str, accepted: bool, fleet: Fleet, person: Person, gateways: Control
) -> None:
    generations = ask_everywhere(person)
    fleet.net(at=moment, crowd=len(GATEWAYS)).is_killed()
    assert {submission_of(one).state for one in generations.values()} == {SubmissionState.SENDING}
    assert len(gateways.bill()) == (len(GATEWAYS) if accepted else 0)

    fleet.net(), fleet.media()
    all_ended(generations.values())
    for gateway, generation in generations.items():
        assert outcome(generation) == (STORED if gateway in FOUND_AGAIN else GIVEN_UP), gateway
        if gateway not in FOUND_AGAIN:
            assert generation.error_code == "provider_lost"
            assert submission_of(generation).posts == 1
    assert person.wallet.held == 0
    assert_ledgers_agree(gateways)


def test_an_answer_that_was_written_down_is_followed_to_its_pictures(
    fleet: Fleet, person: Person, gateways: Control
) -> None:
    generations = ask_everywhere(person)
    fleet.net(at="after_record", crowd=len(GATEWAYS)).is_killed()
    assert len(gateways.bill()) == len(GATEWAYS)

    fleet.net(), fleet.media()
    all_ended(generations.values())
    assert {gateway: outcome(one) for gateway, one in generations.items()} == dict.fromkeys(GATEWAYS, STORED)
    assert set(Submission.objects.values_list("posts", flat=True)) == {1}
    assert_ledgers_agree(gateways)


def test_pictures_on_their_way_home_are_fetched_again_and_kept_once(
    fleet: Fleet, person: Person, gateways: Control
) -> None:
    generation = ask_at(person, "bytespike", count=3)
    for moment in ("after_download", "after_put"):
        fleet.net(at=moment, crowd=3).is_killed()

    fleet.net(), fleet.media()
    all_ended([generation])
    assert outcome(generation) == ("succeeded", 3, 3)
    assert_ledgers_agree(gateways)


def test_a_picture_written_but_not_shown_is_shown_once(
    fleet: Fleet, person: Person, gateways: Control
) -> None:
    generation = ask_at(person, "bytespike")
    fleet.net()
    fleet.media(at="before_final_commit").is_killed()
    assert Generation.objects.get(id=generation.id).delivered == 0

    fleet.media()
    all_ended([generation])
    assert outcome(generation) == STORED
    assert_ledgers_agree(gateways)


def test_whoever_is_killed_while_asking_has_asked_for_nothing(
    fleet: Fleet, person: Person, gateways: Control
) -> None:
    fleet.command("generate", "a red boat", "--provider", "runware", at="after_hold").is_killed()

    assert not Generation.objects.exists()
    assert (person.wallet.available, person.wallet.held) == (person.wallet.granted, 0)
    assert_ledgers_agree(gateways)
