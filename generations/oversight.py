"""Checks that only read: does what was made bear out what was paid?"""

from __future__ import annotations

from collections.abc import Iterator

from billing.oversight import Difference, compare
from generations.states import ENDED

_ENDS = """
SELECT h.generation_id, CASE WHEN h.settled_at IS NULL THEN 'open hold' ELSE 'settled hold' END,
       coalesce(g.status, 'no generation')
FROM billing_hold h LEFT JOIN generations_generation g ON g.id = h.generation_id
WHERE (g.status = ANY(%s)) IS DISTINCT FROM (h.settled_at IS NOT NULL)
"""

_QUOTES = """
SELECT g.id, coalesce(h.amount, 0), w.user_id, h.project_id, g.quoted, g.user_id, g.project_id
FROM generations_generation g
LEFT JOIN billing_hold h ON h.generation_id = g.id LEFT JOIN billing_wallet w ON w.id = h.wallet_id
WHERE g.quoted <> coalesce(h.amount, 0)
   OR h.id IS NOT NULL AND (w.user_id, h.project_id) <> (g.user_id, g.project_id)
"""

_CHARGES = """
SELECT g.id, g.charged, coalesce(sum(t.amount), 0)::bigint
FROM generations_generation g
LEFT JOIN billing_transfer t ON t.generation_id = g.id AND t.kind = 'capture'
GROUP BY g.id HAVING g.charged <> coalesce(sum(t.amount), 0)
"""

_DELIVERIES = """
SELECT g.id, g.delivered, g.charged, count(r.id), least(g.charged, g.unit_price * count(r.id))
FROM generations_generation g
LEFT JOIN generations_submission s ON s.generation_id = g.id
LEFT JOIN generations_result r ON r.submission_id = s.id AND r.state = 'stored'
GROUP BY g.id HAVING g.delivered <> count(r.id) OR g.charged > g.unit_price * count(r.id)
"""


def differences() -> Iterator[Difference]:
    """Every generation whose course and whose money disagree."""
    yield from compare("a hold is settled when its generation has ended", "generation", _ENDS, [[*ENDED]])
    yield from compare("the quote is held, for the same person and project", "generation", _QUOTES)
    yield from compare("what was charged equals the captures", "generation", _CHARGES)
    yield from compare("only stored pictures are delivered and charged", "generation", _DELIVERIES)
