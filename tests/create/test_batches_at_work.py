"""A batch while the engine works: what is paused rests, and whoever dies, it is finished."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from django.db import connections, transaction
from django.db.models import F

from accounts import rows
from generations.actions import steering
from generations.engine import claiming, planning, reading, sending, sweeping
from generations.engine.hearing import Heard
from generations.engine.media import Media
from generations.engine.net import Net
from generations.engine.recording import record
from generations.models import Batch, Generation, Notice, Submission
from providers.errors import Reason
from providers.models import ProviderAccount
from providers.sandbox.client import Control
from providers.values import Failed
from tests.conftest import Person, eventually
from tests.create.conftest import api, run

WAITING = "SELECT 1 FROM pg_locks WHERE NOT granted"


def test_nothing_of_a_paused_batch_is_sent_until_it_goes_on(
    engine: Net, gateways: Control, person: Person
) -> None:
    gateways.settings(picture="tiny", latency=3600)
    ProviderAccount.objects.filter(provider="bytespike").update(max_in_flight=1)
    batch = run(person, prompts=[f"boat {n}" for n in range(8)], count=1)
    eventually(lambda: Submission.objects.exclude(state="planned").exists(), what="the first to be sent")
    steering.pause(principal=person.principal, batch_id=batch.id)
    gateways.settings(picture="tiny", latency=0)
    gateways.advance(3600)
    eventually(lambda: not _in_flight(), what="what was on the wire to end")
    assert Submission.objects.filter(state="planned").count() == 7
    sweeping.sweep()
    other = run(person, prompts=["another batch"], count=1)
    eventually(lambda: _ended(other), what="the end of another batch")
    assert Submission.objects.filter(state="planned").count() == 7
    said = api(person, "get", f"/batches/{batch.id}").json()
    assert said["status"] == "paused"
    ProviderAccount.objects.filter(provider="bytespike").update(max_in_flight=100)
    steering.resume(principal=person.principal, batch_id=batch.id)
    eventually(lambda: _ended(batch), what="the end of the batch")
    said = api(person, "get", f"/batches/{batch.id}").json()
    assert (said["status"], said["delivered"], said["price"]["charged"]) == ("ended", 8, "0.096")
    assert person.wallet.held == 0
    sweeping.sweep()
    sweeping.sweep()
    told = Notice.objects.filter(kind="batch_ended")
    assert sorted(one.about["batch"] for one in told) == sorted([str(batch.id), str(other.id)])


def test_what_runs_at_a_gateway_that_can_be_told_is_called_off_at_once_with_its_batch(
    engine: Net, gateways: Control, person: Person
) -> None:
    gateways.switch("aig.async_images", True)
    gateways.settings("aigateway", latency=3600)
    batch = run(person, prompts=["a boat"], count=1, provider="aigateway")
    eventually(lambda: Submission.objects.filter(state="running").exists(), what="the job to run")
    Submission.objects.update(due_at=planning.AT_REST)  # nobody would ask for hours
    steering.cancel(principal=person.principal, batch_id=batch.id)
    eventually(lambda: _ended(batch), what="the end of the batch")
    assert Generation.objects.get().status == "canceled"
    assert gateways.totals("aigateway")["net"] == 0


def test_a_refused_call_of_a_paused_batch_rests_too(engine: Net, gateways: Control, person: Person) -> None:
    gateways.fault("rate_limited", gateway="bytespike", times=None, retry_after=1, after=1)
    batch = run(person, prompts=["a boat"], count=1)
    eventually(lambda: Submission.objects.filter(state="sending").exists(), what="it to be on the wire")
    steering.pause(principal=person.principal, batch_id=batch.id)
    refused = Submission.objects.filter(state="planned", tries__gte=1, due_at=planning.AT_REST)
    eventually(refused.exists, what="the refusal")
    gateways.clear_faults()
    steering.resume(principal=person.principal, batch_id=batch.id)
    eventually(lambda: _ended(batch), what="the end of the batch")


def test_what_goes_elsewhere_in_a_paused_batch_rests_there_too(
    engine: Net, gateways: Control, person: Person
) -> None:
    gateways.fault("no_credit", gateway="prospolabs", operation="submit", after=1)
    batch = run(person, prompts=["a boat"], count=1, provider="auto")
    eventually(lambda: Submission.objects.filter(state="sending").exists(), what="it to be on the wire")
    steering.pause(principal=person.principal, batch_id=batch.id)
    eventually(lambda: Submission.objects.filter(state="refused").exists(), what="the refusal")
    other = Submission.objects.exclude(state="refused").get()
    assert (other.state, other.due_at) == ("planned", planning.AT_REST)
    assert other.provider != "prospolabs"
    steering.resume(principal=person.principal, batch_id=batch.id)
    eventually(lambda: _ended(batch), what="the end of the batch")
    assert _delivered(batch) == 1


def test_what_is_put_back_while_its_batch_is_paused_rests_too(gateways: Control, person: Person) -> None:
    batch = run(person, prompts=["a boat"], count=1)
    (claim,) = claiming.claim_submissions("a worker", 10)
    (submission,) = reading.submissions([claim]).values()
    assert sending.begin(submission, claim.fence)
    refusal = Heard(Failed(Reason.RATE_LIMITED), post=1)
    with ThreadPoolExecutor(1) as beside:
        with transaction.atomic():
            record(submission.id, refusal, submission.account.traits)
            paused = beside.submit(steering.pause, principal=person.principal, batch_id=batch.id)
            eventually(lambda: paused.done() or rows.read(WAITING), what="the pause to meet the refusal")
        paused.result()
        beside.submit(connections.close_all).result()
    submission.refresh_from_db()
    assert (submission.state, submission.due_at) == ("planned", planning.AT_REST)


def test_the_time_in_which_a_batch_rests_does_not_count(gateways: Control, person: Person) -> None:
    batch = run(person, prompts=["a boat"], count=1)
    steering.pause(principal=person.principal, batch_id=batch.id)
    two_days = timedelta(days=2)
    Batch.objects.update(paused_at=F("paused_at") - two_days)
    Generation.objects.update(deadline_at=F("deadline_at") - two_days)
    sweeping.sweep()
    assert Submission.objects.get().state == "planned"
    steering.resume(principal=person.principal, batch_id=batch.id)
    sweeping.sweep()
    assert Submission.objects.get().state == "planned"


def test_what_a_worker_has_in_hand_unsent_is_free_as_soon_as_its_batch_goes_on(
    gateways: Control, person: Person
) -> None:
    batch = run(person, prompts=["a boat"], count=1)
    (claim,) = claiming.claim_submissions("a worker", 10)
    steering.pause(principal=person.principal, batch_id=batch.id)
    sending.rest(claim.id, claim.fence, 0)  # it cannot read a reference, and means to look again
    claiming.extend("a worker", "generations_submission", [claim.id])
    assert not claiming.claim_submissions("another worker", 10)
    steering.resume(principal=person.principal, batch_id=batch.id)
    assert not sending.begin(Submission.objects.get(), claim.fence)
    assert [one.id for one in claiming.claim_submissions("another worker", 10)] == [claim.id]


def test_work_outlives_whoever_took_it_on(gateways: Control, person: Person) -> None:
    """The rows are the queue: nobody runs when it is asked for, and two workers leave in the middle of it."""
    gateways.settings(picture="tiny", latency=0.2)
    ProviderAccount.objects.filter(provider="bytespike").update(max_in_flight=3)
    batch = run(person, prompts=[f"boat {n}" for n in range(12)], count=1)
    media = Media()
    media.start()
    try:
        for most in (3, 6, 12):
            net = Net()
            net.start()
            try:
                eventually(lambda most=most: _delivered(batch) >= most, what=f"{most} pictures")  # type: ignore[misc]
            finally:
                net.stop(20)
    finally:
        media.stop(15)
    assert api(person, "get", f"/batches/{batch.id}").json()["delivered"] == 12
    assert person.wallet.spent == 12 * 12_000
    assert person.wallet.held == 0
    assert len(gateways.bill("bytespike")) == 12


def _in_flight() -> bool:
    return Submission.objects.filter(state__in=["sending", "running", "storing", "unknown"]).exists()


def _ended(batch: Batch) -> bool:
    return not Generation.objects.live().filter(batch=batch).exists()


def _delivered(batch: Batch) -> int:
    return sum(Generation.objects.filter(batch=batch).values_list("delivered", flat=True))
