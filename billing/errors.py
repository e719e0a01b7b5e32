"""What can be wrong with money."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.errors import Conflict, Refusal
from billing.money import dollars

SPANS = {
    "day": gettext_lazy("today"),
    "month": gettext_lazy("this month"),
    "ever": gettext_lazy("in all"),
}
_SCOPES = {
    "person": gettext_lazy("person"),
    "project": gettext_lazy("project"),
    "key": gettext_lazy("API key"),
}
_NAMES = {"key": "api key"}
"""As the API has always called them."""


class InsufficientCredit(Refusal):
    """The wallet has less than this would cost. Nothing was held.

    ``least``, if known, is what the least of it would cost that can be asked for.
    """

    code = "insufficient_credit"

    def __init__(self, *, needed: int, available: int, held: int, least: int | None = None) -> None:
        remedy = _("Ask for credit.")
        if least is not None and least <= available:
            remedy = _("Ask for credit, or make fewer pictures.")
        work = _(", and $%(held)s is reserved by running work") % {"held": dollars(held)} if held else ""
        super().__init__(
            _("This costs $%(needed)s; $%(available)s is available%(work)s. %(remedy)s")
            % {
                "needed": dollars(needed),
                "available": dollars(available),
                "work": work,
                "remedy": remedy,
            },
            extra={"needed": dollars(needed), "available": dollars(available), "held": dollars(held)},
        )


class BudgetExhausted(Refusal):
    """A budget of the person, project or key has no room for this. Nothing was held."""

    code = "budget_exhausted"

    def __init__(
        self, *, scope: str, every: str, needed: int, left: int, held: int, resets: date | None
    ) -> None:
        again = _("Ask for a larger budget.")
        if resets is not None:
            again = _("It begins anew on %(day)s.") % {"day": date_format(resets, "DATE_FORMAT")}
        work = _(", and $%(held)s is reserved by running work") % {"held": dollars(held)} if held else ""
        self.facts: dict[str, Any] = {
            "scope": scope,
            "every": every,
            "left": left,
            "held": held,
            "resets": resets,
        }
        super().__init__(
            _(
                "This costs $%(needed)s, but the budget of this %(scope)s has $%(left)s left "
                "%(span)s%(work)s. %(again)s"
            )
            % {
                "needed": dollars(needed),
                "scope": str(_SCOPES[scope]),
                "left": dollars(left),
                "span": str(SPANS[every]),
                "work": work,
                "again": again,
            },
            extra={
                "needed": dollars(needed),
                "left": dollars(left),
                "held": dollars(held),
                "budget": _NAMES.get(scope, scope),
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
            _("The price is $%(price)s, above max_price $%(most)s. Raise max_price or ask for less.")
            % {"price": dollars(price), "most": dollars(max_price)},
            fields={"max_price": [_("The price is $%(price)s.") % {"price": dollars(price)}]},
            extra={"price": dollars(price)},
        )
