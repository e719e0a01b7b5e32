"""A lease that ended in the hands of a living worker, as after a long absence of the database."""

from __future__ import annotations

from generations.engine.net import Net
from generations.models import Move
from generations.states import SubmissionState
from providers.sandbox.client import Control
from tests.conftest import Person, ask, ended, eventually
from tests.engine.stage import expire_leases, only, posted, story


def test_a_worker_that_claims_what_it_has_in_hand_goes_on_with_it(
    engine: Net, person: Person, gateways: Control
) -> None:
    gateways.settings("bytespike", latency=3600)
    generation = ask(person, provider="bytespike")
    posted(gateways, "bytespike", 1)
    fence = only(generation).fence

    def claimed_again() -> bool:
        expire_leases()
        return only(generation).fence > fence

    eventually(claimed_again, what="another claim")
    gateways.advance(3600)
    assert ended(generation).status == "succeeded"
    assert story(gateways, generation).posts == 1
    assert not Move.objects.filter(submission__generation=generation, after=SubmissionState.UNKNOWN).exists()
