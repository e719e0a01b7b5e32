"""OpenAI's words as ours. What it knows and we cannot honour is refused; what changes nothing is taken."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from accounts.errors import Invalid, NotFound, wrong
from generations.actions import asking
from generations.actions.asking import Asked
from providers import catalog, registry
from providers.offer import SEEDREAM_SIZES

_SIZE = re.compile(r"([0-9]{1,5})x([0-9]{1,5})")
_SIZES = ", ".join(f"{width}x{height}" for width, height in SEEDREAM_SIZES.values())
_FORMATS = ("url", "b64_json")

# Parameters that change nothing here, with the values that ask for nothing we cannot give.
_WITHOUT_EFFECT: Mapping[str, frozenset[str]] = {
    "quality": frozenset({"auto", "standard", "hd", "low", "medium", "high"}),
    "style": frozenset({"vivid", "natural"}),
    "background": frozenset({"auto", "opaque"}),
    "moderation": frozenset({"auto", "low"}),
    "input_fidelity": frozenset({"high", "low"}),
    "stream": frozenset({"false"}),
    "partial_images": frozenset({"0"}),
}
_READ = {"prompt", "model", "n", "size", "response_format", "user", "output_format", "output_compression"}
_IMAGES = {"image", "image[]", "images", "mask"}
_OURS = frozenset(
    {"seed", "negative_prompt", "aspect_ratio", "resolution", "project", "strategy", "max_price"}
    | {"safety_check", "prompt_optimization", "sequential", "tags"}
)
"""Fields of a generation that may be sent along, for instance as the SDK's ``extra_body``."""
_THEIR_NAMES = {
    "count": "n",
    "width": "size",
    "height": "size",
    "output_quality": "output_compression",
    "references": "image",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """A checked request, and whether links or the bytes themselves are wanted."""

    asked: Asked
    inline: bool


def read(sent: Mapping[str, Any], references: list[str] | None = None) -> Wish:
    """A body of /v1/images/*. ``references`` is given for edits. Raises Invalid, NotFound."""
    known = _READ | set(_WITHOUT_EFFECT) | _OURS | (_IMAGES if references is not None else set())
    given = {name: value for name, value in sent.items() if value is not None and value != ""}
    for name in given:
        if name not in known:
            raise wrong(
                name, _("is not a parameter of this request; leave it out."), code="unknown_parameter"
            )
    for name, harmless in _WITHOUT_EFFECT.items():
        if name in given and str(given[name]).lower() not in harmless:
            raise wrong(name, _("can only be %(known)s here.") % {"known": _(" or ").join(sorted(harmless))})
    if given.get("response_format", "url") not in _FORMATS:
        raise wrong("response_format", _("must be %(known)s.") % {"known": _(" or ").join(_FORMATS)})
    body = {name: given[name] for name in _OURS & set(given)}
    body |= {"prompt": given.get("prompt"), "references": references or []}
    body |= _model(given.get("model")) | _size(given.get("size")) | _output(given)
    body["count"] = given.get("n", 1)
    if "user" in given:
        body["metadata"] = {"user": str(given["user"])[:500]}
    with in_their_words():
        return Wish(asking.read(body), given.get("response_format") == "b64_json")


def model_id(name: str) -> tuple[str, str]:
    """``model`` or ``model@provider`` as model and provider. Raises NotFound."""
    model, at, provider = name.partition("@")
    known = {offered.id for offered in catalog.models()}
    if model not in known or (at and provider not in registry.ADAPTERS):
        raise NotFound(
            _(
                "The model %(name)s does not exist; known are %(known)s, "
                "each also as model@provider with %(providers)s."
            )
            % {"name": name, "known": ", ".join(sorted(known)), "providers": ", ".join(registry.ADAPTERS)},
            code="model_not_found",
            fields={"model": [_("Unknown model.")]},
        )
    return model, provider or "auto"


def _model(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, str):
        raise wrong("model", _("must be text."))
    model, provider = model_id(value)
    return {"model": model, "provider": provider}


def _size(value: Any) -> dict[str, Any]:
    if value is None or value == "auto":
        return {}
    found = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise wrong("size", _("must be auto, or width and height in pixels such as 2048x2048."))
    return {"width": int(found[1]), "height": int(found[2])}


def _output(given: Mapping[str, Any]) -> dict[str, Any]:
    """Their compression runs from 0 to 100 and is the quality; ours from 20 to 99."""
    found = {"output_format": given["output_format"]} if "output_format" in given else {}
    if "output_compression" in given:
        text = str(given["output_compression"])
        if not (text.isascii() and text.isdecimal()) or len(text) > 3 or int(text) > 100:
            raise wrong("output_compression", _("must be a whole number from 0 to 100."))
        found["output_quality"] = max(20, min(99, int(text)))
    return found


@contextmanager
def in_their_words() -> Iterator[None]:
    """What is wrong with a field of ours is said of theirs."""
    try:
        yield
    except Invalid as error:
        fields = {_THEIR_NAMES.get(name, name): said for name, said in error.fields.items()}
        if "size" in fields and error.code == "unsupported":
            fields["size"] = [_("is made nowhere here; take auto, or one of %(sizes)s.") % {"sizes": _SIZES}]
        sentences = "; ".join(f"{name} {sentence}" for name, said in fields.items() for sentence in said)
        raise Invalid(sentences or error.message, code=error.code, fields=fields) from None
