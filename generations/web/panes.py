"""Pictures side by side, as values: who made which, or with nothing that gives it away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from accounts.actions import as_uuid
from accounts.principal import Principal
from generations.actions import voting
from generations.actions.voting import Column
from generations.api.arena import blind_path
from generations.models import Asset, Comparison, Generation
from generations.web.details import parameters_of, provider_name
from generations.web.framing import frame_of

FEWEST, MOST = 2, 6
"""Existing pictures side by side."""
OFFERED = 24
"""Pictures that may be put beside them."""
_LETTERS = "ABCDEFGH"
_SHORT = 40


@dataclass(frozen=True)
class Pane:
    """One window: what it shows first, and whole; what is known of it, where that may be known."""

    name: str
    small: str = ""
    whole: str = ""
    alt: str = ""
    mark: str = ""
    asset: Asset | None = None
    generation: Generation | None = None
    live: bool = False
    without: str = ""
    """The address of the comparison without it."""

    @property
    def seconds(self) -> float | None:
        """From asking to the end."""
        made = self.generation
        if made is None or made.finished_at is None:
            return None
        return (made.finished_at - made.created_at).total_seconds()

    @property
    def cost(self) -> int | None:
        """Micro-dollars for what it shows: one picture, if there is one."""
        if self.asset is not None:
            return self.asset.charged
        return self.generation.charged if self.generation else None

    @property
    def person(self) -> str:
        row = self.asset or self.generation
        return row.user.display_name if row else ""


def of_comparison(
    principal: Principal, comparison: Comparison, *, blind: bool, number: int
) -> dict[str, Any]:
    """What the page of a comparison shows; ``number`` says which picture of each column."""
    columns = voting.columns_of(principal, comparison)
    most = max((len(one.pictures) for one in columns), default=0)
    number = min(max(1, number), max(1, most))
    over = voting.over(columns)
    mine = voting.of_mine(principal, comparison)
    if blind:
        shown = _lettered(comparison, voting.mixed(columns), number)
    else:
        voting.reveal(principal, [one.generation.id for one in columns if one.pictures])
        shown = [_named(one, name, number) for one, name in _titled(columns, judged=bool(mine))]
    return {
        "comparison": comparison,
        "project": comparison.project,
        "panes": shown,
        "blind": blind,
        "over": over,
        "judgeable": over and sum(one.judgeable for one in columns) >= 2,
        "judged": bool(mine),
        "told": bool(voting.told(principal, [comparison])),
        "winners": {one.winner_id for one in mine if one.winner_id},
        "number": number,
        "numbers": range(1, most + 1),
        "shape": shape_of(frame_of(columns[0].generation.parameters)) if columns else "",
    }


def pair_of(pair: voting.Pair) -> list[Pane]:
    """Left and right of the arena."""
    return _lettered(pair.comparison, (pair.left, pair.right), 1)


def beside(principal: Principal, texts: Sequence[str]) -> dict[str, Any]:
    """Pictures that are there already, in the order of the address, and what may be put beside them."""
    wanted = [found for found in map(as_uuid, dict.fromkeys(texts)) if found][:MOST]
    mine = Asset.objects.visible_to(principal).kept()
    known = mine.select_related("user", "generation").in_bulk(wanted)
    shown = [known[one] for one in wanted if one in known]
    compared = [one.generation for one in shown if one.generation and one.generation.comparison_id]
    voting.reveal(principal, [one.id for one in compared])
    others: list[Asset] = []
    if shown and len(shown) < MOST:
        rows = mine.filter(project=shown[0].project_id).exclude(id__in=wanted).order_by("-id")
        others = list(rows[:OFFERED])
    ids = [one.id for one in shown]
    return {
        "beside": [_of_asset(one, address([other for other in ids if other != one.id])) for one in shown],
        "others": [(one, address([*ids, one.id])) for one in others],
        "gone": len(wanted) - len(shown),
        "few": len(shown) < FEWEST,
        "most": MOST,
        "shape": shape_of((shown[0].width, shown[0].height)) if shown else "",
        "project": shown[0].project if shown else None,
    }


def shape_of(frame: tuple[int, int]) -> str:
    """What the windows are laid out for: the shape that was asked for, which all columns share."""
    ratio = frame[0] / frame[1]
    return "wide" if ratio > 1.25 else "tall" if ratio < 0.8 else "square"


def address(ids: Iterable[UUID]) -> str:
    """Of these pictures side by side."""
    query = "&".join(f"asset={one}" for one in ids)
    return f"{reverse('compare')}?{query}" if query else reverse("compare")


def listed(principal: Principal, found: Sequence[Comparison]) -> list[dict[str, Any]]:
    """Comparisons for a list, with a picture of each column: four more queries, however many there are.

    Where the person was told of no column, nothing says who made which.
    """
    made: dict[UUID, list[Generation]] = defaultdict(list)
    rows = Generation.objects.visible_to(principal).filter(comparison__in=found).order_by("id")
    for generation in rows:
        assert generation.comparison_id is not None
        made[generation.comparison_id].append(generation)
    pictures: dict[UUID | None, Asset] = {}
    for asset in Asset.objects.made_by(rows).reverse():
        pictures[asset.generation_id] = asset  # the first of each column stays
    told = voting.told(principal, found)
    for works in made.values():
        if told.isdisjoint(work.id for work in works):
            works.sort(key=lambda work: voting.mark_of(principal, work.id))
    return [
        {
            "comparison": one,
            "works": made[one.id],
            "live": any(not work.ended for work in made[one.id]),
            "told": not told.isdisjoint(work.id for work in made[one.id]),
            "pictures": [pictures[work.id] for work in made[one.id] if work.id in pictures],
        }
        for one in found
    ]


def _titled(columns: Sequence[Column], *, judged: bool) -> list[tuple[Column, str]]:
    """Each with its name; for who judged them, where it stood then and with the letter it had."""
    names = _names(columns)
    if not judged:
        return list(zip(columns, names, strict=True))
    name_of = {one.generation.id: name for one, name in zip(columns, names, strict=True)}
    lettered = zip(voting.mixed(columns), _LETTERS, strict=False)
    return [(one, f"{letter} · {name_of[one.generation.id]}") for one, letter in lettered]


def _names(columns: Sequence[Column]) -> list[str]:
    """What each is called: its gateway, its resolution, and whatever else is not the same in all of them."""
    asked = [dict(parameters_of(one.generation)) for one in columns]
    said_anyway = {_("Gateway"), _("Resolution")}
    labels = dict.fromkeys(label for said in asked for label in said if label not in said_anyway)
    telling = [label for label in labels if len({said.get(label) for said in asked}) > 1]
    return [_name(one.generation, said, telling) for one, said in zip(columns, asked, strict=True)]


def _name(made: Generation, said: dict[str, str], telling: Sequence[str]) -> str:
    parts = [provider_name(made.provider), made.parameters.get("resolution") or ""]
    parts += [f"{label}: {Truncator(said[label]).chars(_SHORT)}" for label in telling if label in said]
    return " · ".join(filter(None, parts))


def _lettered(comparison: Comparison, columns: Sequence[Column], number: int) -> list[Pane]:
    return [_unnamed(comparison, one, letter, number) for one, letter in zip(columns, _LETTERS, strict=False)]


def _unnamed(comparison: Comparison, column: Column, letter: str, number: int) -> Pane:
    there = len(column.pictures) >= number
    path = blind_path(comparison, column, number) if there else ""
    return Pane(
        name=letter,
        small=path,
        whole=f"{path}{'&' if '?' in path else '?'}size=whole" if there else "",
        alt=_("Picture %(letter)s") % {"letter": letter},
        mark=column.mark if column.judgeable else "",
        live=not column.generation.ended,
    )


def _named(column: Column, name: str, number: int) -> Pane:
    made = column.generation
    asset = column.pictures[number - 1] if len(column.pictures) >= number else None
    if asset is None:
        return Pane(name=name, generation=made, live=not made.ended)
    return Pane(
        name=name,
        small=f"/api/v1/assets/{asset.id}/thumbnail?size=1024",
        whole=f"/api/v1/assets/{asset.id}/content",
        alt=_("%(name)s's picture") % {"name": name},
        asset=asset,
        generation=made,
    )


def _of_asset(asset: Asset, without: str) -> Pane:
    name = provider_name(asset.provider) if asset.provider else asset.name or _("Picture")
    return Pane(
        name=name,
        small=f"/api/v1/assets/{asset.id}/thumbnail?size=1024",
        whole=f"/api/v1/assets/{asset.id}/content",
        alt=asset.prompt[:140] or name,
        asset=asset,
        generation=asset.generation,
        without=without,
    )
