"""Which offers make the better pictures, from votes that were cast without knowing who made what.

Bradley and Terry's model: each offer has a strength, and one wins over another with the odds of
their strengths. A tie is half a win for each.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accounts import rows
from accounts.models import Project
from accounts.principal import Principal

MOST_VOTES = 100_000
"""The newest are counted."""
FEWEST_VOTES = 10
"""On fewer, an offer has no place."""
_PRIOR = 0.5
"""How firmly a strength is held near the average.

Without it, an offer that never lost would be infinitely strong.
"""
_Z = 1.96
"""Standard errors on either side of 95 in 100."""

_COUNTED = """
SELECT one.model, one.provider, other.model, other.provider,
  count(*) FILTER (WHERE winner_id = one.id), count(*) FILTER (WHERE winner_id = other.id),
  count(*) FILTER (WHERE winner_id IS NULL)
FROM (SELECT v.one_id, v.other_id, v.winner_id FROM generations_vote v
      JOIN generations_comparison c ON c.id = v.comparison_id
      WHERE c.project_id = ANY(%s) ORDER BY v.id DESC LIMIT %s) AS vote
JOIN generations_generation one ON one.id = vote.one_id
JOIN generations_generation other ON other.id = vote.other_id
WHERE (one.model, one.provider) <> (other.model, other.provider)
GROUP BY 1, 2, 3, 4
"""

Offered = tuple[str, str]
"""A model and a provider."""
Wins = Mapping[tuple[Offered, Offered], float]
"""How often the first won over the second."""


@dataclass(slots=True)
class Standing:
    """How one offer fared. ``share`` of an average rival's pictures that it would win over, 0 to 1.

    It lies between ``low`` and ``high`` in 95 of 100 cases; None where there are too few votes.
    """

    model: str
    provider: str
    wins: int = 0
    losses: int = 0
    ties: int = 0
    share: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def votes(self) -> int:
        return self.wins + self.losses + self.ties


def standings(principal: Principal, projects: Sequence[Project]) -> list[Standing]:
    """The best first, those with too few votes last. Only votes of projects the principal sees count."""
    mine = Project.objects.visible_to(principal).filter(id__in=[one.id for one in projects])
    found: dict[Offered, Standing] = {}
    wins: dict[tuple[Offered, Offered], float] = defaultdict(float)
    for row in rows.read(_COUNTED, [list(mine.values_list("id", flat=True)), MOST_VOTES]):
        one, other, (first, second, ties) = (row[0], row[1]), (row[2], row[3]), row[4:]
        for offered, won, lost in ((one, first, second), (other, second, first)):
            standing = found.setdefault(offered, Standing(*offered))
            standing.wins, standing.losses = standing.wins + won, standing.losses + lost
            standing.ties += ties
        wins[one, other] += first + ties / 2
        wins[other, one] += second + ties / 2
    for offered, (strength, error) in strengths(wins).items():
        standing = found[offered]
        if standing.votes >= FEWEST_VOTES:
            standing.share = _odds(strength)
            standing.low, standing.high = _odds(strength - _Z * error), _odds(strength + _Z * error)
    return sorted(found.values(), key=lambda one: (one.share is None, -(one.share or 0), -one.votes))


def strengths(wins: Wins) -> dict[Offered, tuple[float, float]]:
    """The most likely strength of each, with its standard error, both as logarithms of odds.

    0 is the average. Newton's method on the posterior, which has one peak.
    """
    names = sorted({name for pair in wins for name in pair})
    found = [0.0] * len(names)
    inverse: list[list[float]] = []
    for _ in range(50):
        slope, bend = _slope(names, wins, found)
        inverse = _inverse(bend)
        step = [sum(a * b for a, b in zip(line, slope, strict=True)) for line in inverse]
        found = [value + max(-1.0, min(1.0, change)) for value, change in zip(found, step, strict=True)]
        if all(abs(change) < 1e-9 for change in step):
            break
    return {name: (found[n], math.sqrt(inverse[n][n])) for n, name in enumerate(names)}


def _slope(names: list[Offered], wins: Wins, found: list[float]) -> tuple[list[float], list[list[float]]]:
    """The first and (negated) second derivatives of the posterior's logarithm."""
    slope = [-_PRIOR * value for value in found]
    bend = [[_PRIOR if a == b else 0.0 for b in range(len(names))] for a in range(len(names))]
    place = {name: n for n, name in enumerate(names)}
    for (winner, loser), times in wins.items():
        a, b = place[winner], place[loser]
        chance = _odds(found[a] - found[b])
        slope[a] += times * (1 - chance)
        slope[b] -= times * (1 - chance)
        weight = times * chance * (1 - chance)
        for x, y, sign in ((a, a, 1), (b, b, 1), (a, b, -1), (b, a, -1)):
            bend[x][y] += sign * weight
    return slope, bend


def _inverse(matrix: list[list[float]]) -> list[list[float]]:
    """Of a matrix that is positive definite, by elimination: there are a few dozen offers at most."""
    size = len(matrix)
    wide = [[*row, *(float(n == m) for m in range(size))] for n, row in enumerate(matrix)]
    for n in range(size):
        wide[n] = [value / wide[n][n] for value in wide[n]]
        for m in range(size):
            if m != n:
                factor = wide[m][n]
                wide[m] = [a - factor * b for a, b in zip(wide[m], wide[n], strict=True)]
    return [row[size:] for row in wide]


def _odds(value: float) -> float:
    return 1 / (1 + math.exp(-value))
