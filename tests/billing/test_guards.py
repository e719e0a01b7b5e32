"""The database keeps the books by itself: raw SQL is refused what the ledger would never do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from importlib import import_module
from uuid import UUID, uuid4

import pytest
from django.apps import apps
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import CheckConstraint, UniqueConstraint
from django.utils import timezone

from billing import pricing
from billing.models import Budget, BudgetPeriod, Every, Hold, Price, Subject, Transfer, TransferKind, Wallet
from generations import states
from generations.models import Generation, Result, Submission
from providers.models import ProviderAccount
from tests.billing.books import assert_books_add_up, captured, hold
from tests.conftest import Person, make_person


@pytest.fixture
def person(db: None) -> Person:
    return make_person(credit=1_000)


def run(sql: str, *parameters: object) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(sql, parameters)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE billing_transfer SET amount = amount + 1",
        "UPDATE billing_transfer SET memo = 'better'",
        "DELETE FROM billing_transfer",
        "TRUNCATE billing_transfer",
        "DELETE FROM billing_hold",
        "UPDATE billing_price SET unit = 1",
        "UPDATE billing_price SET effective_from = now() - interval '1 day'",
        "DELETE FROM billing_price",
        "TRUNCATE billing_price",
    ],
)
def test_what_was_booked_is_never_changed(person: Person, sql: str) -> None:
    captured(person)
    pricing.set_price(model="seedream-5-lite", provider="runware", unit=35_000)
    before = [list(model.objects.order_by("id").values()) for model in (Transfer, Hold, Price)]

    with pytest.raises(DatabaseError, match="is refused"):
        run(sql)

    assert [list(model.objects.order_by("id").values()) for model in (Transfer, Hold, Price)] == before
    assert_books_add_up()


@pytest.mark.parametrize(
    "change",
    [
        "amount = amount + 1",
        "generation_id = gen_random_uuid()",
        "settled_at = NULL, captured = 0",
        "settled_at = now() + interval '1 day'",
        "captured = 0",
    ],
)
def test_a_settled_hold_stays_as_it_was_settled(person: Person, change: str) -> None:
    captured(person)

    with pytest.raises(DatabaseError, match="settled once"):
        run(f"UPDATE billing_hold SET {change}")


def _hold(person: Person, **fields: object) -> Callable[[], object]:
    given = {"wallet": person.wallet, "generation_id": uuid4(), "project_id": uuid4(), "amount": 1, **fields}
    return lambda: Hold.objects.create(**given)


def _transfer(person: Person, **fields: object) -> Callable[[], object]:
    given = {
        "kind": TransferKind.GRANT,
        "wallet": person.wallet,
        "source": "a",
        "target": "b",
        "amount": 1,
        **fields,
    }
    return lambda: Transfer.objects.create(**given)


def _budget(person: Person, **fields: object) -> Callable[[], Budget]:
    given = {"scope": Subject.PERSON, "subject_id": person.user.id, "amount": 1_000, **fields}
    return lambda: Budget.objects.create(**given)


def _again(transfer: Transfer) -> Callable[[], object]:
    copy = {field.attname: getattr(transfer, field.attname) for field in Transfer._meta.concrete_fields}
    return lambda: Transfer.objects.create(**{**copy, "id": uuid4()})


def _violations(person: Person) -> dict[str, Callable[[], object]]:
    """One way past the ledger to break each constraint of billing."""
    budget = _budget(person)()
    period = BudgetPeriod.objects.create(budget=budget, starts_on=date(2026, 11, 1))
    opened, capture = hold(person, 100), captured(person, 100, runware=60)
    keyed = _transfer(person, key="k")
    keyed()
    sql = {
        "wallet_adds_up": "UPDATE billing_wallet SET granted = granted + 1",
        "wallet_never_overdrawn": "UPDATE billing_wallet SET available = -1, granted = held + spent - 1",
        "wallet_held_not_negative": "UPDATE billing_wallet SET held = -1, granted = available + spent - 1",
        "wallet_spent_not_negative": "UPDATE billing_wallet SET spent = -1, granted = available + held - 1",
        "hold_captures_within": "UPDATE billing_hold SET settled_at = now(), captured = amount + 1 "
        "WHERE settled_at IS NULL",
        "hold_refunds_within": "UPDATE billing_hold SET refunded = captured + 1",
        "hold_open_captures_nothing": "UPDATE billing_hold SET captured = 1 WHERE settled_at IS NULL",
    }
    return {
        **{name: lambda statement=statement: run(statement) for name, statement in sql.items()},  # type: ignore[misc]
        "hold_of_something": _hold(person, amount=0),
        "transfer_of_something": _transfer(person, amount=0),
        "transfer_goes_somewhere": _transfer(person, target="a"),
        "transfer_kind_known": _transfer(person, kind="gift", hold=opened),
        "transfer_names_its_hold": _transfer(person, kind=TransferKind.CAPTURE),
        "transfer_names_its_wallet": _transfer(person, wallet=None),
        "transfer_key_once": keyed,
        "hold_held_once": _again(Transfer.objects.get(hold=opened)),
        "hold_released_once": _again(Transfer.objects.get(kind=TransferKind.RELEASE)),
        "hold_captured_once": _again(capture),
        "budget_once": _budget(person),
        "budget_not_negative": _budget(person, every=Every.DAY, amount=-1),
        "budget_period_once": lambda: BudgetPeriod.objects.create(budget=budget, starts_on=period.starts_on),
        "budget_period_not_negative": lambda: run("UPDATE billing_budgetperiod SET used = -1"),
        "price_not_negative": lambda: pricing.set_price(model="m", provider="p", unit=-1),
    }


def test_every_constraint_on_money_refuses_what_breaks_it(person: Person) -> None:
    violations = _violations(person)
    constraints = {
        constraint.name
        for model in apps.get_app_config("billing").get_models()
        for constraint in model._meta.constraints
        if isinstance(constraint, CheckConstraint | UniqueConstraint)
    }

    assert set(violations) == constraints
    for name, violate in violations.items():
        with pytest.raises(IntegrityError) as error, transaction.atomic():
            violate()
        assert error.value.__cause__.diag.constraint_name == name  # type: ignore[union-attr]
    assert person.wallet.granted == 1_000


def test_a_generation_is_held_for_once_and_a_person_has_one_wallet(person: Person) -> None:
    held = hold(person, 100)

    with pytest.raises(IntegrityError, match="generation_id"), transaction.atomic():
        _hold(person, generation_id=held.generation_id)()
    with pytest.raises(IntegrityError, match="user_id"), transaction.atomic():
        Wallet.objects.create(user=person.user)


# ── states ──────────────────────────────────────────────────────────────────────

WRITTEN = ("0002_guards", "0015_put_back")
ARROWS = {"generation": states.GENERATION, "submission": states.SUBMISSION, "result": states.RESULT}


def _generation(person: Person, status: str) -> Generation:
    return Generation.objects.create(
        project=person.project,
        user=person.user,
        model="seedream-5-lite",
        provider="runware",
        prompt="a red boat",
        status=status,
        requested=1,
        unit_price=1,
        quoted=1,
        deadline_at=timezone.now(),
        finished_at=timezone.now() if status in states.ENDED else None,
    )


def _row_in(person: Person, name: str, state: str) -> UUID:
    """A row that was born in a state, whatever came before."""
    generation = _generation(person, state if name == "generation" else "queued")
    if name == "generation":
        return generation.id
    account, _ = ProviderAccount.objects.get_or_create(provider="runware", name="runware")
    submission = Submission.objects.create(
        generation=generation,
        account=account,
        provider="runware",
        asked={},
        pictures=1,
        unit_price=1,
        sent_at=timezone.now(),
        state=state if name == "submission" else "planned",
    )
    if name == "submission":
        return submission.id
    return Result.objects.create(submission=submission, key="1", position=0, sha256="0" * 64, state=state).id


def _move(name: str, row: UUID, after: str) -> None:
    column = "status" if name == "generation" else "state"
    ends = ", finished_at = now()" if name == "generation" and after in states.ENDED else ""
    run(f"UPDATE generations_{name} SET {column} = %s{ends} WHERE id = %s", after, row)


@pytest.mark.parametrize("name", ARROWS)
def test_the_database_follows_the_arrows_and_no_others(person: Person, name: str) -> None:
    for before in ARROWS[name]:
        row = _row_in(person, name, before)
        for after in [*ARROWS[name], "nonsense"]:
            if after == before:
                continue
            with transaction.atomic():
                if after in ARROWS[name][before]:
                    _move(name, row, after)
                else:
                    with pytest.raises(DatabaseError, match=f"{name}: no arrow {before} to {after}"):
                        _move(name, row, after)
                transaction.set_rollback(True)


@pytest.mark.parametrize("name", ARROWS)
def test_the_arrows_in_the_database_are_those_in_the_code(name: str) -> None:
    first, last = (import_module(f"generations.migrations.{one}").ARROWS for one in WRITTEN)
    written = {**first, **last}[name]

    assert {state: set(afters) for state, afters in written.items()} == {
        state: set(afters) for state, afters in ARROWS[name].items() if afters
    }
