"""Checks that only read: do the books add up?"""

from __future__ import annotations

from collections.abc import Iterator
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
SELECT w.id, w.granted, w.available, w.held, w.spent,
       coalesce(sum(t.amount) FILTER (WHERE t.kind = 'grant'), 0)
         - coalesce(sum(t.amount) FILTER (WHERE t.kind = 'revoke'), 0) AS granted_c,
       coalesce(sum(CASE t.kind WHEN 'grant' THEN t.amount WHEN 'revoke' THEN -t.amount
         WHEN 'hold' THEN -t.amount WHEN 'release' THEN t.amount WHEN 'refund' THEN t.amount END), 0),
       coalesce(sum(CASE t.kind WHEN 'hold' THEN t.amount WHEN 'release' THEN -t.amount
         WHEN 'capture' THEN -t.amount END), 0),
       coalesce(sum(CASE t.kind WHEN 'capture' THEN t.amount WHEN 'refund' THEN -t.amount END), 0)
FROM billing_wallet w LEFT JOIN billing_transfer t ON t.wallet_id = w.id
GROUP BY w.id
HAVING (w.granted, w.available, w.held, w.spent) IS DISTINCT FROM (
       coalesce(sum(t.amount) FILTER (WHERE t.kind = 'grant'), 0)
         - coalesce(sum(t.amount) FILTER (WHERE t.kind = 'revoke'), 0),
       coalesce(sum(CASE t.kind WHEN 'grant' THEN t.amount WHEN 'revoke' THEN -t.amount
         WHEN 'hold' THEN -t.amount WHEN 'release' THEN t.amount WHEN 'refund' THEN t.amount END), 0),
       coalesce(sum(CASE t.kind WHEN 'hold' THEN t.amount WHEN 'release' THEN -t.amount
         WHEN 'capture' THEN -t.amount END), 0),
       coalesce(sum(CASE t.kind WHEN 'capture' THEN t.amount WHEN 'refund' THEN -t.amount END), 0))
"""

_HOLDS = """
SELECT h.id, h.amount, h.captured, h.refunded, h.settled_at IS NOT NULL,
       coalesce(sum(t.amount) FILTER (WHERE t.kind = 'hold'), 0),
       coalesce(sum(t.amount) FILTER (WHERE t.kind = 'capture'), 0),
       coalesce(sum(t.amount) FILTER (WHERE t.kind = 'release'), 0),
       coalesce(sum(t.amount) FILTER (WHERE t.kind = 'refund'), 0)
FROM billing_hold h LEFT JOIN billing_transfer t ON t.hold_id = h.id
GROUP BY h.id
HAVING h.amount <> coalesce(sum(t.amount) FILTER (WHERE t.kind = 'hold'), 0)
    OR h.captured <> coalesce(sum(t.amount) FILTER (WHERE t.kind = 'capture'), 0)
    OR h.refunded <> coalesce(sum(t.amount) FILTER (WHERE t.kind = 'refund'), 0)
    OR (h.settled_at IS NOT NULL) <> (h.amount = coalesce(sum(t.amount) FILTER (WHERE t.kind = 'capture'), 0)
        + coalesce(sum(t.amount) FILTER (WHERE t.kind = 'release'), 0))
"""


def wallet_differences() -> Iterator[Difference]:
    """Every wallet whose balances are not the sums of its transfers."""
    for row in _rows(_WALLETS):
        yield Difference(
            "wallet equals its transfers (granted, available, held, spent)",
            f"wallet {row[0]}",
            str(row[1:5]),
            str(tuple(int(str(value)) for value in row[5:9])),
        )


def hold_differences() -> Iterator[Difference]:
    """Every hold that its transfers do not bear out."""
    for row in _rows(_HOLDS):
        yield Difference(
            "hold equals its transfers (amount, captured, refunded, settled)",
            f"hold {row[0]}",
            str(row[1:5]),
            str(tuple(int(str(value)) for value in row[5:9])),
        )


def _rows(sql: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())
