"""What pictures cost people, from the price table."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import QuerySet

from accounts import rows
from billing.models import Price


def units(model: str) -> Mapping[str, int]:
    """Micro-dollars per picture at each provider that is on sale now."""
    found = rows.planned(rows.composed(_units), [model])
    return {provider: unit for provider, unit in found if unit is not None}


def _units() -> QuerySet[Price, tuple[str, int | None]]:
    return Price.objects.in_force().filter(model="").values_list("provider", "unit")


def set_price(*, model: str, provider: str, unit: int | None, memo: str = "") -> Price:
    """A new version from now on; None takes the offer off sale."""
    return Price.objects.create(model=model, provider=provider, unit=unit, memo=memo)
