"""Which provider serves a request: prices for exactly this request, or why it cannot be served."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import rows
from accounts.errors import Invalid, Refusal
from billing import pricing
from billing.errors import PriceUnavailable
from generations.engine import clock, pace
from providers import catalog, registry
from providers.models import ProviderAccount
from providers.offer import Offer
from providers.values import ImageRequest
from providers.wording import Sentence

PATIENCE = 10.0
"""Seconds a gateway may ask to be left alone before ``auto`` prefers another."""
EVERY_ONE_OFF = gettext_lazy("Every gateway is switched off. Ask staff.")


class ProviderPaused(Refusal):
    """The named provider cannot be used for now. Nothing was held."""

    code = "provider_paused"


@dataclass(frozen=True, slots=True)
class Quote:
    """One offer for one request. Money is micro-dollars; ``seconds`` is what one call takes here.

    ``problems`` name fields it cannot honour; ``obstacle`` says what else stands in the way. ``off``:
    it has no account that may be used, because staff switched it off; only ``quotes`` looks. ``wait`` are
    seconds, counted in ``seconds``, for which its gateway has asked to be left alone.
    """

    offer: Offer
    unit: int | None
    calls: tuple[int, ...]
    problems: Mapping[str, Sentence]
    seconds: float
    measured: bool
    account: ProviderAccount | None
    obstacle: str = ""
    retry_at: datetime | None = None
    pictures: int = 1
    wait: float = 0.0
    off: bool = False

    @property
    def provider(self) -> str:
        return self.offer.provider

    @property
    def name(self) -> str:
        """The provider as it writes itself."""
        return registry.profile(self.provider).name

    @property
    def price(self) -> int | None:
        return None if self.unit is None else self.unit * self.pictures

    @property
    def able(self) -> bool:
        """It can honour the whole request, whatever its health."""
        return not self.problems and self.unit is not None and self.account is not None

    @property
    def open(self) -> bool:
        """It can be used right now."""
        return self.able and not self.obstacle

    @property
    def said(self) -> dict[str, str]:
        """``problems`` in the reader's language."""
        return {
            name: _(problem.pattern) % {**problem.facts, "provider": self.name}
            for name, problem in self.problems.items()
        }

    @property
    def reason(self) -> str:
        """In a few words, why not; empty if it can."""
        if self.off:
            return _("switched off by staff")
        if self.problems:
            return "; ".join(self.said.values())
        if self.account is None:
            return _("no account is set up")
        return _("no price is set") if self.unit is None else self.obstacle


def comparable(request: ImageRequest, provider: str) -> ImageRequest:
    """``auto`` with no resolution and no exact size means 2K, so that prices compare like with like."""
    unsized = not request.resolution and (request.aspect_ratio or not request.width)
    return replace(request, resolution="2K") if provider == "auto" and unsized else request


def quotes(request: ImageRequest) -> list[Quote]:
    """Every provider's quote for exactly this request, cheapest first; those that cannot serve it last."""
    found = _quotes(request, catalog.offers(request.model), pace.measured())
    if any(quote.account is None for quote in found):
        off = _switched_off()
        found = [replace(one, off=one.account is None and one.provider in off) for one in found]
    return sorted(found, key=lambda quote: (not quote.open, not quote.able, quote.price or 0, quote.seconds))


def _quotes(request: ImageRequest, offers: Iterable[Offer], seconds: Mapping[str, float]) -> list[Quote]:
    prices, accounts = pricing.units(request.model), _accounts()
    return [
        _quote(offer, request, prices.get(offer.provider), accounts.get(offer.provider, []), seconds)
        for offer in offers
    ]


def choose(request: ImageRequest, *, provider: str, strategy: str, without: Collection[str] = ()) -> Quote:
    """The offer to use. Raises Invalid (``unsupported``), PriceUnavailable or ProviderPaused."""
    offers = [offer for offer in catalog.offers(request.model) if offer.provider not in without]
    if provider != "auto":
        return _named(*_quotes(request, [offer for offer in offers if offer.provider == provider], {}))
    found = _quotes(request, offers, {})
    if usable := for_auto(found):
        return _best(usable, strategy)
    if able := _bought(found):
        raise _paused(able)
    if any(not quote.problems for quote in found):
        raise PriceUnavailable(_nothing_on_sale(found))
    raise _unsupported(found)


def _nothing_on_sale(found: Collection[Quote]) -> str:
    if all(quote.account is None for quote in found) and {one.provider for one in found} <= _switched_off():
        return str(EVERY_ONE_OFF)
    return _("No gateway that can serve this is on sale at the moment.")


def _bought(found: Iterable[Quote]) -> list[Quote]:
    """Those that can honour the request; whoever has bought a key for one of them wants no samples."""
    able = [quote for quote in found if quote.able]
    return [quote for quote in able if quote.account and not quote.account.sandbox] or able


def for_auto(found: Iterable[Quote]) -> list[Quote]:
    """Those of which ``auto`` takes the cheapest or the fastest.

    One that wants to be left alone for long comes after those that do not.
    """
    usable = [quote for quote in _bought(found) if quote.open]
    return [quote for quote in usable if quote.wait <= PATIENCE] or usable


def _best(usable: list[Quote], strategy: str) -> Quote:
    """The cheapest or the fastest, as measured here; how fast is looked up only where it decides."""
    if strategy != "fastest":
        least = min(quote.price or 0 for quote in usable)
        usable = [quote for quote in usable if quote.price == least]
    if len(usable) == 1:
        return usable[0]
    seconds = pace.measured()
    return min(usable, key=lambda quote: (seconds.get(quote.provider, quote.seconds), quote.price))


def _named(quote: Quote) -> Quote:
    if quote.problems:
        raise _unsupported([quote])
    if quote.unit is None:
        raise PriceUnavailable(
            _("No price is set for %(provider)s; ask staff, or choose another gateway.")
            % {"provider": quote.name}
        )
    if quote.account is None:
        said = _("%(provider)s has no account here; choose another gateway.")
        if quote.provider in _switched_off():
            said = _("%(provider)s is switched off by staff; choose another gateway.")
        raise ProviderPaused(said % {"provider": quote.name}, retry_after=600)
    if quote.obstacle:
        raise _paused([quote])
    return quote


def _paused(able: Iterable[Quote]) -> ProviderPaused:
    now = clock.now()
    waits = [max(1.0, (quote.retry_at - now).total_seconds()) for quote in able if quote.retry_at]
    names = ", ".join(quote.name for quote in able)
    return ProviderPaused(
        _("%(names)s cannot be used at the moment and nothing was held; try again soon or choose another.")
        % {"names": names},
        retry_after=min(waits, default=30.0),
    )


def _unsupported(found: Collection[Quote]) -> Invalid:
    fields: dict[str, list[str]] = {}
    for quote in found:
        for name, text in quote.said.items():
            fields.setdefault(name, []).append(text)
    if len(found) == 1:
        (only,) = found
        facts = {"provider": only.name, "reasons": _shortly(only, remedies=True)}
        said = _("%(provider)s cannot do this as asked: %(reasons)s.") % facts
    else:
        reasons = ", ".join(f"{quote.name} ({_shortly(quote)})" for quote in found)
        said = _("No gateway can do this as asked: %(reasons)s.") % {"reasons": reasons}
    return Invalid(said, code="unsupported", fields=fields)


def _shortly(quote: Quote, *, remedies: bool = False) -> str:
    """Each field that stands in the way with its reason, but not the name that stands before them all."""
    found = []
    for name, text in quote.said.items():
        reason, *remedy = re.split("(?=[;；])", text, maxsplit=1)
        short = reason.removesuffix(f" by {quote.name}").removeprefix(f"{quote.name} ")
        found.append(f"{name}: {short}{''.join(remedy) if remedies else ''}")
    return "; ".join(found)


def _switched_off() -> set[str]:
    """Providers whose accounts staff switched off, not the environment that names them no more."""
    off = ProviderAccount.objects.filter(enabled=False, absent=False)
    return set(off.order_by().values_list("provider", flat=True))


def _accounts() -> dict[str, list[ProviderAccount]]:
    found: dict[str, list[ProviderAccount]] = {}
    for row in rows.planned(*rows.complete(_usable)):
        account = rows.instance(ProviderAccount, row, _OF_AN_ACCOUNT)
        found.setdefault(account.provider, []).append(account)
    return found


def _usable() -> QuerySet[ProviderAccount]:
    return ProviderAccount.objects.usable().only(*_OF_AN_ACCOUNT)


_OF_AN_ACCOUNT = ("id", "provider", "source", "paused_until", "pause_level", "probe_until")


def _quote(
    offer: Offer,
    request: ImageRequest,
    unit: int | None,
    accounts: list[ProviderAccount],
    measured: Mapping[str, float],
) -> Quote:
    now = clock.now()
    healthy = [account for account in accounts if not pace.paused(account, now)]
    account = min(healthy or accounts, key=lambda one: pace.waits(one, now), default=None)
    resting = account is not None and not healthy
    wait = pace.waits(account, now) if account is not None else 0.0
    return Quote(
        offer=offer,
        unit=unit,
        calls=tuple(calls(offer, request)),
        problems=offer.problems(request),
        seconds=measured.get(offer.provider, sum(offer.seconds) / 2) + wait,
        measured=offer.provider in measured,
        account=account,
        obstacle=_("not available for the moment") if resting else "",
        retry_at=account.paused_until if account is not None and wait else None,
        pictures=request.pictures,
        wait=wait,
    )


def calls(offer: Offer, request: ImageRequest) -> list[int]:
    """How many images each paid call asks for; an upload address serves one picture each."""
    if request.upload_url is not None:
        return [1] * request.count
    return offer.calls(request)
