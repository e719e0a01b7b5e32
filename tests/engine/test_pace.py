"""When a task is asked about: seldom, never sooner than a gateway likes, and just after its end."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.db.models import F

from generations.engine import pace
from generations.engine.net import Net
from generations.models import Submission
from generations.states import SubmissionState
from providers import registry
from providers.adapters.prospolabs import Prospolabs
from providers.provider import Traits
from providers.sandbox.client import Control
from tests.conftest import Person, ask
from tests.engine.stage import (
    all_ended,
    in_state,
)


def asked_at(traits: Traits, *, lasts: float, expected: float) -> list[float]:
    """The ages, in seconds, at which a task is asked about until it is seen to have ended."""
    ages = [0.0]
    while ages[-1] < lasts:
        ages.append(ages[-1] + pace.poll_gap(traits, ages[-1], expected))
    return ages[1:]


@pytest.mark.parametrize("lasts", [2.0, 5.0, 10.0, 20.0, 60.0])
def test_a_task_that_takes_as_long_as_expected_is_asked_about_seldom_and_seen_at_once(lasts: float) -> None:
    ages = asked_at(Traits(link_life=1, pace=(1.0, 10.0)), lasts=lasts, expected=lasts)
    assert len(ages) <= 6 + lasts / 10
    assert ages[-1] - lasts < 1.3


@pytest.mark.parametrize(("lasts", "expected"), [(20.0, 5.0), (20.0, 40.0), (20.0, 2.0), (600.0, 20.0)])
def test_a_task_that_takes_another_time_is_seen_the_later_the_more_it_surprises(
    lasts: float, expected: float
) -> None:
    ages = asked_at(Traits(link_life=1, pace=(1.0, 10.0)), lasts=lasts, expected=expected)
    assert ages[-1] - lasts <= 1.1 * min(10.0, abs(lasts - expected) / 2)


def test_a_quick_gateway_is_seen_to_be_quick_before_anybody_knows_it(gateways: Control) -> None:
    unknown = pace.expected("threedai")
    ages = asked_at(Traits(link_life=1, pace=(1.0, 10.0)), lasts=3.0, expected=unknown)
    assert ages[-1] < 5.0


def test_where_two_questions_would_come_too_late_one_is_asked_in_time() -> None:
    (age,) = asked_at(Traits(link_life=1, pace=(10.0, 15.0)), lasts=14.9, expected=15.0)
    assert 15.0 <= age <= 16.5


@pytest.mark.parametrize("first", [1.0, 3.0, 10.0])
def test_a_gateway_is_never_asked_sooner_than_it_likes(first: float) -> None:
    for expected in (0.0, 1.0, 11.0, 15.0, 20.0, 300.0):
        ages = asked_at(Traits(link_life=1, pace=(first, 15.0)), lasts=120.0, expected=expected)
        gaps = [later - sooner for sooner, later in zip([0.0, *ages], ages, strict=False)]
        assert first - 1e-9 <= min(gaps) <= max(gaps) <= 16.5


def test_the_first_question_is_aimed_at_how_long_work_takes_here(
    person: Person, gateways: Control, engine: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "_lately", (float("-inf"), {}))  # as in a worker that has just started
    all_ended([ask(person, f"earlier {number}", provider="prospolabs") for number in range(5)])
    Submission.objects.update(finished_at=F("sent_at") + timedelta(seconds=40))
    gateways.settings("prospolabs", latency=3600)
    waits, looks = [], []
    for known in (False, True):
        begun = time.monotonic()
        monkeypatch.setattr(pace, "_LATELY", -1.0 if known else 1e9)
        monkeypatch.setitem(registry.ADAPTERS, "prospolabs", Prospolabs)  # at its own pace
        running = in_state(ask(person, f"aimed {known}", provider="prospolabs"), SubmissionState.RUNNING)
        assert running.due_at is not None
        assert running.sent_at is not None
        waits.append((running.due_at - running.sent_at).total_seconds())
        looks.append(time.monotonic() - begun)
    # Not known, the gap is a second, or half the age it is asked at; and no age is beyond this look.
    assert waits[0] < 1.2 + 1.6 * looks[0]
    assert waits[1] > 9
