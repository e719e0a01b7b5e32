"""What can be wrong with money."""

from __future__ import annotations

from datetime import date

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


class BudgetExhausted(Refusal):
    """A budget of the person, project or key has no room for this. Nothing was held."""

    code = "budget_exhausted"

    def __init__(
        self, *, scope: str, every: str, needed: int, left: int, held: int, resets: date | None
    ) -> None:
        span = "in all" if resets is None else f"this {every}"
        again = "Ask for a larger one." if resets is None else f"It begins anew on {resets.isoformat()}."
        super().__init__(
            f"This costs ${dollars(needed)}, but the budget of this {scope} has ${dollars(left)} left {span} "
            f"(${dollars(held)} is held by running work). {again}",
            extra={
                "needed": dollars(needed),
                "left": dollars(left),
                "held": dollars(held),
                "budget": scope,
                "resets_on": resets.isoformat() if resets else None,
            },
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
