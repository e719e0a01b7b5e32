"""Spending as bars, one for each day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

HEIGHT = 96
STEP = 20
GAP = 2
"""From one bar to the next, and between them, in the chart's own units."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A day's spending in micro-dollars, and where its bar stands in the chart."""

    day: date
    spent: int
    x: int
    height: int

    @property
    def y(self) -> int:
        return HEIGHT - self.height


def bars(spent: Mapping[date, int], first: date, days: int) -> list[Bar]:
    """One for each day; on a day with more refunds than spending there is none to see."""
    most = max(spent.values(), default=0)
    return [
        Bar(day, sum_, n * STEP, -(-max(0, sum_) * HEIGHT // most) if most > 0 else 0)
        for n, day in enumerate(first + timedelta(days=n) for n in range(days))
        for sum_ in [spent.get(day, 0)]
    ]
