"""Models, and what exactly this request would cost where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.describe import described, page_of
from accounts.endpoint import Endpoint
from accounts.errors import NotFound
from accounts.models import Scope
from accounts.paging import whole
from billing import pricing
from generations.actions import asking, generate
from generations.api.answers import GenerationBody, ModelAnswer, QuotesAnswer
from generations.api.generations import MOST_BODY
from generations.api.present import offer_json, quote_json
from generations.engine import pace
from generations.models import figures
from generations.models.figures import Figures
from providers import catalog
from providers.catalog import Model, UnknownModelError


class Models(Endpoint):
    """The catalogue."""

    @described("list_models", "The catalogue, with every offer", {200: page_of(ModelAnswer, "ModelPage")})
    def get(self, request: Request) -> Response:
        return whole([model_json(model) for model in catalog.models()])


class OneModel(Endpoint):
    """One model."""

    @described("get_model", "One model, with every offer", {200: ModelAnswer}, errors=[404])
    def get(self, request: Request, model_id: str) -> Response:
        try:
            return Response(model_json(catalog.model(model_id)))
        except UnknownModelError:
            known = ", ".join(model.id for model in catalog.models())
            raise NotFound(
                _("There is no model %(id)s; known are %(known)s.") % {"id": model_id, "known": known},
                code="model_not_found",
            ) from None


class Quotes(Endpoint):
    """Prices for exactly one request."""

    scopes = {"POST": Scope.GENERATE}
    max_body = MOST_BODY

    @described(
        "quote_generation",
        "Every provider's price for exactly this request, cheapest first, or why it cannot serve it",
        {200: QuotesAnswer},
        body=GenerationBody,
    )
    def post(self, request: Request) -> Response:
        asked = asking.read(self.body(request))
        found = [quote_json(quote) for quote in generate.quotes(asked)]
        return Response({"model": asked.request.model, "results": found})


def model_json(model: Model) -> dict[str, Any]:
    """A model and who sells it, at which price today."""
    units, seconds, here = pricing.units(model.id), pace.measured(), figures.measured()
    return {
        "id": model.id,
        "object": "model",
        "name": model.name,
        "maker": model.maker,
        "description": model.description,
        "modalities": list(model.modalities),
        "strengths": list(model.strengths),
        "limits": list(model.limits),
        "commercial_use": model.commercial_use,
        "best_for": list(model.best_for),
        "choose": list(model.choose),
        "avoid": list(model.avoid),
        "answers": [{"question": question, "answer": answer} for question, answer in model.answers],
        "offers": [
            {**offer, "measured_here": _measured(here.get((model.id, offer["provider"])))}
            for offer in _offers(model, units, seconds)
        ],
    }


def _measured(one: Figures | None) -> dict[str, Any] | None:
    """What one offer's newest calls here say."""
    if one is None:
        return None
    return {
        "calls": one.calls,
        "pictures": one.pictures,
        "seconds_p50": _rounded(one.median, 1),
        "seconds_p95": _rounded(one.slow, 1),
        "success_rate": _rounded(one.success, 3),
        "sandbox": one.sandbox,
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _offers(model: Model, units: Mapping[str, int], seconds: Mapping[str, float]) -> list[dict[str, Any]]:
    return [
        offer_json(offer, units.get(offer.provider), seconds.get(offer.provider))
        for offer in catalog.offers(model.id)
    ]
