"""The form that asks for pictures, as values: what was typed, what it would cost, what to mend."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db.models import Q
from django.http import QueryDict

from accounts.actions import as_uuid
from accounts.errors import Invalid, NotFound, Refusal
from accounts.models import Project, Role
from accounts.principal import Principal
from generations.actions import asking, batches, drafting, generate, presets
from generations.actions.asking import MOST_REFERENCES, Asked
from generations.models import Asset, Generation, Preset, Relation
from generations.web import pricing
from providers import catalog
from providers.values import ASPECTS, FORMATS, OPTIMIZATIONS, RESOLUTIONS

EXACT = "exact"
"""The choice of shape that means: the width and height I typed."""
_AS_SHOWN = {"width": "2048", "height": "2048"}  # in its two fields, while they are empty
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
_HIDDEN = ("source", "relation", "preset", "many")
"""What the form carries along: the picture it varies, the preset it began with, and whether it is a batch."""
_TYPED = (*_PLAIN, *_CHOICES, *_HIDDEN)
FOLDED = frozenset(_PLAIN) - {"prompt", "model", "count"}
_BESIDE = {"prompts": "prompt"}
"""Fields of a batch, and the field of the form beside which what is wrong with them is said."""
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
    fresh: bool = False
    """Opened without words in the address: a draft that the browser kept may take its place."""

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
            body |= {name: typed[name] for name in _AS_SHOWN if name in typed} or _AS_SHOWN
        else:
            body |= {"aspect_ratio": typed.get("aspect"), "resolution": typed.get("resolution")}
        auto = typed.get("provider") == FASTEST
        body |= {
            "provider": "auto" if auto else typed.get("provider"),
            "strategy": "fastest" if auto else "cheapest",
            "project": str(self.project.id),
            "references": self.references,
            "source": f"asset:{typed['source']}" if "source" in typed else None,
            "relation": typed.get("relation") if "source" in typed else None,
        }
        return {name: value for name, value in body.items() if value not in (None, [])}

    def read(self) -> Asked:
        """Raises Invalid naming each field that is wrong."""
        return asking.read(self.body)

    @property
    def many(self) -> bool:
        """Whether each line is a prompt of its own, and all of them one batch."""
        return bool(self.typed.get("many"))

    @property
    def batch_body(self) -> dict[str, Any]:
        """As POST /batches would be asked."""
        of_each = {name: value for name, value in self.body.items() if name != "prompt"}
        return {**of_each, "prompts": self.typed.get("prompt", "").splitlines()}

    @cached_property
    def drafts(self) -> tuple[dict[str, Any], int] | None:
        """The body of ten drafts of this, and their price; None if nobody can, or for a batch."""
        if self.many or self.errors:
            return None
        return drafting.drafts({**self.body, "prompt": self.typed.get("prompt", "").strip() or "…"})

    @cached_property
    def presets(self) -> list[Preset]:
        """Mine, and those shared with the project."""
        found = Preset.objects.visible_to(self.principal).kept()
        return list(found.filter(Q(project=None) | Q(project=self.project)).order_by("name", "id"))

    @property
    def preset(self) -> Preset | None:
        """What it began with."""
        return next((one for one in self.presets if str(one.id) == self.typed.get("preset")), None)

    @cached_property
    def rules(self) -> bool:
        """Whether I may say what the project's composer opens with."""
        return Project.objects.where_may(self.principal, Role.OWNER).filter(id=self.project.id).exists()

    @cached_property
    def source(self) -> Asset | None:
        """The picture it varies."""
        return next(iter(pictures_named(self.principal, [self.typed.get("source", "")])), None)

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
        beside = {_BESIDE.get(name, name): texts for name, texts in refusal.fields.items()}
        said = {name: texts for name, texts in beside.items() if name in SLOTS}
        self.errors = said or {"all": [refusal.message]}

    def _priced(self) -> pricing.Prices:
        if self.many:
            return self._priced_as_batch()
        body = {**self.body, "prompt": self.typed.get("prompt", "").strip() or "…"}
        try:
            asked = asking.read(body)
        except Invalid as refusal:
            self.errors = refusal.fields
            rest = {name: value for name, value in body.items() if name not in refusal.fields}
            return pricing.undecided(asking.read({"prompt": "…", **_readable(rest)}))
        return pricing.prices(asked)

    def _priced_as_batch(self) -> pricing.Prices:
        body = self.batch_body
        if not self.typed.get("prompt", "").strip():
            body["prompts"] = ["…"]
        try:
            wanted = batches.read(body)
        except Invalid as refusal:
            self.errors = {_BESIDE.get(name, name): texts for name, texts in refusal.fields.items()}
            return pricing.undecided(asking.read({"prompt": "…"}))
        return pricing.prices(wanted.asked, works=wanted.works)


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
        typed={name: form.get(name, "") for name in _TYPED},
        references=list(dict.fromkeys(form.getlist("references")))[:MOST_REFERENCES],
        token=form.get("token", ""),
    )


def from_address(principal: Principal, project: Project, address: QueryDict) -> Composer:
    """A form filled from ``preset``, ``from`` (a generation to vary), ``reference`` and single fields.

    With nothing of that, the project's default preset.
    """
    said = {name: address.get(name, "") for name in _TYPED if name in address}
    fresh = not set(said) - {"many"} and "from" not in address
    typed, references = dict(_START), list[str]()
    if fresh and (usual := presets.default_of(principal, project)) is not None:
        typed, references = typed_of_preset(principal, usual)
    elif (preset := _preset(principal, said.get("preset", ""))) is not None:
        typed, references = typed_of_preset(principal, preset)
    elif (old := _generation(principal, address.get("from", ""))) is not None:
        typed = typed_of(old)
        references = [f"asset:{use.asset_id}" for use in old.reference_uses.all()]
        made = list(Asset.objects.made_by([old]).values_list("id", flat=True)[:2])
        if len(made) == 1:
            typed |= {"source": str(made[0]), "relation": Relation.VARY.value}
    typed |= said
    if typed.get("source") and not typed.get("relation"):
        typed["relation"] = Relation.VARY.value
    references += [f"asset:{found}" for found in map(as_uuid, address.getlist("reference")) if found]
    return Composer(
        principal=principal,
        project=project,
        typed=typed,
        references=list(dict.fromkeys(references))[:MOST_REFERENCES],
        fresh=fresh,
    )


def with_preset(form: Composer, preset: Preset) -> Composer:
    """The preset's whole set-up; what was typed as prompt, and the references, stay where it has none."""
    typed, references = typed_of_preset(form.principal, preset)
    if "prompt" not in preset.body:
        typed["prompt"] = form.typed.get("prompt", "")
    typed |= {name: form.typed.get(name, "") for name in ("source", "relation", "many")}
    return Composer(form.principal, form.project, typed, references or form.references)


def _preset(principal: Principal, text: str) -> Preset | None:
    wanted = as_uuid(text)
    try:
        return presets.visible(principal, wanted) if wanted else None
    except NotFound:
        return None


def _generation(principal: Principal, text: str) -> Generation | None:
    wanted = as_uuid(text)
    try:
        return generate.visible(principal, wanted) if wanted else None
    except NotFound:
        return None


def typed_of(old: Generation) -> dict[str, str]:
    """The form as it must have been for this generation; the seed is left to chance."""
    said = {**old.parameters, "prompt": old.prompt}
    typed = _typed_of({**said, "provider": old.asked_provider, "strategy": old.strategy})
    typed.pop("seed", None)
    typed.pop("max_price", None)
    return typed


def typed_of_preset(principal: Principal, preset: Preset) -> tuple[dict[str, str], list[str]]:
    """The form as it was when the preset was kept, and its references, as far as I may see them."""
    body = presets.body_of(principal, preset)
    return {**_typed_of(body), "preset": str(preset.id)}, list(body["references"])


def _typed_of(said: Mapping[str, Any]) -> dict[str, str]:
    typed = {**_START, **{name: _text(said[name]) for name in _PLAIN if said.get(name) is not None}}
    if said.get("width"):
        typed |= {"aspect": EXACT, "width": _text(said["width"]), "height": _text(said["height"])}
    else:
        typed |= {
            "aspect": said.get("aspect_ratio") or _START["aspect"],
            "resolution": said.get("resolution") or _START["resolution"],
        }
    provider = str(said.get("provider") or "auto")
    typed["provider"] = FASTEST if provider == "auto" and said.get("strategy") == "fastest" else provider
    return typed


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def pictures_named(principal: Principal, references: Iterable[str]) -> list[Asset]:
    """``asset:<id>`` texts as the pictures they name, in order."""
    ids = [as_uuid(text.removeprefix("asset:")) for text in references]
    found = Asset.objects.visible_to(principal).kept().in_bulk([wanted for wanted in ids if wanted])
    return [found[wanted] for wanted in ids if wanted in found]
