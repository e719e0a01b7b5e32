"""The ledger against arithmetic in dictionaries, in every order that hypothesis can think of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from accounts.errors import Conflict, Invalid
from billing import ledger
from billing.errors import InsufficientCredit
from billing.models import Hold, Transfer, TransferKind, Wallet
from tests.billing.books import assert_books_add_up, balances, hold, settle
from tests.conftest import Person, make_person

PEOPLE = ("ada", "ben")
PROVIDERS = ("runware", "bytespike", "threedai")
amounts = st.integers(1, 60) | st.integers(1, 10**12)
names = st.sampled_from(PEOPLE)
keys = st.none() | st.sampled_from(["a", "b", "c"])
shares = st.dictionaries(st.sampled_from(PROVIDERS), st.integers(0, 40))


@dataclass
class Purse:
    """What a wallet should say."""

    granted: int = 0
    available: int = 0
    held: int = 0
    spent: int = 0

    @property
    def all(self) -> tuple[int, int, int, int]:
        return self.granted, self.available, self.held, self.spent


@dataclass
class Work:
    """A hold as it should be; ``captures`` by provider, with what has been refunded of each."""

    owner: str
    hold: Hold
    amount: int
    settled: bool = False
    captures: dict[str, int] = field(default_factory=dict)
    refunded: dict[str, int] = field(default_factory=dict)


class Ledger(RuleBasedStateMachine):
    """Every verb, with money and without, once and again."""

    holds: Bundle[Work] = Bundle("holds")
    settled: Bundle[Work] = Bundle("settled")

    people: ClassVar[dict[str, Person]]

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        self.wallets: dict[str, Wallet] = {name: person.wallet for name, person in self.people.items()}
        self.purses = {name: Purse() for name in PEOPLE}
        self.grants: dict[str, tuple[str, int]] = {}
        self.refunds: dict[str, tuple[UUID, int]] = {}
        self.absorbed: dict[str, int] = {}

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.savepoint.__exit__(None, None, None)

    @rule(name=names, amount=amounts, key=keys)
    def grant(self, name: str, amount: int, key: str | None) -> None:
        def grant() -> tuple[Transfer, bool]:
            return ledger.grant(user=self.people[name].user, amount=amount, memo="gift", actor=None, key=key)

        before = self.grants.get(key or "")
        if before is not None and before != (name, amount):
            with pytest.raises(Conflict):
                grant()
            return
        _, fresh = grant()
        assert fresh is (before is None)
        if key is not None:
            self.grants[key] = (name, amount)
        if fresh:
            self.purses[name].granted += amount
            self.purses[name].available += amount
            assert grant()[1] is (key is None)
            if key is None:
                self.purses[name].granted += amount
                self.purses[name].available += amount

    @rule(name=names, amount=amounts)
    def revoke(self, name: str, amount: int) -> None:
        purse, user = self.purses[name], self.people[name].user
        if purse.available < amount:
            with pytest.raises(Conflict):
                ledger.revoke(user=user, amount=amount, memo="mistake", actor=None)
            return
        ledger.revoke(user=user, amount=amount, memo="mistake", actor=None)
        purse.granted -= amount
        purse.available -= amount

    @rule(target=holds, name=names, amount=amounts)
    def hold(self, name: str, amount: int) -> Any:
        return self._hold(name, amount)

    @rule(target=holds, name=names)
    def hold_the_last_of_it(self, name: str) -> Any:
        return self._hold(name, max(1, self.purses[name].available))

    def _hold(self, name: str, amount: int) -> Any:
        purse, person = self.purses[name], self.people[name]
        if purse.available < amount:
            with pytest.raises(InsufficientCredit) as refusal:
                hold(person, amount)
            assert set(refusal.value.extra) == {"needed", "available", "held"}
            return multiple()
        held = hold(person, amount)
        purse.available -= amount
        purse.held += amount
        return Work(name, held, amount)

    @rule(work=holds)
    def hold_again(self, work: Work) -> None:
        with pytest.raises((IntegrityError, InsufficientCredit)):
            hold(self.people[work.owner], work.amount, work.hold.generation_id)

    @rule(target=settled, work=holds, shares=shares)
    def settle(self, work: Work, shares: dict[str, int]) -> Any:
        captured = sum(shares.values())
        if work.settled:
            assert settle(work.hold, **shares) is False
            return multiple()
        if captured > work.amount:
            with pytest.raises(IntegrityError):
                settle(work.hold, **shares)
            return multiple()
        assert settle(work.hold, **shares) is True
        work.settled, work.captures = True, {name: amount for name, amount in shares.items() if amount}
        work.refunded = dict.fromkeys(work.captures, 0)
        purse = self.purses[work.owner]
        purse.held -= work.amount
        purse.spent += captured
        purse.available += work.amount - captured
        return work

    @rule(work=settled, provider=st.sampled_from(PROVIDERS), amount=st.integers(1, 45), key=keys)
    def refund(self, work: Work, provider: str, amount: int, key: str | None) -> None:
        if provider not in work.captures:
            return
        capture = Transfer.objects.get(hold=work.hold, kind=TransferKind.CAPTURE, provider=provider)
        before = self.refunds.get(key or "")
        refused = work.refunded[provider] + amount > work.captures[provider]
        if (before is not None and before != (capture.id, amount)) or (before is None and refused):
            with pytest.raises(Conflict):
                ledger.refund(capture=capture, amount=amount, memo="sorry", actor=None, key=key)
            return
        ledger.refund(capture=capture, amount=amount, memo="sorry", actor=None, key=key)
        if before is not None:
            return
        if key is not None:
            self.refunds[key] = (capture.id, amount)
        work.refunded[provider] += amount
        self.purses[work.owner].spent -= amount
        self.purses[work.owner].available += amount

    @rule(work=holds)
    def refund_what_was_never_captured(self, work: Work) -> None:
        transfer = Transfer.objects.get(hold=work.hold, kind=TransferKind.HOLD)
        with pytest.raises(Invalid):
            ledger.refund(capture=transfer, amount=1, memo="sorry", actor=None)

    @rule(key=st.sampled_from("xyz"), amount=st.integers(0, 50))
    def absorb(self, key: str, amount: int) -> None:
        ledger.absorb(
            key=key,
            amount=amount,
            provider="runware",
            model="seedream-5-lite",
            generation_id=uuid4(),
            project_id=uuid4(),
            memo="lost",
        )
        if amount:
            self.absorbed.setdefault(key, amount)

    @invariant()
    def the_database_says_what_arithmetic_says(self) -> None:
        for name, wallet in self.wallets.items():
            assert balances(wallet) == self.purses[name].all

    @invariant()
    def nothing_is_negative_and_all_adds_up(self) -> None:
        for wallet in self.wallets.values():
            granted, available, held, spent = balances(wallet)
            assert granted == available + held + spent
            assert min(granted, available, held, spent) >= 0

    @invariant()
    def oversight_finds_no_difference(self) -> None:
        assert_books_add_up()

    @invariant()
    def the_platform_absorbed_each_cost_once(self) -> None:
        booked = Transfer.objects.filter(kind=TransferKind.ABSORB).values_list("key", "amount")
        assert {key.removeprefix("absorb:"): amount for key, amount in booked if key} == self.absorbed


def test_the_ledger_agrees_with_arithmetic_whatever_happens(db: None) -> None:
    Ledger.people = {name: make_person(f"{name}@example.com", credit=0) for name in PEOPLE}

    run_state_machine_as_test(
        Ledger,
        settings=settings(
            max_examples=40,
            stateful_step_count=25,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
