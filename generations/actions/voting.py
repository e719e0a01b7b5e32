"""Judging pictures of one prompt without knowing who made which. Every member may, whatever their role.

While somebody judges, a column is known to them by its mark: a name that is theirs alone, and says
nothing of who made it, when, or in which order.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from accounts import rows
from accounts.actions import as_uuid, audit
from accounts.errors import Conflict, NotFound, wrong
from accounts.models import Project
from accounts.principal import Principal
from generations.actions import comparing
from generations.models import Asset, Comparison, Generation, Reveal, Vote
from generations.states import GenerationStatus

_NEXT = """
SELECT id, one, other FROM (
  SELECT c.id, one.id AS one, other.id AS other, md5(%(user)s::text || one.id || other.id) AS lot
  FROM generations_comparison c
  JOIN generations_generation one ON one.comparison_id = c.id AND one.status = 'succeeded'
  JOIN generations_generation other ON other.comparison_id = c.id AND other.status = 'succeeded'
    AND one.id < other.id
  WHERE c.project_id = ANY(%(projects)s) AND c.id <= %(comparison)s
    AND NOT EXISTS (SELECT FROM generations_vote v WHERE v.comparison_id = c.id AND v.user_id = %(user)s
                    AND (v.one_id IN (one.id, other.id) OR v.other_id IN (one.id, other.id)))
    AND NOT EXISTS (SELECT FROM generations_reveal r WHERE r.user_id = %(user)s
                    AND r.generation_id IN (one.id, other.id))
    AND EXISTS (SELECT FROM generations_asset a WHERE a.generation_id = one.id
                AND a.project_id = c.project_id AND a.trashed_at IS NULL)
    AND EXISTS (SELECT FROM generations_asset a WHERE a.generation_id = other.id
                AND a.project_id = c.project_id AND a.trashed_at IS NULL)
    AND NOT EXISTS (SELECT FROM generations_generation live WHERE live.comparison_id = c.id
                    AND live.finished_at IS NULL)) AS open
WHERE id < %(comparison)s OR lot > %(lot)s
ORDER BY id DESC, lot LIMIT 1
"""
# The lot draws pairs at random, for each person anew: else the same gateways would meet every time.
_LAST = UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a comparison, with what has come of it so far."""

    generation: Generation
    pictures: list[Asset]
    mark: str

    @property
    def judgeable(self) -> bool:
        return self.generation.status == GenerationStatus.SUCCEEDED and bool(self.pictures)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two columns side by side, at random and always the same way for the same person."""

    comparison: Comparison
    left: Column
    right: Column

    @property
    def name(self) -> str:
        """By which it is skipped."""
        return f"{self.comparison.id}:{self.left.mark}:{self.right.mark}"


def mark_of(principal: Principal, generation_id: UUID) -> str:
    """What a column is called while this person judges it: 24 letters and digits."""
    said = f"{principal.user.id}:{generation_id}"
    return salted_hmac("generations.blind", said, algorithm="sha256").hexdigest()[:24]


def columns_of(principal: Principal, comparison: Comparison) -> list[Column]:
    """In the order in which they were asked for."""
    made = list(Generation.objects.filter(comparison=comparison).select_related("user").order_by("id"))
    pictures: dict[UUID, list[Asset]] = defaultdict(list)
    for asset in Asset.objects.made_by(made).select_related("user"):
        assert asset.generation_id is not None
        pictures[asset.generation_id].append(asset)
    return [Column(one, pictures[one.id], mark_of(principal, one.id)) for one in made]


def mixed(columns: Sequence[Column]) -> list[Column]:
    """In an order that says nothing, and stays the same for the same person."""
    return sorted(columns, key=lambda column: column.mark)


def over(columns: Sequence[Column]) -> bool:
    """Whether nothing more will come, so that judging is fair."""
    return all(column.generation.ended for column in columns)


def next_pair(principal: Principal, projects: Sequence[Project], *, after: str = "") -> Pair | None:
    """A pair of the newest comparison, or the next one ``after`` a pair that they skipped.

    Never with a column of which the person was told who made it.
    """
    place = _place(principal, after)
    mine = Project.objects.visible_to(principal).filter(id__in=[one.id for one in projects])
    values = {**place, "projects": list(mine.values_list("id", flat=True)), "user": principal.user.id}
    found = rows.read(_NEXT, values)
    if not found:
        return None
    comparison = comparing.visible(principal, found[0][0])
    pair = mixed([one for one in columns_of(principal, comparison) if one.generation.id in found[0][1:]])
    return Pair(comparison, *pair) if len(pair) == 2 else None


def _place(principal: Principal, after: str) -> dict[str, Any]:
    start = {"comparison": _LAST, "lot": ""}
    name, _, marks = after.partition(":")
    wanted = as_uuid(name)
    if wanted is None:
        return start
    try:
        comparison = comparing.visible(principal, wanted)
    except NotFound:
        return start
    named = set(marks.split(":"))
    ids = sorted(one.generation.id for one in columns_of(principal, comparison) if one.mark in named)
    if len(ids) != 2:
        return start
    drawn = f"{principal.user.id}{ids[0]}{ids[1]}".encode()
    return {"comparison": wanted, "lot": hashlib.md5(drawn, usedforsecurity=False).hexdigest()}


@transaction.atomic
def vote(*, principal: Principal, comparison_id: UUID, pair: Sequence[str], winner: str | None) -> Vote:
    """Say which of two columns is better (``winner`` None: neither). They are named by mark or generation id.

    Saying the same again changes nothing. Raises Invalid, NotFound, Conflict (judged before, not
    finished, or told who made one of them).
    """
    comparison = comparing.visible(principal, comparison_id)
    columns = columns_of(principal, comparison)
    if len(pair) != 2 or pair[0] == pair[1]:
        raise wrong("pair", _("must name two different columns."))
    two = [_named(columns, name, "pair") for name in pair]
    if two[0] is two[1]:
        raise wrong("pair", _("must name two different columns."))
    best = _named(columns, winner, "winner") if winner is not None else None
    if best is not None and best not in two:
        raise wrong("winner", _("must be one of the pair, or null for a tie."))
    _check_over(columns, two)
    if _ids(two) not in _judged(principal, comparison):
        _check_blind(principal, comparison, two)
    return _cast(principal, comparison, two, best)


@transaction.atomic
def choose_best(*, principal: Principal, comparison_id: UUID, best: str | None) -> list[Vote]:
    """One column is better than every other (None: none is better). Saying it again changes nothing.

    Raises Invalid, NotFound, Conflict (not finished, or told who made one of them).
    """
    comparison = comparing.visible(principal, comparison_id)
    columns = columns_of(principal, comparison)
    chosen = _named(columns, best, "best") if best is not None else None
    able = [one for one in columns if one.judgeable]
    pairs = [list(two) for two in combinations(able, 2) if chosen is None or chosen in two]
    _check_over(columns, [chosen] if chosen else able if pairs else [])
    before = _judged(principal, comparison)
    fresh = [two for two in pairs if _ids(two) not in before]
    for two in fresh:
        _check_blind(principal, comparison, two)
    return [_cast(principal, comparison, two, chosen) for two in fresh]


def reveal(principal: Principal, generations: Iterable[UUID]) -> None:
    """The person is shown who made these columns of comparisons: they do not judge them blind any more."""
    shown = [Reveal(user=principal.user, generation_id=one) for one in generations]
    Reveal.objects.bulk_create(shown, ignore_conflicts=True)


def told(principal: Principal, comparisons: Sequence[Comparison]) -> set[UUID]:
    """The columns of which the person was told who made them: shown to them, or judged by them."""
    made = Reveal.objects.filter(user=principal.user, generation__comparison__in=comparisons)
    votes = Vote.objects.filter(user=principal.user, comparison__in=comparisons)
    judged = votes.values_list("one", "other")
    return {*made.values_list("generation", flat=True), *(one for pair in judged for one in pair)}


def of_mine(principal: Principal, comparison: Comparison) -> list[Vote]:
    """How the person judged it, oldest first."""
    return list(Vote.objects.filter(comparison=comparison, user=principal.user).order_by("id"))


def _judged(principal: Principal, comparison: Comparison) -> set[tuple[UUID, ...]]:
    return {(one.one_id, one.other_id) for one in of_mine(principal, comparison)}


def _ids(two: Sequence[Column]) -> tuple[UUID, ...]:
    return tuple(sorted(one.generation.id for one in two))


def _check_blind(principal: Principal, comparison: Comparison, two: Sequence[Column]) -> None:
    if told(principal, [comparison]).intersection(_ids(two)):
        raise Conflict(
            _("You have been shown who made one of these, and only blind votes count; judge another pair."),
            code="not_blind",
        )


def _cast(principal: Principal, comparison: Comparison, two: Sequence[Column], best: Column | None) -> Vote:
    one, other = sorted((column.generation for column in two), key=lambda made: made.id)
    winner = best.generation if best else None
    cast, fresh = Vote.objects.get_or_create(
        user=principal.user,
        one=one,
        other=other,
        defaults={
            "comparison": comparison,
            "winner": winner,
            "picture": best.pictures[0] if best and best.pictures else None,
        },
    )
    if not fresh and cast.winner_id != (winner.id if winner else None):
        raise Conflict(_("You have judged this pair already; your first word stands."), code="vote_exists")
    if fresh:
        audit(principal.user, "vote", comparison.id, comparison.project_id, vote=str(cast.id))
    return cast


def _check_over(columns: Sequence[Column], judged: Sequence[Column]) -> None:
    if not over(columns):
        raise Conflict(_("Pictures are still coming; judge when all are there."), code="not_finished")
    if not judged or not all(column.judgeable for column in judged):
        raise Conflict(_("There is no picture to judge in one of them."), code="nothing_to_judge")


def _named(columns: Sequence[Column], name: str, field: str) -> Column:
    for column in columns:
        if name in (column.mark, str(column.generation.id)):
            return column
    raise wrong(field, _("names a column that is not in this comparison."))
