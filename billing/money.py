"""Dollars as people write them, micro-dollars as we keep them (1 USD = 1,000,000)."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from django.utils.translation import gettext as _

MICROS = 1_000_000
MOST = 1_000_000 * MICROS
"""No single amount is larger: a million dollars is a typing mistake."""
_MOST_DOLLARS = MOST // MICROS


def dollars(micros: int) -> str:
    """``"0.035"``: three decimals, and more where they are true."""
    text = f"{Decimal(micros) / MICROS:.6f}"
    whole, _point, fraction = text.partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(3, '0')}"


def micros(text: str | int | Decimal) -> int:
    """Whole micro-dollars of a decimal dollar amount. Raises ValueError naming what is wrong."""
    try:
        amount = Decimal(str(text).strip().removeprefix("$"))
    except InvalidOperation:
        raise ValueError(_("must be an amount in US dollars, such as 0.20.")) from None
    if not amount.is_finite():
        raise ValueError(_("must be an amount in US dollars, such as 0.20."))
    if not -_MOST_DOLLARS <= amount <= _MOST_DOLLARS:  # comparing is exact, however large the exponent
        raise ValueError(_("may be at most 1,000,000."))
    whole = int(amount * MICROS)
    if Decimal(whole) / MICROS != amount:  # the product is rounded at 28 digits, this is not
        raise ValueError(_("may have at most six decimals."))
    return whole
