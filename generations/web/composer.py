"""The form that asks for pictures, as values: what was typed, what it would cost, what to mend."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from accounts.actions import as_uuid
from accounts.errors import Invalid, NotFound, Refusal
from accounts.models import Project
from accounts.principal import Principal
from generations.actions import asking, generate
from generations.actions.asking import MOST_REFERENCES, Asked
from generations.models import Asset, Generation
from generations.web import pricing
from generations.web.pricing import Prices
from providers import catalog
from providers.values import ASPECTS, FORMATS, OPTIMIZATIONS, RESOLUTIONS

EXACT = "exact"
"""The choice of shape that means: the width and height I typed."""
FASTEST = "auto-fastest"
_START = {"aspect": "1:1", "resolution": "2K", "count": "1", "provider": "auto"}
_PLAIN = (
    "prompt",
    "model",
    "count",
    "seed",
    "negative_prompt",
    "sequential",
    "output_format",
    "output_quality",
    "safety_check",
    "prompt_optimization",
    "max_price",
)
"""Fields of the form that are fields of a generation, under the same name."""
_CHOICES = ("aspect", "resolution", "width", "height", "provider")
FOLDED = frozenset(_PLAIN) - {"prompt", "model", "count"}
SLOTS = (*_PLAIN, "references", "aspect_ratio", "resolution", "width", "height", "provider")
"""Fields beside which the page has room for a sentence."""


@dataclass
class Composer:
    """Everything its template shows. ``token`` makes a second press of the same button harmless."""

    principal: Principal
    project: Project
    typed: dict[str, str]
    references: list[str] = field(default_factory=list)
    errors: Mapping[str, list[str]] = field(default_factory=dict)
    token: str = field(default_factory=lambda: str(uuid.uuid4()))

    aspects = tuple(ASPECTS)
    resolutions = RESOLUTIONS
    formats = FORMATS
    optimizations = OPTIMIZATIONS
    models = catalog.models()

    def __post_init__(self) -> None:
        self.prices = self._priced()

    @property
    def body(self) -> dict[str, Any]:
        """As the REST API would be asked; what was left empty is left out."""
        typed = {name: text for name, text in self.typed.items() if text.strip()}
        body: dict[str, Any] = {name: typed[name] for name in _PLAIN if name in typed}
        if typed.get("aspect") == EXACT:
            body |= {name: typed[name] for name in ("width", "height") if name in typed}
        else:
            body |= {"aspect_ratio": typed.get("aspect"), "resolution": typed.get("resolution")}
        auto = typed.get("provider") == FASTEST
        body |= {
            "provider": "auto" if auto else typed.get("provider"),
            "strategy": "fastest" if auto else "cheapest",
            "project": str(self.project.id),
            "references": self.references,
        }
        return {name: value for name, value in body.items() if value not in (None, [])}

    def read(self) -> Asked:
        """Raises Invalid naming each field that is wrong."""
        return asking.read(self.body)

    @property
    def tray(self) -> list[Asset]:
        """The pictures it builds on, in order; those that are gone or not ours are left out."""
        return pictures_named(self.principal, self.references)

    @property
    def folded_errors(self) -> bool:
        return any(name in FOLDED for name in self.errors)

    @property
    def folded_typed(self) -> bool:
        return any(self.typed.get(name) for name in FOLDED)

    @property
    def slots(self) -> list[tuple[str, list[str]]]:
        return [(name, self.errors.get(name, [])) for name in SLOTS]

    def complain(self, refusal: Refusal) -> None:
        """Put a refusal where it belongs: beside its fields, else beside the button."""
        said = {name: texts for name, texts in refusal.fields.items() if name in SLOTS}
        self.errors = said or {"all": [refusal.message]}

    def _priced(self) -> Prices:
        body = {**self.body, "prompt": self.typed.get("prompt", "").strip() or "…"}
        try:
            asked = asking.read(body)
        except Invalid as refusal:
            self.errors = refusal.fields
            rest = {name: value for name, value in body.items() if name not in refusal.fields}
            return pricing.undecided(asking.read({"prompt": "…", **_readable(rest)}))
        return pricing.prices(asked)


def _readable(body: dict[str, Any]) -> dict[str, Any]:
    """What is left of a body when its mistakes are taken out, if that can be read; else nothing."""
    try:
        asking.read(body)
    except Invalid:
        return {}
    return body


def from_form(principal: Principal, project: Project, form: QueryDict) -> Composer:
    """What was typed. A form without a field leaves it empty."""
    return Composer(
        principal=principal,
        project=project,
        typed={name: form.get(name, "") for name in (*_PLAIN, *_CHOICES)},
        references=list(dict.fromkeys(form.getlist("references")))[:MOST_REFERENCES],
        token=form.get("token", ""),
    )


def from_address(principal: Principal, project: Project, address: QueryDict) -> Composer:
    """A form filled from ``from`` (a generation to vary), ``reference`` pictures and single fields."""
    typed, references = dict(_START), list[str]()
    if (old := _generation(principal, address.get("from", ""))) is not None:
        typed = typed_of(old)
        references = [f"asset:{use.asset_id}" for use in old.reference_uses.all()]
    typed |= {name: str(address[name]) for name in (*_PLAIN, *_CHOICES) if name in address}
    references += [f"asset:{found}" for found in map(as_uuid, address.getlist("reference")) if found]
    return Composer(
        principal=principal,
        project=project,
        typed=typed,
        references=list(dict.fromkeys(references))[:MOST_REFERENCES],
    )


def _generation(principal: Principal, text: str) -> Generation | None:
    wanted = as_uuid(text)
    try:
        return generate.visible(principal, wanted) if wanted else None
    except NotFound:
        return None


def typed_of(old: Generation) -> dict[str, str]:
    """The form as it must have been for this generation; the seed is left to chance."""
    said = {**old.parameters, "prompt": old.prompt}
    typed = {**_START, **{name: _text(said[name]) for name in _PLAIN if said.get(name) is not None}}
    if said.get("width"):
        typed |= {"aspect": EXACT, "width": _text(said["width"]), "height": _text(said["height"])}
    else:
        typed |= {
            "aspect": said.get("aspect_ratio") or _START["aspect"],
            "resolution": said.get("resolution") or _START["resolution"],
        }
    fastest = old.asked_provider == "auto" and old.strategy == "fastest"
    typed["provider"] = FASTEST if fastest else old.asked_provider
    typed.pop("seed", None)
    typed.pop("max_price", None)
    return typed


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def pictures_named(principal: Principal, references: Iterable[str]) -> list[Asset]:
    """``asset:<id>`` texts as the pictures they name, in order."""
    ids = [as_uuid(text.removeprefix("asset:")) for text in references]
    found = Asset.objects.visible_to(principal).kept().in_bulk([wanted for wanted in ids if wanted])
    return [found[wanted] for wanted in ids if wanted in found]
