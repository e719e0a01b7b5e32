"""The catalogue: which models there are, who sells them, and how they fare here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.principal import Principal
from accounts.web.doorway import signed_in
from billing.models import Price
from generations.models import figures
from generations.models.figures import Figures
from generations.web import quickstart
from providers import catalog, registry
from providers.catalog import Model, UnknownModelError
from providers.offer import Offer


@dataclass(frozen=True)
class Sold:
    """One gateway's offer: what it costs today, since when, and how it fares here."""

    name: str
    offer: Offer
    unit: int | None
    since: datetime | None
    here: Figures | None

    @property
    def success(self) -> str:
        """In per cent, with as many digits as are true."""
        if self.here is None or self.here.success is None:
            return ""
        share = self.here.success * 100
        return f"{share:.0f} %" if share in {0, 100} else f"{min(share, 99.9):.1f} %"

    @property
    def sizes(self) -> str:
        """Resolutions it makes, such as ``2K, 3K``."""
        return ", ".join(sorted({resolution for _aspect, resolution in self.offer.sizes.names}))

    @property
    def aspects(self) -> str:
        return ", ".join(dict.fromkeys(aspect for aspect, _resolution in self.offer.sizes.names))

    @property
    def kept(self) -> str:
        """How long the gateway itself keeps a result."""
        hours = self.offer.retention // 3600
        return _("%(n)d days") % {"n": hours // 24} if hours > 48 else _("%(n)d hours") % {"n": hours}


@require_safe
@signed_in
def models(request: HttpRequest, _principal: Principal) -> HttpResponseBase:
    """Every model, the one that is used most first."""
    here = figures.measured()
    found = [_listed(model, here) for model in catalog.models()]
    found.sort(key=lambda one: -one["pictures"])
    return render(request, "models.html", {"models": found})


@require_safe
@signed_in
def model(request: HttpRequest, _principal: Principal, model_id: str) -> HttpResponseBase:
    """Everything that is known of one model."""
    try:
        found = catalog.model(model_id)
    except UnknownModelError as error:
        raise Http404(str(error)) from None
    sold = offers_of(found, figures.measured())
    context = {
        "model": found,
        "offers": sold,
        "capabilities": _capabilities(sold),
        "snippets": quickstart.snippets(settings.PUBLIC_URL, found.id),
        "first_party": ", ".join(found.first_party),
        "sandbox": any(one.here and one.here.sandbox for one in sold),
        "newest": figures.NEWEST,
        "fewest": figures.FEWEST,
    }
    return render(request, "model.html", context)


def offers_of(model: Model, here: Any) -> list[Sold]:
    """The cheapest first; what is not on sale last."""
    prices = {row.provider: row for row in Price.objects.in_force().filter(model=model.id)}
    found = []
    for offer in catalog.offers(model.id):
        price = prices.get(offer.provider)
        found.append(
            Sold(
                name=registry.profile(offer.provider).name,
                offer=offer,
                unit=price.unit if price else None,
                since=price.effective_from if price else None,
                here=here.get((model.id, offer.provider)),
            )
        )
    return sorted(found, key=lambda one: (one.unit is None, one.unit or 0))


def _listed(model: Model, here: Any) -> dict[str, Any]:
    sold = offers_of(model, here)
    units = [one.unit for one in sold if one.unit is not None]
    medians = [one.here.median for one in sold if one.here and one.here.median is not None]
    return {
        "model": model,
        "offers": sold,
        "from": min(units, default=None),
        "fastest": min(medians, default=None),
        "pictures": sum(one.here.pictures for one in sold if one.here),
    }


def _capabilities(sold: list[Sold]) -> list[tuple[str, list[str]]]:
    """What each gateway can do: a label, and a word or a number for each, in their order."""
    yes, no = _("yes"), "–"

    def said(value: object) -> str:
        if isinstance(value, bool):
            return yes if value else no
        return str(value) if value else no

    offers = [one.offer for one in sold]
    lines: list[tuple[str, list[object]]] = [
        (_("Resolutions"), [one.sizes for one in sold]),
        (_("Shapes"), [one.aspects for one in sold]),
        (_("Any width and height"), [bool(one.sizes.exact) for one in offers]),
        (_("Pictures in one call"), [one.max_count for one in offers]),
        (_("Characters of a prompt"), [f"{one.prompt_max:,}" for one in offers]),
        (_("References"), [one.max_references for one in offers]),
        (_("Related set"), [one.max_sequential for one in offers]),
        (_("Seed"), [one.seed for one in offers]),
        (_("Negative prompt"), [one.negative_prompt for one in offers]),
        (_("Safety switch"), [one.safety_check for one in offers]),
        (_("Prompt rewriting"), [", ".join(sorted(one.optimizations)) for one in offers]),
    ]
    return [(label, [said(value) for value in values]) for label, values in lines]
