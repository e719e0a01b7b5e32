"""Where a picture comes from and what came of it, as far as one may see it."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.principal import Principal
from generations.models import Asset, Relation
from generations.models.asset import AssetQuerySet

MOST = 24
"""Pictures of one strand."""


@dataclass(frozen=True, slots=True)
class Strand:
    """Pictures that stand to this one in the same way; ``more`` if there are others."""

    label: str
    pictures: list[Asset]
    more: bool


def before(principal: Principal, asset: Asset) -> list[Strand]:
    """What it came from."""
    mine, made_by = Asset.objects.visible_to(principal).kept(), asset.generation
    found = []
    if asset.copied_from_id:
        found.append((_("Copied from"), mine.filter(id=asset.copied_from_id)))
    if made_by is not None:
        final = made_by.relation == Relation.FINAL
        label = _("Final of the draft") if final else _("Varied from")
        found.append((_("Made from"), mine.filter(uses__generation=made_by).order_by("uses__position")))
        if made_by.source_id:
            found.append((label, mine.filter(id=made_by.source_id)))
        if made_by.retry_of_id:
            first = mine.filter(generation=made_by.retry_of_id).order_by("id")
            found.append((_("Asked again after"), first))
    return _strands(found)


def beside(principal: Principal, asset: Asset) -> list[Strand]:
    """What was made together with it."""
    if asset.generation_id is None:
        return []
    mine = Asset.objects.visible_to(principal).kept()
    together = mine.filter(generation=asset.generation_id).exclude(id=asset.id)
    return _strands([(_("Made together"), together.order_by("id"))])


def after(principal: Principal, asset: Asset) -> list[Strand]:
    """What came of it."""
    mine = Asset.objects.visible_to(principal).kept().order_by("id")
    derived = Q(generation__source=asset.id)
    found = [
        (_("Finals"), mine.filter(derived, generation__relation=Relation.FINAL)),
        (_("Variations"), mine.filter(derived).exclude(generation__relation=Relation.FINAL)),
        (_("Made with it"), mine.filter(generation__reference_uses__asset=asset.id)),
        (_("Copies"), mine.filter(copied_from=asset.id)),
    ]
    if asset.generation_id:
        again = mine.filter(generation__retry_of=asset.generation_id)
        found.append((_("Asked again"), again))
    return _strands(found)


def _strands(found: list[tuple[str, AssetQuerySet]]) -> list[Strand]:
    strands = []
    for label, rows in found:
        pictures = list(rows[: MOST + 1])
        if pictures:
            strands.append(Strand(label, pictures[:MOST], len(pictures) > MOST))
    return strands
