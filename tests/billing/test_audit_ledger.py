"""``manage.py audit_ledger``: says that the books add up, or names each row that does not."""

from __future__ import annotations

from io import StringIO

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from billing import ledger
from billing.models import Budget, Subject
from tests.billing.books import captured
from tests.conftest import DOLLAR, Person, ask, make_person


@pytest.fixture
def person(db: None) -> Person:
    """Somebody with a budget and work under way."""
    person = make_person("ada@example.com")
    Budget.objects.create(scope=Subject.PERSON, subject_id=person.user.id, amount=DOLLAR)
    ask(person, provider="runware")
    return person


def audit() -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("audit_ledger", stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue()
    return 0, out.getvalue()


def test_books_that_add_up_are_said_to(person: Person) -> None:
    from_seed = int(settings.EMBEDDED)  # the embedded default's first person, with a first credit
    assert audit() == (0, f"The books add up: {1 + from_seed} wallets, {2 + from_seed} transfers.\n")


@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        ("UPDATE billing_wallet SET granted = granted + 1, available = available + 1", "its transfers"),
        ("UPDATE billing_wallet SET available = available + held, held = 0", "its open holds say"),
        ("UPDATE billing_budgetperiod SET used = used + 1", "budget equals its holds"),
        ("UPDATE billing_hold SET settled_at = now()", "hold equals its transfers"),
        ("UPDATE billing_hold SET settled_at = now()", "settled when its generation has ended"),
        (
            "UPDATE generations_generation SET status = 'failed', finished_at = now()",
            "settled when its generation has ended",
        ),
        ("UPDATE generations_generation SET quoted = quoted + 1", "the quote is held"),
        ("UPDATE billing_hold SET project_id = gen_random_uuid()", "the quote is held"),
        ("UPDATE generations_generation SET charged = 1", "equals the captures"),
        ("UPDATE generations_generation SET charged = 1", "only stored pictures"),
        ("UPDATE generations_generation SET delivered = 1", "only stored pictures"),
    ],
)
def test_whatever_is_changed_behind_the_ledger_is_named(person: Person, sql: str, rule: str) -> None:
    assert audit()[0] == 0
    with connection.cursor() as cursor:
        cursor.execute(sql)

    code, said = audit()

    assert code == 1
    assert rule in said


def test_a_hold_for_no_generation_is_named(person: Person) -> None:
    held = captured(person).hold
    assert held is not None

    code, said = audit()

    assert code == 1
    assert f"generation {held.generation_id}" in said


def test_a_refund_is_within_the_books(person: Person) -> None:
    capture = captured(person)
    before = audit()[1].count("\n")

    ledger.refund(capture=capture, amount=10, memo="sorry", actor=None)

    assert audit()[1].count("\n") == before
