"""The lowest cosine frequencies of a small picture, of which its placeholder and its likeness are made.

In plain Python, so made cheap: the cosines are worked out once, and a row is folded in half before
it is multiplied, because every second cosine is its own mirror image and the others are so but for the sign.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from operator import add, mul, sub

Place = tuple[int, int]
"""How many half waves across, and how many down."""


def frequencies(values: Sequence[float], width: int, places: Sequence[Place]) -> list[float]:
    """For each place the sum of ``values``, which are given row by row, times its two cosines."""
    rows = [values[at : at + width] for at in range(0, len(values), width)]
    folded = [_folded(rows, add), _folded(rows, sub)]
    by_row = [
        [sum(map(mul, row, wave)) for row in folded[number % 2]]
        for number, wave in enumerate(_half_cosines(width, 1 + max(across for across, _ in places)))
    ]
    columns = _cosines(len(rows), 1 + max(down for _, down in places))
    return [sum(map(mul, by_row[across], columns[down])) for across, down in places]


def _folded(rows: Sequence[Sequence[float]], onto: Callable[[float, float], float]) -> list[list[float]]:
    """The left half of each row with the right one laid ``onto`` it; the middle of odd ones onto itself."""
    half = (len(rows[0]) + 1) // 2
    return [list(map(onto, row[:half], reversed(row))) for row in rows]


@cache
def _cosines(length: int, count: int) -> list[list[float]]:
    return [[math.cos(math.pi / length * k * (i + 0.5)) for i in range(length)] for k in range(count)]


@cache
def _half_cosines(length: int, count: int) -> list[list[float]]:
    """The left half of each; the middle of odd lengths counts once although it is folded onto itself."""
    halves = [wave[: (length + 1) // 2] for wave in _cosines(length, count)]
    return [[*wave[:-1], wave[-1] / 2] for wave in halves] if length % 2 else halves
