"""What the ledger refuses, and in which words."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from accounts.errors import Conflict, Invalid
from billing import ledger
from billing.errors import InsufficientCredit
from billing.ledger import Line
from billing.models import Transfer, TransferKind
from billing.money import MOST
from tests.billing.books import assert_books_add_up, balances, captured, hold, settle
from tests.conftest import Person, make_person


@pytest.fixture
def person(db: None) -> Person:
    return make_person(credit=1_000)


def test_a_hold_above_what_is_there_says_what_is_needed_available_and_held(person: Person) -> None:
    hold(person, 900)

    with pytest.raises(InsufficientCredit) as refusal:
        hold(person, 200)

    assert refusal.value.extra == {"needed": "0.0002", "available": "0.0001", "held": "0.0009"}
    assert balances(person.wallet) == (1_000, 100, 900, 0)
    assert Transfer.objects.filter(kind=TransferKind.HOLD).count() == 1
    assert_books_add_up()


def test_money_moves_only_in_a_transaction(live: str) -> None:
    person = make_person(credit=10)
    with pytest.raises(AssertionError, match="transaction"):
        ledger.hold(
            user=person.user,
            amount=1,
            generation_id=uuid4(),
            project_id=person.project.id,
            provider="runware",
            model="seedream-5-lite",
        )
    with pytest.raises(AssertionError, match="transaction"):
        ledger.settle(generation_id=uuid4(), lines=[])


def test_a_capture_keeps_what_the_provider_said_it_took_beside_what_was_charged(person: Person) -> None:
    held = hold(person, 100)
    line = Line(
        "runware", "seedream-5-lite", pictures=2, amount=70, provider_cost=90, provider_cost_raw="0.00009"
    )

    with transaction.atomic():
        ledger.settle(generation_id=held.generation_id, lines=[line])

    capture = Transfer.objects.get(kind=TransferKind.CAPTURE)
    assert (capture.amount, capture.provider_cost, capture.provider_cost_raw) == (70, 90, "0.00009")
    assert (capture.pictures, capture.target, capture.project_id) == (2, "spend:runware", person.project.id)
    assert Transfer.objects.get(kind=TransferKind.RELEASE).amount == 30


@pytest.mark.parametrize("sandbox", [True, False])
def test_whatever_moves_for_samples_is_marked_and_nothing_else(person: Person, sandbox: bool) -> None:
    held = hold(person, 100, sandbox=sandbox)
    settle(held, runware=70)
    capture = Transfer.objects.get(kind=TransferKind.CAPTURE)
    ledger.refund(capture=capture, amount=20, memo="blurred", actor=None)

    marked = dict(Transfer.objects.values_list("kind", "sandbox"))
    assert marked == {"grant": False} | dict.fromkeys(("hold", "capture", "release", "refund"), sandbox)


def test_a_negative_line_captures_nothing(person: Person) -> None:
    held = hold(person, 100)

    with pytest.raises(AssertionError):
        settle(held, runware=70, bytespike=-10)

    assert balances(person.wallet) == (1_000, 900, 100, 0)


def test_two_lines_of_one_provider_capture_nothing(person: Person) -> None:
    held = hold(person, 100)
    line = Line("runware", "seedream-5-lite", 1, 10)

    with pytest.raises(IntegrityError, match="hold_captured_once"), transaction.atomic():
        ledger.settle(generation_id=held.generation_id, lines=[line, line])

    assert balances(person.wallet) == (1_000, 900, 100, 0)
    assert_books_add_up()


def test_a_capture_is_not_refunded_from_its_neighbour(person: Person) -> None:
    capture = captured(person, 100, runware=40, bytespike=60)

    with pytest.raises(Conflict) as refusal:
        ledger.refund(capture=capture, amount=capture.amount + 1, memo="sorry", actor=None)

    assert refusal.value.code == "already_refunded"
    ledger.refund(capture=capture, amount=capture.amount, memo="sorry", actor=None)
    assert_books_add_up()


def test_a_refund_key_used_for_another_refund_is_a_conflict(person: Person) -> None:
    one, other = captured(person), captured(person)
    first = ledger.refund(capture=one, amount=10, memo="sorry", actor=None, key="k")

    assert ledger.refund(capture=one, amount=10, memo="sorry", actor=None, key="k") == first
    for capture, amount in ((one, 20), (other, 10)):
        with pytest.raises(Conflict) as refusal:
            ledger.refund(capture=capture, amount=amount, memo="sorry", actor=None, key="k")
        assert refusal.value.code == "idempotency_key_reused"
    assert balances(person.wallet) == (1_000, 810, 0, 190)


def test_a_grant_and_a_refund_may_share_a_key(person: Person) -> None:
    ledger.grant(user=person.user, amount=5, memo="gift", actor=None, key="k")

    ledger.refund(capture=captured(person), amount=10, memo="sorry", actor=None, key="k")

    assert_books_add_up()


@pytest.mark.parametrize("verb", [ledger.grant, ledger.revoke])
@pytest.mark.parametrize(
    ("amount", "memo", "field"),
    [(0, "gift", "amount"), (-1, "gift", "amount"), (MOST + 1, "gift", "amount"), (1, " ", "memo")],
)
def test_a_grant_or_its_revocation_names_the_field_that_is_wrong(
    person: Person, verb: object, amount: int, memo: str, field: str
) -> None:
    assert callable(verb)
    with pytest.raises(Invalid) as refusal:
        verb(user=person.user, amount=amount, memo=memo, actor=None)

    assert set(refusal.value.fields) == {field}
    assert balances(person.wallet) == (1_000, 1_000, 0, 0)


def test_a_long_memo_is_cut_and_a_long_key_refused(person: Person) -> None:
    granted, _ = ledger.grant(user=person.user, amount=1, memo="m" * 900, actor=None)
    revoked, _ = ledger.revoke(user=person.user, amount=1, memo="m" * 900, actor=None)

    assert (len(granted.memo), len(revoked.memo)) == (500, 500)
    with pytest.raises(Invalid, match="key"):
        ledger.grant(user=person.user, amount=1, memo="gift", actor=None, key="k" * 300)


def test_a_revocation_under_one_key_takes_back_once(person: Person) -> None:
    first, fresh = ledger.revoke(user=person.user, amount=40, memo="mistake", actor=None, key="k")
    assert ledger.revoke(user=person.user, amount=40, memo="mistake", actor=None, key="k") == (first, False)

    assert fresh
    assert balances(person.wallet) == (960, 960, 0, 0)
    with pytest.raises(Conflict) as refusal:
        ledger.revoke(user=person.user, amount=41, memo="mistake", actor=None, key="k")
    assert refusal.value.code == "idempotency_key_reused"
    assert_books_add_up()


def test_held_credit_cannot_be_revoked(person: Person) -> None:
    hold(person, 950)

    with pytest.raises(Conflict) as refusal:
        ledger.revoke(user=person.user, amount=51, memo="mistake", actor=None)

    assert (refusal.value.code, "$0.00005 is available" in refusal.value.message) == (
        "insufficient_credit",
        True,
    )
    assert balances(person.wallet) == (1_000, 50, 950, 0)
