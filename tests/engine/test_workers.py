"""Workers that die, sleep, meet, or lose the database: one effect, one POST, one asset for each picture."""

from __future__ import annotations

from datetime import timedelta

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from generations.engine import claiming, reading, sending
from generations.engine.media import Media
from generations.engine.net import Net
from generations.models import Asset, Generation, Submission
from generations.states import SubmissionState
from generations.tasks import wake
from providers.errors import Reason
from providers.sandbox.client import Control
from providers.values import Accepted, Failed
from tests.conftest import Person, ask, eventually
from tests.engine.conftest import Start
from tests.engine.stage import (
    Story,
    all_ended,
    change,
    expire_leases,
    heard,
    only,
    posted,
    posts,
    sent,
    story,
)


def test_the_late_answer_of_a_worker_that_lost_its_lease_is_kept(
    person: Person, gateways: Control, loops: Start
) -> None:
    loops(Net(), Net(), Media())
    providers = ("bytespike", "aigateway")
    for provider in providers:
        gateways.settings(provider, latency=3600)
    asked = [ask(person, f"to {provider}", provider=provider, count=2) for provider in providers]
    for provider in providers:
        posted(gateways, provider, 1)

    def taken_up_by_the_other() -> bool:
        expire_leases()
        return all(only(generation).state == SubmissionState.UNKNOWN for generation in asked)

    eventually(taken_up_by_the_other, what="another worker's claims")
    gateways.advance(3600)
    all_ended(asked)

    for generation in asked:
        assert story(gateways, generation) == Story("succeeded", "", 2, generation.quoted, 0, 1)
        why = only(generation).moves.get(after=SubmissionState.UNKNOWN).why
        assert "died" in why


def test_a_claim_that_was_overtaken_sends_nothing(person: Person, gateways: Control, live: str) -> None:
    generation = ask(person, provider="bytespike")
    (mine,) = claiming.claim_submissions("a worker that falls asleep", 10)
    (submission,) = reading.submissions([mine]).values()
    assert claiming.claim_submissions("another", 10) == []

    expire_leases()
    assert not sending.begin(submission, mine.fence)
    (theirs,) = claiming.claim_submissions("another", 10)
    assert theirs.fence == mine.fence + 1
    assert not reading.submissions([mine])
    assert not sending.begin(submission, mine.fence)
    assert only(generation).state == SubmissionState.PLANNED
    assert sending.begin(only(generation), theirs.fence)
    assert not sending.begin(only(generation), theirs.fence)
    assert (only(generation).state, only(generation).posts) == (SubmissionState.SENDING, 1)


def test_a_claim_that_was_overtaken_leads_nothing_elsewhere(
    person: Person, gateways: Control, live: str
) -> None:
    ask(person, "anywhere")
    (mine,) = claiming.claim_submissions("a worker that falls asleep", 10)
    (submission,) = reading.submissions([mine]).values()
    change("prospolabs", pause_level=1, paused_until=timezone.now() + timedelta(minutes=5))
    expire_leases()
    (theirs,) = claiming.claim_submissions("another", 10)

    assert not sending.begin(submission, mine.fence)
    assert Submission.objects.count() == 1
    assert not sending.begin(submission, theirs.fence)
    assert list(Submission.objects.order_by("id").values_list("state", flat=True)) == ["refused", "planned"]


def test_what_has_ended_meanwhile_is_not_given_up(person: Person, gateways: Control) -> None:
    (submission,) = sent(person, count=1)
    heard(submission, Accepted("gen_1"), post=1)
    slow = only(submission.generation)
    heard(submission, Failed(Reason.CONTENT_REFUSED, theirs="gen_1"))
    sending.abandon(slow, Reason.TIMED_OUT, "it did not end in time")
    assert story(gateways, submission.generation) == Story("failed", "content_refused", 0, 0, 0, 0)
    assert only(submission.generation).state == SubmissionState.FAILED


def test_any_number_of_wake_ups_and_workers_send_each_request_once(
    person: Person, gateways: Control, loops: Start
) -> None:
    gateways.settings("threedai", latency=0.2)
    asked = [
        ask(person, f"{provider} {number}", provider=provider)
        for provider in ("bytespike", "threedai", "runware")
        for number in range(8)
    ]
    nets = (Net(), Net(), Net())
    loops(*nets, Media(), Media())
    for _ in range(5):
        wake()
        for net in nets:
            net.ring()
    all_ended(asked)
    for generation in asked:
        assert story(gateways, generation) == Story("succeeded", "", 1, generation.quoted, 0, 1)
    assert Asset.objects.count() == len(asked)


def test_whoever_rings_at_a_worker_that_has_ended_goes_on(live: str) -> None:
    net = Net()
    net.start()
    eventually(lambda: hasattr(net, "door"), what="a worker at work")
    net.stop(15)
    net.ring()
    net.hurry()


def test_pictures_are_stored_while_somebody_submits_through_the_same_account(
    person: Person, gateways: Control, loops: Start
) -> None:
    asked = [ask(person, f"number {number}", provider="runware") for number in range(2)]
    with transaction.atomic(), connection.cursor() as cursor:
        # What a foreign key's check holds until its transaction ends.
        cursor.execute("SELECT id FROM providers_provideraccount FOR KEY SHARE")
        loops(Net(), Media())
        assert [one.delivered for one in all_ended(asked)] == [1, 1]


CUT = """
CREATE SEQUENCE cuts;
CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF nextval('cuts') {which} THEN {blow} END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER cut AFTER UPDATE ON {table}
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION cut()
"""


def cut(table: str, which: str, blow: str) -> None:
    """From now on certain commits that changed a row of this table come to grief."""
    with connection.cursor() as cursor:
        cursor.execute(CUT.format(table=table, which=which, blow=blow))


def seen() -> int:
    """How many changed rows have come to their commit."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM cuts")
        return int(cursor.fetchone()[0])


def no_more_cuts() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER cut ON generations_submission")
        expire_leases()
    except (OperationalError, InterfaceError):
        connection.close()
        return False
    return True


def test_connections_lost_at_commit_cost_no_answer_and_no_second_post(
    person: Person, gateways: Control, loops: Start
) -> None:
    gateways.settings("runware", latency=1)
    cut("generations_submission", "% 9 = 0", "PERFORM pg_terminate_backend(pg_backend_pid());")
    providers = ("runware", "bytespike") * 6
    asked = [ask(person, f"number {n}", provider=provider) for n, provider in enumerate(providers)]
    loops(Net(), Media())
    eventually(lambda: seen() >= 63)
    eventually(no_more_cuts)
    # Their leases ended with that, as a minute later, for what was being begun when the connection was cut.
    eventually(lambda: not Generation.objects.live().exists())
    for generation in asked:
        assert story(gateways, generation) == Story("succeeded", "", 1, generation.quoted, 0, 1)


def test_deadlocks_and_serialization_failures_are_tried_again(
    person: Person, gateways: Control, loops: Start
) -> None:
    gateways.settings("bytespike", latency=1)  # so that the first to be hit are on their way out
    cut("generations_generation", "IN (2, 4, 12)", "RAISE EXCEPTION 'a victim' USING ERRCODE = '40P01';")
    asked = [ask(person, f"number {number}", provider="bytespike") for number in range(8)]
    loops(Net(), Media())
    all_ended(asked)

    assert seen() >= 12
    for generation in asked:
        assert story(gateways, generation) == Story("succeeded", "", 1, 12_000, 0, 1)
        assert len(posts(gateways, generation)) == 1
    assert Submission.objects.filter(posts=1).count() == len(asked)
