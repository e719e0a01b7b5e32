"""A polite limit per key and minute. Money is guarded by the ledger, not by this."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Model
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts import rows
from accounts.models import ApiKey

if TYPE_CHECKING:  # the views import their throttles
    from rest_framework.views import APIView

# One statement on the counted row itself, so that all web processes count together.
_COUNT = """
UPDATE {table} SET {calls} = CASE WHEN {minute} = date_trunc('minute', now()) THEN {calls} + 1 ELSE 1 END,
  {minute} = date_trunc('minute', now())
WHERE id = %s RETURNING {calls}, ceil(extract(epoch FROM {minute} + interval '1 minute' - now()))
"""


def counted(row: Model, calls: str, minute: str) -> tuple[int, float] | None:
    """Count one more in this minute of the clock: how many that makes, and the seconds it has left.

    ``calls`` and ``minute`` name the row's columns for it. None if the row is gone.
    """
    found = rows.planned(_COUNT.format(table=row._meta.db_table, calls=calls, minute=minute), [row.pk])
    return (found[0][0], float(found[0][1])) if found else None


class KeyRate(BaseThrottle):
    """API_RATE requests in each minute of the clock for each key; any number where it is not set."""

    _wait: float | None = None

    def allow_request(self, request: Request, view: APIView) -> bool:
        if settings.API_RATE is None or not isinstance(request.auth, ApiKey):
            return True
        known = counted(request.auth, "rate_calls", "rate_minute")
        if known is None:
            return True  # the key has just gone; whoever asks next with it is refused
        calls, self._wait = known
        return calls <= settings.API_RATE

    def wait(self) -> float | None:
        """Seconds until the next minute begins."""
        return self._wait
