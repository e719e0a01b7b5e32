"""An adapter that stumbles over an answer nobody foresaw: what came back is kept, and the work goes on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from generations.engine.net import Net
from generations.models import Result
from generations.states import ResultState, SubmissionState
from providers import registry
from providers.provider import Provider
from providers.sandbox.client import Control
from providers.sandbox.faults import Fault
from providers.values import Answer, Exchange, ImageRequest, Report
from tests.conftest import Person, ask, ended, eventually
from tests.engine.stage import Story, all_ended, in_state, only, outlast, pass_time, story


def stumble(answer: Answer) -> Report:
    raise KeyError("data")


def stumbling(adapter: Any, *, flawed_polls: bool = False) -> type[Provider]:
    """The adapter, with a flaw where it reads the answer to a paid request, or to every question."""

    class Stumbling(adapter):  # type: ignore[misc]
        def submit(self, request: ImageRequest, ours: UUID) -> Exchange[Report]:
            return replace(super().submit(request, ours), read=stumble)

        def poll(self, theirs: str) -> Exchange[Report]:
            return replace(super().poll(theirs), read=stumble if flawed_polls else super().poll(theirs).read)

    return Stumbling


def test_an_answer_that_makes_its_adapter_stumble_is_kept_and_its_call_looked_up(
    person: Person, gateways: Control, engine: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    for slug in ("bytespike", "runware"):
        monkeypatch.setitem(registry.ADAPTERS, slug, stumbling(registry.ADAPTERS[slug]))
    lost = ask(person, "nobody can tell", provider="bytespike")
    found = ask(person, "asked by our id", provider="runware")

    unread = in_state(lost, SubmissionState.UNKNOWN)
    assert (unread.http_status, '"url"' in unread.raw) == (200, True)
    assert "KeyError" in unread.moves.get(after=SubmissionState.UNKNOWN).why

    all_ended([lost, found], hours=1)
    assert story(gateways, found) == Story("succeeded", "", 1, 35_000, 0, 1)
    assert story(gateways, lost) == Story("failed", "provider_lost", 0, 0, 12_000, 1)
    assert only(lost).state == SubmissionState.ABANDONED
    assert (person.wallet.held, person.wallet.spent) == (0, 35_000)


def test_a_link_that_died_and_cannot_be_asked_for_anew_for_a_flaw_of_ours_is_given_up_in_the_end(
    person: Person, gateways: Control, engine: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateways.fault(Fault.EXPIRED, gateway="runware", times=None)
    generation = ask(person, provider="runware")
    eventually(lambda: gateways.count("runware", "file") >= 1, what="a look at the dead link")
    monkeypatch.setitem(
        registry.ADAPTERS, "runware", stumbling(registry.ADAPTERS["runware"], flawed_polls=True)
    )
    outlast(lambda: "KeyError" in Result.objects.get().detail, what="a try that stumbled")
    assert person.wallet.held == generation.quoted

    pass_time(8 * 24 * 3600)  # longer than its links live
    outlast(lambda: not Result.objects.filter(state=ResultState.PENDING).exists(), what="the end of it")
    assert story(gateways, ended(generation)) == Story("failed", "result_expired", 0, 0, 35_000, 1)
    assert person.wallet.held == 0
