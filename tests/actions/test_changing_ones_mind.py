"""Canceling and asking again."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import F

from accounts import actions
from accounts.errors import NotAllowed, NotFound
from accounts.models import AuditEvent, Role
from billing.errors import InsufficientCredit
from billing.models import Transfer, TransferKind
from billing.pricing import set_price
from generations.actions import assets, generate, idempotency, uploads
from generations.engine import purging
from generations.engine.net import Net
from generations.engine.purging import KEPT
from generations.models import Asset, Generation, Submission
from generations.states import SubmissionState
from providers.sandbox.client import Control
from tests.billing.books import assert_books_add_up, balances
from tests.conftest import DOLLAR, Person, ask, ended, eventually, make_person, png
from tests.web.conftest import browser_of


def retry(person: Person, generation: Generation, key: idempotency.Key | None = None) -> Generation:
    outcome = generate.retry(
        principal=person.principal,
        generation_id=generation.id,
        render=lambda made: {"id": str(made.id)},
        key=key,
    )
    assert outcome.subject_id is not None
    return Generation.objects.get(id=outcome.subject_id)


def test_what_was_not_sent_is_canceled_at_once_and_costs_nothing(ada: Person) -> None:
    generation = ask(ada, provider="bytespike", count=6)

    canceled = generate.cancel(principal=ada.principal, generation_id=generation.id)

    assert (canceled.status, canceled.charged, canceled.error_code) == ("canceled", 0, "")
    assert balances(ada.wallet) == (100 * DOLLAR, 100 * DOLLAR, 0, 0)
    assert [
        (one.state, one.posts, one.sent_at) for one in Submission.objects.filter(generation=generation)
    ] == [(SubmissionState.CANCELED, 0, None)] * 2
    call_command("audit_ledger", stdout=StringIO())


def test_canceling_twice_or_after_the_end_changes_nothing(ada: Person) -> None:
    generation = ask(ada)
    first = generate.cancel(principal=ada.principal, generation_id=generation.id)

    again = generate.cancel(principal=ada.principal, generation_id=generation.id)

    assert (again.status, again.finished_at) == ("canceled", first.finished_at)
    assert AuditEvent.objects.filter(verb="cancel_generation").count() == 1
    assert Transfer.objects.filter(kind=TransferKind.RELEASE).count() == 1
    assert_books_add_up()


def test_who_may_only_look_may_neither_cancel_nor_ask_again(ada: Person) -> None:
    generation = ask(ada)
    ben = make_person("ben@example.com")
    for role, refusal in ((None, NotFound), (Role.VIEWER, NotAllowed)):
        if role:
            actions.set_member(
                principal=ada.principal, project_id=ada.project.id, email=ben.user.email, role=role
            )
        with pytest.raises(refusal):
            generate.cancel(principal=ben.principal, generation_id=generation.id)
        with pytest.raises(refusal):
            retry(ben, generation)

    generation.refresh_from_db()
    assert (generation.status, generation.cancel_requested_at) == ("queued", None)
    assert Generation.objects.count() == 1


def test_asking_again_asks_the_same_names_the_old_one_and_is_held_for_anew(ada: Person) -> None:
    fields: dict[str, Any] = {"provider": "threedai", "count": 2, "seed": 0, "safety_check": False}
    old = ask(ada, "a red boat", **fields, tags=["sea"], metadata={"shot": 4}, aspect_ratio="16:9")
    generate.cancel(principal=ada.principal, generation_id=old.id)

    new = retry(ada, old)

    assert (new.retry_of, new.prompt, new.parameters) == (old, old.prompt, old.parameters)
    assert (new.tags, new.metadata, new.project, new.requested) == (["sea"], {"shot": 4}, old.project, 2)
    asked = [Submission.objects.get(generation=one).asked for one in (old, new)]
    assert asked[0] == asked[1]
    assert (asked[1]["seed"], asked[1]["safety_check"]) == (0, False)
    assert ada.wallet.held == new.quoted


def test_asking_again_does_without_a_source_that_is_gone(ada: Person) -> None:
    source = uploads.upload(principal=ada.principal, project_id=ada.project.id, chunks=[png()])
    old = ask(ada, source=f"asset:{source.id}", relation="final")
    named = retry(ada, old)
    assert (named.source, named.relation) == (source, "final")

    assets.trash(principal=ada.principal, asset_id=source.id)
    Asset.objects.filter(id=source.id).update(trashed_at=F("trashed_at") - KEPT)
    purging.purge()

    new = retry(ada, old)
    assert (new.retry_of, new.source, new.relation) == (old, None, "")
    assert browser_of(ada).post(f"/generations/{old.id}/retry").status_code == 302
    assert Generation.objects.filter(retry_of=old, source=None).count() == 2


def test_asking_again_pays_the_price_of_today(ada: Person) -> None:
    old = ask(ada, provider="runware")
    set_price(model="seedream-5-lite", provider="runware", unit=50_000)

    assert retry(ada, old).quoted == 50_000
    assert ada.wallet.held == 85_000


def test_asking_again_with_the_same_key_makes_one_more(ada: Person) -> None:
    old = ask(ada)
    key = idempotency.Key(ada.user, "k", f"/api/v1/generations/{old.id}/retry", {})

    assert retry(ada, old, key) == retry(ada, old, key)
    assert Generation.objects.count() == 2


def test_asking_again_without_credit_leaves_nothing(ada: Person) -> None:
    ben = make_person("ben@example.com", credit=14_000)
    old = ask(ben)

    with pytest.raises(InsufficientCredit):
        retry(ben, old)

    assert Generation.objects.filter(project=ben.project).count() == 1


def test_what_a_provider_finishes_in_spite_of_it_is_kept_and_paid(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.settings(gateway="runware", latency=3600)
    generation = ask(person, provider="runware", include_cost=False)
    eventually(lambda: Submission.objects.filter(generation=generation, state="running").exists())

    generate.cancel(principal=person.principal, generation_id=generation.id)
    gateways.advance(3600)

    finished = ended(generation)
    assert (finished.status, finished.delivered, finished.charged) == ("succeeded", 1, 35_000)
    assert balances(person.wallet) == (100 * DOLLAR, 100 * DOLLAR - 35_000, 0, 35_000)
    call_command("audit_ledger", stdout=StringIO())


def test_a_provider_that_takes_more_or_says_nothing_charges_a_person_what_was_quoted(
    gateways: Control, engine: Net
) -> None:
    exact = make_person(credit=2 * 35_000)
    gateways.fault("cost_percent", gateway="runware", prompt_contains="dear", percent=150)
    gateways.fault("cost_missing", gateway="runware", prompt_contains="silent")

    dear, silent = (
        ended(one) for one in [ask(exact, word, provider="runware") for word in ("dear", "silent")]
    )

    assert [(one.status, one.charged) for one in (dear, silent)] == [("succeeded", 35_000)] * 2
    assert balances(exact.wallet) == (70_000, 0, 0, 70_000)
    captures = {one.generation_id: one for one in Transfer.objects.filter(kind="capture")}
    assert captures[dear.id].provider_cost == 52_500
    assert (captures[silent.id].provider_cost, captures[silent.id].provider_cost_raw) == (35_000, "")
    absorbed = Transfer.objects.filter(kind=TransferKind.ABSORB)
    assert [(one.generation_id, one.amount) for one in absorbed] == [(dear.id, 17_500)]
    call_command("audit_ledger", stdout=StringIO())
