"""What time it is by the database: the one clock that every worker and every date in its rows goes by.

A worker's own clock may be wrong by hours, and a date it wrote would then be too early for everybody.
Each claim tells the time; between two of them it is counted on from there.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import NamedTuple

from accounts import rows

FRESH = 60.0
"""Seconds for which a told time is counted on from; then the database is asked."""
_PROMPT = 1.0
"""Seconds: what took longer to arrive tells too little."""


class _Told(NamedTuple):
    """A moment, and what this process's two clocks showed then: the steady one stops in a sleep."""

    moment: datetime
    at: float
    wall: float


_told: _Told | None = None


def now() -> datetime:
    """The database's time, give or take how long its answer took."""
    if _told is not None:
        since = time.monotonic() - _told.at
        slept = abs(time.time() - _told.wall - since) > _PROMPT  # or somebody has set the other clock
        if since < FRESH and not slept:
            return _told.moment + timedelta(seconds=since)
    asked = time.monotonic()
    ((moment,),) = rows.planned("SELECT clock_timestamp()")
    tell(moment, asked)
    return moment  # type: ignore[no-any-return]


def tell(moment: datetime, asked: float) -> None:
    """Take in the database's time from the answer to a question asked then (monotonic seconds)."""
    global _told
    at = time.monotonic()
    if at - asked < _PROMPT:
        _told = _Told(moment, at, time.time())
