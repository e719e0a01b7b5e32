"""The main job, at every gateway, over real HTTP."""

from __future__ import annotations

import pytest

from generations.engine.net import Net
from generations.models import Submission
from generations.states import SubmissionState
from providers import registry
from providers.sandbox.client import Control
from tests.conftest import Person, ask, ended


@pytest.mark.parametrize("provider", registry.ADAPTERS)
def test_a_prompt_becomes_pictures_that_are_kept_and_paid_for_exactly(
    provider: str, person: Person, gateways: Control, engine: Net
) -> None:
    before = person.wallet.available
    generation = ended(ask(person, provider=provider, count=2))

    assert (generation.status, generation.delivered, generation.error_code) == ("succeeded", 2, "")
    assert generation.charged == 2 * generation.unit_price
    assert person.wallet.available == before - generation.charged
    assert person.wallet.held == 0
    assert [asset.provider for asset in generation.assets.all()] == [provider] * 2
    submission = Submission.objects.get(generation=generation)
    assert (submission.state, submission.posts) == (SubmissionState.DONE, 1)
    assert gateways.totals(provider)["pictures"] == 2
