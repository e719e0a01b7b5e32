"""Comparisons as they are once the engine has done its part."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.utils import timezone

from accounts import actions
from accounts.models import Project, Role
from generations.actions import comparing, voting
from generations.models import Asset, Comparison, Generation, Vote
from tests.conftest import Person
from tests.web.conftest import _plain, made

__all__ = ["_plain"]  # static files under their own names, as for the other pages


def body_of(person: Person, *columns: str, **fields: Any) -> dict[str, Any]:
    """A comparison's body; ``runware:2K`` is a column."""
    pairs = [one.split(":") for one in columns or ("runware:2K", "prospolabs:2K")]
    return {
        "project": str(person.project.id),
        "prompt": "a red boat",
        "aspect_ratio": "1:1",
        "columns": [{"provider": provider, "resolution": resolution} for provider, resolution in pairs],
        **fields,
    }


def compared(person: Person, *columns: str, **fields: Any) -> Comparison:
    """Asked for, and nothing made yet."""
    wanted = comparing.read(body_of(person, *columns, **fields))
    outcome = comparing.compare(
        principal=person.principal, wanted=wanted, render=lambda one: {"id": str(one.id)}
    )
    return Comparison.objects.get(id=str(outcome.subject_id))


def finished(person: Person, *columns: str) -> tuple[Comparison, list[Asset]]:
    """Its columns have succeeded, each with a picture."""
    comparison = compared(person, *columns)
    return comparison, [
        finish(one) for one in Generation.objects.filter(comparison=comparison).order_by("id")
    ]


def finish(generation: Generation) -> Asset:
    """As the engine leaves it behind."""
    asset = made(generation, f"#{uuid.UUID(str(generation.id)).hex[-6:]}", charged=generation.unit_price)
    Generation.objects.filter(id=generation.id).update(
        status="succeeded", delivered=1, charged=generation.quoted, finished_at=timezone.now()
    )
    return asset


def let_in(owner: Person, guest: Person, role: Role) -> None:
    actions.set_member(
        principal=owner.principal, project_id=owner.project.id, email=guest.user.email, role=role
    )


@pytest.fixture
def duel(ada: Person) -> tuple[Comparison, list[Asset]]:
    """Runware against Prospolabs, both done."""
    return finished(ada)


def pair_of(person: Person) -> voting.Pair | None:
    return voting.next_pair(person.principal, list(Project.objects.visible_to(person.principal)))


def cast(person: Person, pair: voting.Pair, side: str) -> Vote:
    marks = [pair.left.mark, pair.right.mark]
    winner = {"left": marks[0], "right": marks[1], "tie": None}[side]
    return voting.vote(
        principal=person.principal, comparison_id=pair.comparison.id, pair=marks, winner=winner
    )
