"""What a request costs at each gateway, in the words of the composer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from generations.actions import generate
from generations.actions.asking import Asked
from generations.engine import routing
from generations.engine.routing import Quote

_LACKS = {
    "negative_prompt": gettext_lazy("takes no negative prompt"),
    "seed": gettext_lazy("takes no seed"),
    "references": gettext_lazy("takes no references"),
    "sequential": gettext_lazy("makes no sets"),
    "safety_check": gettext_lazy("has no safety switch"),
    "prompt_optimization": gettext_lazy("does not rewrite prompts that way"),
}


@dataclass(frozen=True)
class Line:
    """One gateway in the list: its quote, and how it compares."""

    quote: Quote
    cheapest: bool
    fastest: bool
    works: int = 1

    @property
    def price(self) -> int | None:
        """Micro-dollars for all works together."""
        return None if self.quote.price is None else self.quote.price * self.works

    @property
    def name(self) -> str:
        return self.quote.name

    @property
    def reason(self) -> str:
        """Why not, in a few words; empty if it can."""
        if self.quote.off:
            return self.quote.reason
        found = [_few_words(self.quote, name, said) for name, said in self.quote.said.items()]
        return ", ".join(dict.fromkeys(found)) or self.quote.reason


@dataclass(frozen=True)
class Prices:
    """Every gateway's line, and the quote that pressing the button would take (None: none can).

    Of a batch every price is for all its ``works``.
    """

    lines: list[Line]
    cheapest: Quote | None
    fastest: Quote | None
    chosen: Quote | None
    reason: str = ""
    decided: bool = True
    works: int = 1

    @property
    def price(self) -> int | None:
        return self._of_all(self.chosen)

    @property
    def fewer(self) -> int | None:
        """Micro-dollars for the least that could be asked for instead: one picture."""
        return self.chosen.unit if self.chosen else None

    @property
    def lowest(self) -> int | None:
        return self._of_all(self.cheapest)

    @property
    def quickest(self) -> int | None:
        return self._of_all(self.fastest)

    @property
    def pictures(self) -> int:
        return self.chosen.pictures * self.works if self.chosen else 0

    def _of_all(self, quote: Quote | None) -> int | None:
        return None if quote is None or quote.price is None else quote.price * self.works


def prices(asked: Asked, *, works: int = 1) -> Prices:
    """Quotes for exactly this request, so many times, and which of them would be taken."""
    found = _compared(asked, works)
    if asked.provider == "auto":
        chosen = found.fastest if asked.strategy == "fastest" else found.cheapest
        reason = "" if chosen else _why_none(found.lines)
    else:
        line = next(line for line in found.lines if line.quote.provider == asked.provider)
        chosen = line.quote if line.quote.open else None
        reason = "" if chosen else f"{line.name}: {line.reason}"
    return Prices(found.lines, found.cheapest, found.fastest, chosen, reason, works=works)


def _why_none(lines: Sequence[Line]) -> str:
    """Why no gateway can; one reason that all of them share is said at once."""
    if all(line.quote.off for line in lines):
        return str(routing.EVERY_ONE_OFF)
    reasons = {line.reason for line in lines}
    if len(reasons) == 1:
        return _("No gateway can do this: %(reason)s.") % {"reason": reasons.pop()}
    return _("No gateway can do all of this; the reasons stand beside each.")


def undecided(asked: Asked) -> Prices:
    """The list alone, without a price, while something typed cannot be read."""
    return Prices(_compared(asked).lines, None, None, None, decided=False)


def _compared(asked: Asked, works: int = 1) -> Prices:
    quotes = generate.quotes(asked)
    usable = routing.for_auto(quotes)
    cheapest = min(usable, key=lambda quote: (quote.price, quote.seconds), default=None)
    fastest = min(usable, key=lambda quote: (quote.seconds, quote.price), default=None)
    lines = [Line(quote, quote is cheapest, quote is fastest, works) for quote in quotes]
    return Prices(lines, cheapest, fastest, None)


def _few_words(quote: Quote, name: str, said: str) -> str:
    """The problem without its remedy and without the gateway's name, which stands beside it."""
    if quote.problems[name].startswith("not offered"):
        return str(_LACKS[name]) if name in _LACKS else _("does not offer that")
    if name == "references":
        return _("takes at most %(n)d references") % {"n": quote.offer.max_references}
    return re.split("[;；]", said)[0].replace(f"{quote.name} ", "", 1)
