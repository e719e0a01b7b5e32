"""What can be wrong with money."""

from __future__ import annotations

from accounts.errors import Conflict, Refusal
from billing.money import dollars


class InsufficientCredit(Refusal):
    """The wallet has less than this would cost. Nothing was held."""

    code = "insufficient_credit"

    def __init__(self, *, needed: int, available: int, held: int) -> None:
        work = f", and ${dollars(held)} is held by running work" if held else ""
        super().__init__(
            f"This costs ${dollars(needed)}; ${dollars(available)} is available{work}. "
            "Ask for credit, or make fewer pictures.",
            extra={"needed": dollars(needed), "available": dollars(available), "held": dollars(held)},
        )


class PriceUnavailable(Conflict):
    """No price is set for what was asked."""

    code = "price_unavailable"


class PriceAboveMax(Conflict):
    """The price is above what the caller is willing to pay. Nothing was held."""

    code = "price_above_max"

    def __init__(self, *, price: int, max_price: int) -> None:
        super().__init__(
            f"The price is ${dollars(price)}, above max_price ${dollars(max_price)}. "
            "Raise max_price or ask for less.",
            fields={"max_price": [f"The price is {dollars(price)}."]},
            extra={"price": dollars(price)},
        )
