"""What a request costs at each gateway, in the words of the composer."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from generations.actions import generate
from generations.actions.asking import Asked
from generations.engine.routing import Quote
from providers import registry
from providers.offer import Offer

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

    @property
    def name(self) -> str:
        return registry.profile(self.quote.provider).name

    @property
    def reason(self) -> str:
        """Why not, in a few words; empty if it can."""
        found = [_few_words(self.quote.offer, name, text) for name, text in self.quote.problems.items()]
        return ", ".join(dict.fromkeys(found)) or self.quote.reason


@dataclass(frozen=True)
class Prices:
    """Every gateway's line, and the quote that pressing the button would take (None: none can)."""

    lines: list[Line]
    cheapest: Quote | None
    fastest: Quote | None
    chosen: Quote | None
    reason: str = ""
    decided: bool = True

    @property
    def price(self) -> int | None:
        return self.chosen.price if self.chosen else None


def prices(asked: Asked) -> Prices:
    """Quotes for exactly this request, and which of them would be taken."""
    found = _compared(asked)
    if asked.provider == "auto":
        chosen = found.fastest if asked.strategy == "fastest" else found.cheapest
        reason = "" if chosen else _("No gateway can do all of this; the reasons stand beside each.")
    else:
        line = next(line for line in found.lines if line.quote.provider == asked.provider)
        chosen = line.quote if line.quote.open else None
        reason = "" if chosen else f"{line.name}: {line.reason}"
    return Prices(found.lines, found.cheapest, found.fastest, chosen, reason)


def undecided(asked: Asked) -> Prices:
    """The list alone, without a price, while something typed cannot be read."""
    return Prices(_compared(asked).lines, None, None, None, decided=False)


def _compared(asked: Asked) -> Prices:
    quotes = generate.quotes(asked)
    usable = [quote for quote in quotes if quote.open]
    cheapest = min(usable, key=lambda quote: (quote.price, quote.seconds), default=None)
    fastest = min(usable, key=lambda quote: (quote.seconds, quote.price), default=None)
    lines = [Line(quote, cheapest=quote is cheapest, fastest=quote is fastest) for quote in quotes]
    return Prices(lines, cheapest, fastest, None)


def _few_words(offer: Offer, name: str, text: str) -> str:
    if text.startswith("not offered") and name in _LACKS:
        return str(_LACKS[name])
    if name == "references":
        return _("takes at most %(n)d references") % {"n": offer.max_references}
    return text.partition(";")[0].replace(f"{offer.provider} ", "", 1)
