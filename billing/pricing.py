"""What pictures cost people, from the price table."""

from __future__ import annotations

from collections.abc import Mapping

from billing.models import Price


def units(model: str) -> Mapping[str, int]:
    """Micro-dollars per picture at each provider that is on sale now."""
    rows = Price.objects.in_force().filter(model=model).values_list("provider", "unit")
    return {provider: unit for provider, unit in rows if unit is not None}


def set_price(*, model: str, provider: str, unit: int | None, memo: str = "") -> Price:
    """A new version from now on; None takes the offer off sale."""
    return Price.objects.create(model=model, provider=provider, unit=unit, memo=memo)
