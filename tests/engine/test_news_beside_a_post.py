"""What is said of a repeated POST never undoes what is known of the first, which is paid for."""

from __future__ import annotations

import pytest

from generations.engine import claiming, reading, recording, sending
from generations.engine.claiming import Claim
from generations.engine.hearing import Heard
from generations.engine.media import Media
from generations.engine.net import Net
from generations.models import Submission
from generations.states import SubmissionState
from providers.door import send_once
from providers.errors import ProviderError, Reason
from providers.sandbox.client import Control
from providers.values import Failed, Report
from tests.conftest import Person, ask
from tests.engine.conftest import Start
from tests.engine.stage import Story, all_ended, change, only, pass_time, story

_S = SubmissionState


def claimed(worker: str) -> Claim:
    (claim,) = claiming.claim_submissions(worker, 10)
    return claim


def heard(submission: Submission, report: Report | ProviderError, *, post: int) -> None:
    recording.record(submission.id, Heard(report, post=post), submission.account.traits)
    submission.refresh_from_db()


@pytest.mark.parametrize(
    "reason", [Reason.RATE_LIMITED, Reason.BUSY, Reason.KEY_REFUSED, Reason.NO_CREDIT, Reason.NOT_OFFERED]
)
def test_a_repeated_request_that_is_turned_away_while_the_first_runs_ends_nothing(
    person: Person, gateways: Control, loops: Start, reason: Reason
) -> None:
    change("bytespike", settings={"tasks_api": True})
    generation = ask(person, provider="bytespike", count=2)
    claim = claimed("a worker that falls asleep with the answer")
    (submission,) = reading.submissions([claim]).values()
    provider = submission.account.adapter()
    exchange = provider.submit(sending.request_of(submission, (), provider.traits), submission.ours)
    assert sending.begin(submission, claim.fence)
    answer = send_once(exchange)
    sending.lose_lease(submission, "it sleeps")
    assert sending.begin_again(only(generation), claimed("another").fence)

    heard(submission, exchange.read(answer), post=1)
    assert submission.state == _S.RUNNING
    heard(submission, Failed(reason, "not now"), post=2)
    assert submission.state == _S.RUNNING
    assert person.wallet.held == generation.quoted

    pass_time(60)
    loops(Net(), Media())
    all_ended([generation])
    assert story(gateways, generation) == Story("succeeded", "", 2, 24_000, 0, 1)
