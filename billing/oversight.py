"""Checks that only read: do the books add up?

Each rule is one statement, so it sees one moment and may run beside everything else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import connection


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that does not add up: which row, what is written, what should be."""

    rule: str
    subject: str
    written: str
    computed: str


_WALLETS = """
SELECT * FROM (
  SELECT w.id, w.granted, w.available, w.held, w.spent,
         coalesce(sum(CASE t.kind WHEN 'grant' THEN t.amount WHEN 'revoke' THEN -t.amount END), 0)::bigint
           AS granted_sum,
         coalesce(sum(CASE WHEN t.kind IN ('grant', 'release', 'refund') THEN t.amount
                           WHEN t.kind IN ('revoke', 'hold') THEN -t.amount END), 0)::bigint AS available_sum,
         coalesce(sum(CASE WHEN t.kind = 'hold' THEN t.amount
                           WHEN t.kind IN ('release', 'capture') THEN -t.amount END), 0)::bigint AS held_sum,
         coalesce(sum(CASE t.kind WHEN 'capture' THEN t.amount WHEN 'refund' THEN -t.amount END), 0)::bigint
           AS spent_sum
  FROM billing_wallet w LEFT JOIN billing_transfer t ON t.wallet_id = w.id GROUP BY w.id
) AS wallet
WHERE (granted, available, held, spent) <> (granted_sum, available_sum, held_sum, spent_sum)
"""

_OPEN_HOLDS = """
SELECT w.id, w.held, coalesce(sum(h.amount), 0)::bigint
FROM billing_wallet w LEFT JOIN billing_hold h ON h.wallet_id = w.id AND h.settled_at IS NULL
GROUP BY w.id HAVING w.held <> coalesce(sum(h.amount), 0)
"""

_HOLDS = """
SELECT id, amount, captured, refunded, settled, held_sum, captured_sum, refunded_sum,
       amount = captured_sum + released_sum
FROM (
  SELECT h.id, h.amount, h.captured, h.refunded, h.settled_at IS NOT NULL AS settled,
         coalesce(sum(t.amount) FILTER (WHERE t.kind = 'hold'), 0)::bigint AS held_sum,
         coalesce(sum(t.amount) FILTER (WHERE t.kind = 'capture'), 0)::bigint AS captured_sum,
         coalesce(sum(t.amount) FILTER (WHERE t.kind = 'refund'), 0)::bigint AS refunded_sum,
         coalesce(sum(t.amount) FILTER (WHERE t.kind = 'release'), 0)::bigint AS released_sum
  FROM billing_hold h LEFT JOIN billing_transfer t ON t.hold_id = h.id GROUP BY h.id
) AS hold
WHERE (amount, captured, refunded, settled)
   <> (held_sum, captured_sum, refunded_sum, amount = captured_sum + released_sum)
"""


_BUDGETS = """
SELECT p.id, p.reserved, p.used, p.reserved_sum, p.used_sum FROM (
  SELECT p.id, p.reserved, p.used,
         coalesce(sum(h.amount) FILTER (WHERE h.settled_at IS NULL), 0)::bigint AS reserved_sum,
         coalesce(sum(h.captured - h.refunded) FILTER (WHERE h.settled_at IS NOT NULL), 0)::bigint AS used_sum
  FROM billing_budgetperiod p
  LEFT JOIN billing_budgetperiod_holds ph ON ph.budgetperiod_id = p.id
  LEFT JOIN billing_hold h ON h.id = ph.hold_id
  GROUP BY p.id
) AS p
WHERE (reserved, used) <> (reserved_sum, used_sum)
"""


def differences() -> Iterator[Difference]:
    """Everything in wallets, holds and transfers that does not add up."""
    yield from wallet_differences()
    yield from hold_differences()
    yield from compare("budget equals its holds (reserved, used)", "budget period", _BUDGETS)


def wallet_differences() -> Iterator[Difference]:
    """Every wallet whose balances are not the sums of its transfers, or of its open holds."""
    yield from compare("wallet equals its transfers (granted, available, held, spent)", "wallet", _WALLETS)
    yield from compare("wallet holds what its open holds say", "wallet", _OPEN_HOLDS)


def hold_differences() -> Iterator[Difference]:
    """Every hold that its transfers do not bear out."""
    yield from compare("hold equals its transfers (amount, captured, refunded, settled)", "hold", _HOLDS)


def compare(
    rule: str, subject: str, sql: str, parameters: list[list[str]] | None = None
) -> Iterator[Difference]:
    """The rows of a query that finds what breaks a rule: an id, what is written, then what should be."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows = cursor.fetchall()
    for row in rows:
        middle = 1 + len(row) // 2
        yield Difference(rule, f"{subject} {row[0]}", _text(row[1:middle]), _text(row[middle:]))


def _text(values: Sequence[object]) -> str:
    return ", ".join(str(value) for value in values)
