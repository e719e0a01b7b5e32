"""What was asked of a gateway, in words for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from generations.models import Generation
from providers import catalog, registry

_LABELS = {
    "count": gettext_lazy("Count"),
    "aspect_ratio": gettext_lazy("Shape"),
    "resolution": gettext_lazy("Resolution"),
    "width": gettext_lazy("Width"),
    "height": gettext_lazy("Height"),
    "seed": gettext_lazy("Seed asked"),
    "negative_prompt": gettext_lazy("Negative prompt"),
    "sequential": gettext_lazy("Set of"),
    "output_format": gettext_lazy("Format"),
    "output_quality": gettext_lazy("Quality"),
    "safety_check": gettext_lazy("Safety check"),
    "prompt_optimization": gettext_lazy("Prompt rewriting"),
    "max_price": gettext_lazy("At most"),
    "delivery": gettext_lazy("Delivery"),
    "output": gettext_lazy("Output"),
    "ttl": gettext_lazy("Link life"),
    "webhook_url": gettext_lazy("Webhook"),
}
"""In the order in which they are shown; whatever else was said follows under its own name."""
_SAID_ELSEWHERE = {"model", "provider", "strategy", "include_cost", "upload_urls"}


def parameters_of(generation: Generation) -> list[tuple[str, str]]:
    """Label and value of everything that was asked, the model first."""
    said: Mapping[str, Any] = generation.parameters
    names = [name for name in _LABELS if name in said]
    names += [name for name in said if name not in _LABELS and name not in _SAID_ELSEWHERE]
    return [
        (_("Model"), model_name(generation.model)),
        (_("Gateway"), _gateway(generation)),
        *((str(_LABELS.get(name, name)), _shown(said[name])) for name in names),
    ]


def model_name(model_id: str) -> str:
    """As people call it; one that left the catalogue keeps its id."""
    try:
        return catalog.model(model_id).name
    except catalog.UnknownModelError:
        return model_id


def _gateway(generation: Generation) -> str:
    name = provider_name(generation.provider)
    if generation.asked_provider != "auto":
        return name
    return _("%(name)s (auto, %(strategy)s)") % {"name": name, "strategy": _(generation.strategy)}


def provider_name(slug: str) -> str:
    """``threedai`` as its gateway writes itself."""
    try:
        return registry.profile(slug).name
    except registry.UnknownProviderError:
        return slug


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return _("on") if value else _("off")
    return str(value)
