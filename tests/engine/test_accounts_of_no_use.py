"""Accounts that are set wrongly, or are of another version: their work ends, and no other waits for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from generations.engine import sending, sweeping
from generations.engine.media import Media
from generations.engine.net import Net
from generations.models import Generation, Preset, Result, Submission, WebhookEvent
from generations.states import SubmissionState
from providers import registry
from providers.errors import Reason
from providers.models import ProviderAccount
from providers.provider import Provider
from providers.sandbox.client import Control
from providers.sandbox.faults import Fault
from providers.values import Accepted, Report
from tests.conftest import Person, ask, ended, eventually
from tests.engine.conftest import Start
from tests.engine.stage import all_ended, change, heard, in_state, only, pass_time, send, story

SPOILED = ["threedai", "prospolabs"]


def spoil(provider: str) -> None:
    """Set its account wrongly, or as a version would that knows another provider."""
    if provider == "threedai":
        change(provider, settings={"usd_per_credit": "nonsense"})
    else:
        ProviderAccount.objects.filter(provider=provider).update(provider="another")


def given_up(person: Person, provider: str) -> Submission:
    """A call that was taken on, and that nobody could tell about for so long that it was given up."""
    generation = ask(person, provider=provider)
    send()
    submission = only(generation)
    heard(submission, Accepted("gen_1"), post=1)
    sending.abandon(submission, Reason.LOST, "nobody can tell")
    return only(generation)


def stumbling(adapter: Any) -> type[Provider]:
    """The adapter, with a flaw where it reads what is written to us."""

    class Stumbling(adapter):  # type: ignore[misc]
        def read_webhook(self, *written: object) -> tuple[str | None, Report]:
            raise KeyError(len(written))

    return Stumbling


def to_be_cleared(person: Person) -> Preset:
    """What the sweep clears away, nearly at its end."""
    return Preset.objects.create(user=person.user, name="old", deleted_at=timezone.now() - timedelta(days=2))


@pytest.mark.parametrize("provider", SPOILED)
def test_an_account_that_is_set_wrongly_holds_nothing_for_ever(
    person: Person, gateways: Control, engine: Net, provider: str
) -> None:
    gateways.settings(provider, latency=3600)
    generation = ask(person, provider=provider)
    in_state(generation, SubmissionState.RUNNING)
    spoil(provider)
    pass_time(60)
    rests = Submission.objects.filter(due_at__gt=timezone.now() + timedelta(seconds=30))
    eventually(rests.exists, what="a look that finds the account of no use")
    assert not Generation.objects.get(id=generation.id).ended
    pass_time(24 * 3600)
    assert story(gateways, ended(generation)).code == "provider_lost"
    assert person.wallet.held == 0


@pytest.mark.parametrize("provider", SPOILED)
def test_what_was_given_up_is_left_alone_until_its_account_is_set_right(
    person: Person, gateways: Control, live: str, provider: str
) -> None:
    lost, old = given_up(person, provider), to_be_cleared(person)
    right = lost.account
    spoil(provider)
    sweeping.sweep()
    assert not Preset.objects.filter(id=old.id).exists()
    assert only(lost.generation).state == SubmissionState.ABANDONED

    right.save(update_fields=["provider", "settings"])
    sweeping.sweep()
    assert only(lost.generation).state == SubmissionState.RUNNING


def test_a_picture_whose_link_is_dead_waits_until_its_account_is_set_right(
    person: Person, gateways: Control, loops: Start
) -> None:
    loops(Net(fetches=0))
    generation = ask(person, provider="prospolabs")
    eventually(Result.objects.filter(submission__generation=generation).exists)
    gateways.fault(Fault.EXPIRED, gateway="prospolabs", times=None)
    right = only(generation).account
    spoil("prospolabs")
    loops(Net(), Media())
    eventually(Result.objects.filter(detail__contains="no fresh link").exists)
    assert not Generation.objects.get(id=generation.id).ended

    right.save(update_fields=["provider"])
    gateways.clear_faults()
    all_ended([generation], hours=0.01)
    assert story(gateways, generation).status == "succeeded"


def test_what_is_written_about_an_account_of_no_use_is_turned_away(
    person: Person, gateways: Control, live: str, client: Client
) -> None:
    lost = given_up(person, "prospolabs")
    spoil("prospolabs")
    hook = f"/hooks/prospolabs/{lost.webhook_token}"
    assert client.post(hook, b"{}", content_type="application/json").status_code == 401


def test_what_the_sweep_stumbles_over_keeps_it_from_nothing_else(
    person: Person, gateways: Control, live: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    flawed = stumbling(registry.ADAPTERS["prospolabs"])
    monkeypatch.setitem(registry.ADAPTERS, "prospolabs", flawed)
    first, second = given_up(person, "prospolabs"), given_up(person, "runware")
    Submission.objects.filter(id=first.id).update(posts=2)  # so what is written may be of an earlier one
    WebhookEvent.objects.create(submission=first, sha256="0" * 64, body=b"{}")
    old = to_be_cleared(person)
    sweeping.sweep()
    assert only(first.generation).state == SubmissionState.ABANDONED
    assert only(second.generation).state == SubmissionState.RUNNING
    assert not Preset.objects.filter(id=old.id).exists()
