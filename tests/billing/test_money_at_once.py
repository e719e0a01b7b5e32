"""Thirty-two threads, one wallet. Each rule is one conditional statement, so all orders end alike."""

from __future__ import annotations

import random
from collections.abc import Callable
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import transaction

from accounts.errors import Conflict
from billing import ledger
from billing.errors import InsufficientCredit
from billing.models import Hold, Transfer, TransferKind, Wallet
from tests.billing.books import assert_books_add_up, balances, captured, hold, settle
from tests.billing.crowd import crowd
from tests.conftest import Person, make_person

THREADS = 32


def _admits_exactly_what_the_money_allows(
    person: Person, holding: Callable[[Person, int], object], *, units: int, attempts: int
) -> None:
    """Everybody holds one unit at a time, more often than there is money for."""

    def work(_: int) -> int:
        admitted = 0
        for _attempt in range(attempts):
            try:
                holding(person, 1)
            except InsufficientCredit:
                continue
            admitted += 1
        return admitted

    admitted = sum(crowd(THREADS, work).made)

    assert admitted == units
    assert balances(person.wallet) == (units, 0, units, 0)
    assert_books_add_up()


def test_a_hot_wallet_admits_exactly_what_its_money_allows(live: str) -> None:
    person = make_person(credit=100)

    _admits_exactly_what_the_money_allows(person, hold, units=100, attempts=10)


def test_the_same_test_catches_a_wallet_that_is_read_and_then_written(live: str) -> None:
    person = make_person(credit=10)
    everybody_has_read = Barrier(THREADS)

    def read_then_write(person: Person, amount: int) -> None:
        with transaction.atomic():
            held = Hold.objects.create(
                wallet=person.wallet, amount=amount, generation_id=uuid4(), project_id=person.project.id
            )
            Transfer.objects.create(
                kind=TransferKind.HOLD,
                wallet=person.wallet,
                hold=held,
                source=ledger.AVAILABLE,
                target="wallet:held",
                amount=amount,
            )
            wallet = person.wallet
            everybody_has_read.wait(60)
            if wallet.available < amount:
                raise InsufficientCredit(needed=amount, available=wallet.available, held=wallet.held)
            wallet.available, wallet.held = wallet.available - amount, wallet.held + amount
            wallet.save(update_fields=["available", "held"])

    with pytest.raises(AssertionError):
        _admits_exactly_what_the_money_allows(person, read_then_write, units=10, attempts=1)


def test_of_capture_and_release_the_first_has_the_only_effect(live: str) -> None:
    person = make_person(credit=2_000)
    holds = [hold(person, 100) for _ in range(20)]

    def work(number: int) -> list[tuple[Hold, int]]:
        order = random.Random(number).sample(holds, len(holds))
        amount = 60 if number % 2 else 0
        return [(held, amount) for held in order if settle(held, runware=amount)]

    winners = [won for wins in crowd(16, work).made for won in wins]

    assert sorted(held.id for held, _ in winners) == sorted(held.id for held in holds)
    spent = sum(amount for _, amount in winners)
    assert balances(person.wallet) == (2_000, 2_000 - spent, 0, spent)
    assert_books_add_up()


def test_settling_a_hundred_times_is_settling_once(live: str) -> None:
    person = make_person(credit=100)
    held = hold(person, 100)

    assert [settle(held, runware=70) for _ in range(100)] == [True] + [False] * 99
    assert balances(person.wallet) == (100, 30, 0, 70)
    assert_books_add_up()


def test_a_grant_sent_by_everybody_with_one_key_is_made_once(live: str) -> None:
    person = make_person(credit=0)

    answers = crowd(
        THREADS, lambda _: ledger.grant(user=person.user, amount=5, memo="gift", actor=None, key="spring")
    )

    assert len({transfer.id for transfer, _ in answers.made}) == 1
    assert sorted(fresh for _, fresh in answers.made) == [False] * (THREADS - 1) + [True]
    assert balances(person.wallet) == (5, 5, 0, 0)
    assert_books_add_up()


def test_no_grant_of_many_at_once_is_lost(live: str) -> None:
    person = make_person(credit=0)

    crowd(THREADS, lambda number: ledger.grant(user=person.user, amount=1 + number, memo="gift", actor=None))

    total = sum(range(1, THREADS + 1))
    assert balances(person.wallet) == (total, total, 0, 0)
    assert_books_add_up()


def test_credit_cannot_be_revoked_twice_over(live: str) -> None:
    person = make_person(credit=10)

    answers = crowd(
        THREADS,
        lambda _: ledger.revoke(user=person.user, amount=1, memo="mistake", actor=None),
        refusals=(Conflict,),
    )

    assert (len(answers.made), len(answers.refused)) == (10, THREADS - 10)
    assert balances(person.wallet) == (0, 0, 0, 0)
    assert_books_add_up()


@pytest.mark.parametrize(("amount", "fit"), [(100, 1), (10, 10), (30, 3)])
def test_refunds_at_once_give_back_at_most_what_was_captured(live: str, amount: int, fit: int) -> None:
    person = make_person(credit=100)
    capture = captured(person, 100)

    answers = crowd(
        THREADS,
        lambda _: ledger.refund(capture=capture, amount=amount, memo="sorry", actor=None),
        refusals=(Conflict,),
    )

    assert len(answers.made) == fit
    assert {getattr(refusal, "code", "") for refusal in answers.refused} == {"already_refunded"}
    assert balances(person.wallet) == (100, fit * amount, 0, 100 - fit * amount)
    assert_books_add_up()


def test_refunds_at_once_of_one_of_two_captures_leave_the_other_alone(live: str) -> None:
    person = make_person(credit=100)
    capture = captured(person, 100, runware=40, bytespike=60)

    answers = crowd(
        THREADS,
        lambda _: ledger.refund(capture=capture, amount=10, memo="sorry", actor=None),
        refusals=(Conflict,),
    )

    assert len(answers.made) == capture.amount // 10
    assert_books_add_up()


def test_a_refund_sent_by_everybody_with_one_key_is_made_once(live: str) -> None:
    person = make_person(credit=100)
    capture = captured(person, 100)

    answers = crowd(
        THREADS, lambda _: ledger.refund(capture=capture, amount=10, memo="sorry", actor=None, key="once")
    )

    assert len({transfer.id for transfer in answers.made}) == 1
    assert balances(person.wallet) == (100, 10, 0, 90)
    assert_books_add_up()


def test_everybody_sees_one_wallet_first(live: str) -> None:
    person = make_person(credit=0)
    Wallet.objects.filter(user=person.user).delete()

    wallets = crowd(THREADS, lambda _: ledger.wallet_of(person.user)).made

    assert len({wallet.id for wallet in wallets}) == 1


def test_what_a_provider_took_is_absorbed_once_however_many_book_it(live: str) -> None:
    person = make_person(credit=0)
    generation_id = uuid4()

    crowd(
        THREADS,
        lambda number: ledger.absorb(
            key="one submission",
            amount=1 + number,
            provider="runware",
            model="seedream-5-lite",
            generation_id=generation_id,
            project_id=person.project.id,
            memo="lost",
        ),
    )

    assert Transfer.objects.filter(kind=TransferKind.ABSORB).count() == 1
    assert_books_add_up()
