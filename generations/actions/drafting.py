"""Draft, then final: many small pictures for little, and the chosen one again in full."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log
from typing import Any

from django.utils.translation import gettext as _

from accounts.errors import Conflict, Refusal
from generations.actions import asking, generate
from generations.actions.asking import MOST_REFERENCES, Asked
from generations.actions.references import MOST_BYTES
from generations.engine.routing import Quote
from generations.models import Asset, Generation, Relation
from providers.values import ASPECTS, RESOLUTIONS

DRAFTS = 10
FULL = RESOLUTIONS[-1]
_NOT_OF_FINALS = frozenset({"width", "height", "sequential", "max_price", "upload_urls", "seed", "strategy"})


@dataclass(frozen=True, slots=True)
class Final:
    """What would be asked to render a picture in full, and the offer that would do it."""

    asked: Asked
    quote: Quote

    @property
    def price(self) -> int:
        assert self.quote.price is not None
        return self.quote.price


def drafts(body: dict[str, Any]) -> tuple[dict[str, Any], int] | None:
    """Ten drafts of what was asked at the lowest price any gateway offers, and that price.

    The smaller size at equal price. None if nobody can make them or the body cannot be read.
    """
    if body.get("sequential"):
        return None
    asked = {**body, "count": DRAFTS, "provider": "auto", "strategy": "cheapest"}
    sizes = [{}] if body.get("width") else [{"resolution": name} for name in RESOLUTIONS]
    best: tuple[dict[str, Any], int] | None = None
    for size in sizes:
        one = {**asked, **size}
        try:
            price = generate.priced(asking.read({**one, "max_price": None})).price
        except Refusal:
            continue
        if price is not None and (best is None or price < best[1]):
            best = one, price
    return best


def may_be_final(generation: Generation) -> bool:
    """Whether its pictures are less than full: not asked at full resolution, nor finals themselves."""
    return generation.parameters.get("resolution") != FULL and generation.relation != Relation.FINAL


def final(asset: Asset) -> Final:
    """The same prompt and parameters in full, by the same seed where it is known.

    Without a seed the draft itself is given along as a reference where a gateway takes one, because
    the same words alone would make another picture. Raises Conflict, Refusal if no gateway can.
    """
    generation = asset.generation
    if generation is None:
        raise Conflict(_("Only a picture that was made here can be made final; this one was uploaded."))
    refused: Refusal | None = None
    for body in _ways(asset, generation):
        try:
            asked = asking.read(body)
            return Final(asked, generate.priced(asked))
        except Refusal as refusal:
            refused = refusal
    assert refused is not None
    raise refused


def _ways(asset: Asset, generation: Generation) -> Iterator[dict[str, Any]]:
    references = [f"asset:{use.asset_id}" for use in generation.reference_uses.all()]
    said = {name: value for name, value in generation.parameters.items() if name not in _NOT_OF_FINALS}
    body = {
        **said,
        "prompt": generation.prompt,
        "project": str(generation.project_id),
        "tags": generation.tags,
        "references": references,
        "count": 1,
        "aspect_ratio": nearest_aspect(asset.width, asset.height),
        "resolution": FULL,
        "provider": "auto",
        "source": f"asset:{asset.id}",
        "relation": Relation.FINAL.value,
    }
    if asset.seed is not None:
        yield {**body, "provider": asset.provider, "seed": asset.seed}
    if asset.bytes <= MOST_BYTES and len(references) < MOST_REFERENCES:
        yield {**body, "references": [f"asset:{asset.id}", *references]}
    yield body


def nearest_aspect(width: int, height: int) -> str:
    """The named shape that a picture of so many pixels comes closest to."""
    shape = log(width / height)
    named = {name: sides for name, sides in ASPECTS.items() if sides}
    return min(named, key=lambda name: abs(log(named[name][0] / named[name][1]) - shape))
