"""How every offer fares here: seconds and success, over the newest work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from accounts import rows
from generations.models.ids import id_at

NEWEST = 3000
"""Paid calls that are looked at."""
FEWEST = 5
"""With fewer, nothing is said."""
_EARLIEST = timedelta(days=31)
"""Ago: older rows are not read, where few calls were made. What lay at rest for longer is left out."""

_FIGURES = """
SELECT model, provider, sum(delivered), count(*) FILTER (WHERE state = 'done'), count(*),
  percentile_cont(0.5) WITHIN GROUP (ORDER BY took) FILTER (WHERE state = 'done'),
  percentile_cont(0.95) WITHIN GROUP (ORDER BY took) FILTER (WHERE state = 'done'),
  bool_or(sandbox)
FROM (SELECT g.model, s.provider, s.delivered, s.state, s.reason, g.sandbox,
             extract(epoch FROM s.finished_at - s.sent_at) AS took
      FROM generations_submission s JOIN generations_generation g ON g.id = s.generation_id
      WHERE s.id > %s AND s.finished_at > now() - interval '30 days' ORDER BY s.id DESC LIMIT %s) AS recent
WHERE state IN ('done', 'failed', 'abandoned', 'refused')
  AND reason NOT IN ('content_refused', 'invalid_parameter', 'canceled')
GROUP BY model, provider
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one offer, over at most 30 days. Seconds are from sending to stored; None: too few calls.

    ``success`` is the share, 0 to 1, of calls that made what they were paid for. A call that was
    refused for its prompt is not counted. ``sandbox`` says that sandbox gateways made some of it.
    """

    pictures: int
    calls: int
    median: float | None
    slow: float | None
    success: float | None
    sandbox: bool


def measured() -> Mapping[tuple[str, str], Figures]:
    """By model and provider, over the newest calls of everybody here."""
    found = {}
    read = rows.read(_FIGURES, [id_at(timezone.now() - _EARLIEST), NEWEST])
    for model, provider, pictures, done, calls, median, slow, sandbox in read:
        timed = done >= FEWEST
        found[model, provider] = Figures(
            pictures=int(pictures),
            calls=calls,
            median=float(median) if timed and median is not None else None,
            slow=float(slow) if timed and slow is not None else None,
            success=done / calls if calls >= FEWEST else None,
            sandbox=sandbox,
        )
    return found
