"""Whether anybody has used this database yet, told by what `seed` makes, and room for a backup in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import OperationalError, connection, models
from django.db.models import Q

from generations.management.commands.seed import FIRST_CREDIT, FIRST_EMAIL, FIRST_MEMO, PUBLISHED

_ANY_NUMBER = 1 << 30
# What seed makes in each table: which rows, and how many at most. Whoever does anything at all leaves a
# row beyond these: to sign in dates the person, to grant is a transfer, to invite or to create is a row.
_SEEDED = {
    "billing.Price": (Q(memo=PUBLISHED, actor=None), _ANY_NUMBER),
    "providers.ProviderAccount": (~Q(source="admin"), _ANY_NUMBER),
    "accounts.User": (Q(email=FIRST_EMAIL, last_login=None, erased_at=None), 1),
    "account.EmailAddress": (Q(email=FIRST_EMAIL), 1),
    "accounts.Project": (Q(archived_at=None), 1),
    "accounts.Membership": (Q(user__email=FIRST_EMAIL), 1),
    "accounts.AuditEvent": (Q(verb__in=["create_user", "create_project"]), 2),
    "billing.Wallet": (Q(granted=FIRST_CREDIT, available=FIRST_CREDIT), 1),
    "billing.Transfer": (Q(kind="grant", amount=FIRST_CREDIT, memo=FIRST_MEMO, actor=None), 1),
}
_GUARDS = {"billing_price": "price_never_changes", "billing_transfer": "transfer_never_changes"}


class Busy(Exception):
    """Somebody else is at work on this database."""


def in_use(tables: Sequence[type[models.Model]]) -> str | None:
    """The name of a table that holds more than `seed` makes there; None if nobody has done anything yet."""
    for model in tables:
        rows = model._base_manager.all()
        ours, most = _SEEDED.get(model._meta.label, (Q(pk=None), 0))
        if rows.exclude(ours).exists() or (most < _ANY_NUMBER and rows.count() > most):
            return model._meta.db_table
    return None


def lock(tables: Sequence[type[models.Model]]) -> None:
    """Let nobody else write anything until this transaction ends. Raises Busy."""
    names = ", ".join(f'"{model._meta.db_table}"' for model in tables)
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {names} IN EXCLUSIVE MODE")
    except OperationalError:
        raise Busy from None


def clear(tables: Sequence[type[models.Model]]) -> None:
    """Take away what `seed` made, in the transaction that holds the locks.

    The guards of the books are off for these statements alone: nobody else can write to a table that is
    locked, and nobody ever sees it without its guard.
    """
    seeded = [model._meta.db_table for model in tables if model._meta.label in _SEEDED]
    with connection.cursor() as cursor:
        _guard(cursor, "DISABLE")
        for table in reversed(seeded):
            cursor.execute(f'DELETE FROM "{table}"')  # noqa: S608 - names of our own tables, never input
        # PostgreSQL alters no table while foreign keys of its rows are still to be looked at.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        _guard(cursor, "ENABLE")


def _guard(cursor: Any, what: str) -> None:
    for table, trigger in _GUARDS.items():
        cursor.execute(f"ALTER TABLE {table} {what} TRIGGER {trigger}")
