"""Which provider serves a request: prices for exactly this request, or why it cannot be served."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts import rows
from accounts.errors import Invalid, Refusal
from billing import pricing
from billing.errors import PriceUnavailable
from generations.engine import clock, pace
from providers import catalog
from providers.models import ProviderAccount
from providers.offer import Offer
from providers.values import ImageRequest
from providers.wording import Sentence


class ProviderPaused(Refusal):
    """The named provider cannot be used for now. Nothing was held."""

    code = "provider_paused"


@dataclass(frozen=True, slots=True)
class Quote:
    """One offer for one request. Money is micro-dollars; ``seconds`` is what one call takes here.

    ``problems`` name fields it cannot honour; ``obstacle`` says what else stands in the way.
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

    @property
    def provider(self) -> str:
        return self.offer.provider

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
        return {name: _(problem.pattern) % problem.facts for name, problem in self.problems.items()}

    @property
    def reason(self) -> str:
        """In a few words, why not; empty if it can."""
        if self.problems:
            return "; ".join(self.said.values())
        if self.account is None:
            return _("no account is set up")
        return _("no price is set") if self.unit is None else self.obstacle


def comparable(request: ImageRequest, provider: str) -> ImageRequest:
    """Where no size is named, ``auto`` means 2K, so that prices compare like with like."""
    sized = request.resolution or request.aspect_ratio or request.width
    if provider == "auto" and not sized:
        return replace(request, resolution="2K")
    if provider == "auto" and request.aspect_ratio and not request.resolution:
        return replace(request, resolution="2K")
    return request


def quotes(request: ImageRequest) -> list[Quote]:
    """Every provider's quote for exactly this request, cheapest first, those that cannot last."""
    found = _quotes(request, catalog.offers(request.model), pace.measured())
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
    able = [quote for quote in found if quote.able]
    usable = [quote for quote in able if quote.open]
    if usable:
        return _best(usable, strategy)
    if able:
        raise _paused(able)
    if any(not quote.problems for quote in found):
        raise PriceUnavailable(_("No provider that can serve this is on sale at the moment."))
    raise _unsupported(found)


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
            _("No price is set for %(provider)s; ask staff, or choose another provider.")
            % {"provider": quote.provider}
        )
    if quote.account is None:
        raise ProviderPaused(
            _("%(provider)s has no account here; choose another provider.") % {"provider": quote.provider},
            retry_after=600,
        )
    if quote.obstacle:
        raise _paused([quote])
    return quote


def _paused(able: Iterable[Quote]) -> ProviderPaused:
    now = clock.now()
    waits = [max(1.0, (quote.retry_at - now).total_seconds()) for quote in able if quote.retry_at]
    names = ", ".join(quote.provider for quote in able)
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
        sentence = "; ".join(f"{name}: {texts[0]}" for name, texts in fields.items())
    else:
        sentence = ", ".join(f"{quote.provider} ({_shortly(quote)})" for quote in found)
    said = _("No provider can do this as asked: %(reasons)s.") % {"reasons": sentence}
    return Invalid(said, code="unsupported", fields=fields)


def _shortly(quote: Quote) -> str:
    """Each field that stands in the way, with the reason alone; ``fields`` have the remedies."""
    reasons = {name: re.split("[;；]", text)[0] for name, text in quote.said.items()}
    mine = quote.provider
    return "; ".join(
        f"{name}: {text.removesuffix(f' by {mine}').removeprefix(f'{mine} ')}"
        for name, text in reasons.items()
    )


def _accounts() -> dict[str, list[ProviderAccount]]:
    found: dict[str, list[ProviderAccount]] = {}
    for row in rows.planned(rows.composed(_usable)):
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
    account = next(iter(healthy or accounts), None)
    resting = account is not None and not healthy
    return Quote(
        offer=offer,
        unit=unit,
        calls=tuple(calls(offer, request)),
        problems=offer.problems(request),
        seconds=measured.get(offer.provider, sum(offer.seconds) / 2),
        measured=offer.provider in measured,
        account=account,
        obstacle=_("not available for the moment") if resting else "",
        retry_at=account.paused_until if account is not None and resting else None,
        pictures=request.pictures,
    )


def calls(offer: Offer, request: ImageRequest) -> list[int]:
    """How many images each paid call asks for; an upload address serves one picture each."""
    if request.upload_url is not None:
        return [1] * request.count
    return offer.calls(request)
