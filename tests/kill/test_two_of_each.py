"""Any number of workers share the rows: each thing is done once, and limits hold for all together."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from generations.models import Generation, Move, Submission
from generations.states import IN_FLIGHT, SubmissionState
from providers.models import ProviderAccount
from providers.sandbox.client import Control
from tests.conftest import Person, eventually
from tests.kill.fleet import PATIENT, Fleet, listening
from tests.kill.stage import GATEWAYS, STORED, all_ended, ask_at, assert_ledgers_agree, outcome

_S = SubmissionState


def test_two_of_every_worker_have_one_effect(fleet: Fleet, person: Person, gateways: Control) -> None:
    forgotten = ask_at(person, "runware")
    Submission.objects.filter(generation=forgotten).update(due_at=None)  # only the beats' sweep finds it
    fleet.environment["SEEDBANK_LEASE"] = str(PATIENT)
    gateways.settings("bytespike", latency=PATIENT + 1.5)  # a call may take longer than a lease
    fleet.net(), fleet.net(), fleet.media(), fleet.media(), fleet.beat(), fleet.beat()
    listening(4)
    generations = [ask_at(person, gateway, count=2) for gateway in GATEWAYS for _ in range(2)]

    all_ended([*generations, forgotten])
    assert {outcome(generation) for generation in generations} == {("succeeded", 2, 2)}
    assert outcome(forgotten) == STORED
    assert set(Submission.objects.values_list("posts", flat=True)) == {1}
    assert not Move.objects.filter(after=_S.UNKNOWN).exists()
    assert_ledgers_agree(gateways)


def test_limits_of_an_account_are_kept_exactly_by_two_workers(
    fleet: Fleet, person: Person, gateways: Control
) -> None:
    ProviderAccount.objects.filter(provider="bytespike", settings={}).update(max_in_flight=3)
    ProviderAccount.objects.filter(provider="aigateway").update(rpm=5)
    fleet.environment["SEEDBANK_LEASE"] = str(PATIENT)
    gateways.settings("bytespike", latency=0.3, in_flight=3)
    gateways.settings("aigateway", rpm=5)
    few_at_once = [ask_at(person, "bytespike") for _ in range(9)]
    few_a_minute = [ask_at(person, "aigateway") for _ in range(8)]
    fleet.net(), fleet.net(), fleet.media()

    put_off = Submission.objects.filter(
        provider="aigateway", state=_S.PLANNED, due_at__gt=timezone.now() + timedelta(seconds=5)
    )
    eventually(lambda: put_off.count() == 3, what="three that wait for the next minute")
    made = Generation.objects.filter(id__in=[one.id for one in few_a_minute], status="succeeded")
    eventually(lambda: made.count() == 5, what="those of the first minute")
    assert gateways.count("aigateway") == 5
    all_ended(few_at_once)
    assert _most_at_once("bytespike") == 3
    assert {note["status"] for note in gateways.requests(operation="submit")} == {200}


def _most_at_once(provider: str) -> int:
    """The largest number of calls in flight, from the record of their moves."""
    now = most = 0
    for before, after in (
        Move.objects.filter(submission__provider=provider).order_by("at", "id").values_list("before", "after")
    ):
        now += (after in IN_FLIGHT) - (before in IN_FLIGHT)
        most = max(most, now)
    return most
