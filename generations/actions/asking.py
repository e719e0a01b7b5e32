"""Reading what somebody asks: every field checked, every mistake named, nothing dropped."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from accounts.actions import as_uuid
from accounts.errors import Invalid
from billing.money import micros
from providers import catalog, registry
from providers.values import (
    ASPECTS,
    DELIVERIES,
    FORMATS,
    OPTIMIZATIONS,
    OUTPUTS,
    RESOLUTIONS,
    STRATEGIES,
    ImageRequest,
    Reference,
)

MOST_REFERENCES = 14
PROMPT_MAX = 8_000


@dataclass(frozen=True, slots=True)
class Asked:
    """A checked request. ``max_price`` is micro-dollars for all pictures together."""

    request: ImageRequest
    provider: str = "auto"
    strategy: str = "cheapest"
    project_id: UUID | None = None
    references: tuple[str, ...] = ()
    max_price: int | None = None
    upload_urls: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)


class _Mistakes(dict[str, list[str]]):
    def add(self, name: str, sentence: str) -> None:
        self.setdefault(name, []).append(sentence)


def read(body: Mapping[str, Any]) -> Asked:
    """The body of POST /generations as values. Raises Invalid naming each field and its remedy."""
    mistakes = _Mistakes()
    for name in sorted(set(body) - _KNOWN):
        mistakes.add(str(name), "is not a field of a generation; leave it out.")
    values = {name: reader(name, body.get(name), mistakes) for name, reader in _READERS.items()}
    _together(values, mistakes)
    if mistakes:
        names = ", ".join(mistakes)
        first = next(iter(mistakes.items()))
        raise Invalid(
            f"{first[0]} {first[1][0]}" if len(mistakes) == 1 else f"Check {names}.", fields=mistakes
        )
    placeholders = tuple(Reference(b"", "image/png") for _ in values["references"])
    request = ImageRequest(
        **{name: values[name] for name in _REQUEST_FIELDS},
        references=placeholders,
        upload_url=values["upload_urls"][0] if values["upload_urls"] else None,
    )
    return Asked(
        request=request,
        provider=values["provider"],
        strategy=values["strategy"],
        project_id=values["project"],
        references=values["references"],
        max_price=values["max_price"],
        upload_urls=values["upload_urls"],
        tags=values["tags"],
        metadata=values["metadata"],
        body={name: value for name, value in body.items() if name in _KEPT and value not in (None, [], {})},
    )


def _text(
    name: str, value: Any, mistakes: _Mistakes, *, most: int = PROMPT_MAX, least: int = 1
) -> str | None:
    if not isinstance(value, str):
        mistakes.add(name, "must be text.")
        return None
    value = value.strip()
    if "\x00" in value:
        mistakes.add(name, "must not contain the character NUL; remove it.")
    if len(value) < least:
        mistakes.add(name, "must not be empty.")
    if len(value) > most:
        mistakes.add(name, f"may be at most {most:,} characters; it has {len(value):,}.")
    return value


def _prompt(name: str, value: Any, mistakes: _Mistakes) -> str:
    return _text(name, "" if value is None else value, mistakes) or ""


def _optional_text(name: str, value: Any, mistakes: _Mistakes) -> str | None:
    return None if value is None or value == "" else _text(name, value, mistakes)


def _whole(low: int, high: int, default: int | None = None) -> Callable[[str, Any, _Mistakes], int | None]:
    def reader(name: str, value: Any, mistakes: _Mistakes) -> int | None:
        if value is None or value == "":
            return default
        if isinstance(value, str) and value.lstrip("-").isdecimal() and len(value) < 20:
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            mistakes.add(name, f"must be a whole number from {low} to {high:,}.")
            return default
        return value

    return reader


def _one_of(
    choices: tuple[str, ...], default: str | None = None
) -> Callable[[str, Any, _Mistakes], str | None]:
    def reader(name: str, value: Any, mistakes: _Mistakes) -> str | None:
        if value is None or value == "":
            return default
        if value not in choices:
            mistakes.add(name, f"must be one of {', '.join(choices)}.")
            return default
        return str(value)

    return reader


def _flag(default: bool | None) -> Callable[[str, Any, _Mistakes], bool | None]:
    def reader(name: str, value: Any, mistakes: _Mistakes) -> bool | None:
        if value is None or value == "":
            return default
        if isinstance(value, str) and value.lower() in {"true", "false", "on", "off"}:
            return value.lower() in {"true", "on"}
        if not isinstance(value, bool):
            mistakes.add(name, "must be true or false.")
            return default
        return value

    return reader


def _model(name: str, value: Any, mistakes: _Mistakes) -> str:
    known = tuple(model.id for model in catalog.models())
    if value is None or value == "":
        return known[0]
    if value not in known:
        mistakes.add(name, f"must be one of {', '.join(known)}.")
        return known[0]
    return str(value)


def _project(name: str, value: Any, mistakes: _Mistakes) -> UUID | None:
    if value is None or value == "":
        return None
    found = as_uuid(value) if isinstance(value, str | UUID) else None
    if found is None:
        mistakes.add(name, "must be the id of a project.")
    return found


def _price(name: str, value: Any, mistakes: _Mistakes) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        mistakes.add(name, "must be an amount in US dollars, such as 0.20.")
        return None
    if isinstance(value, float) and not math.isfinite(value):
        mistakes.add(name, "must be an amount in US dollars, such as 0.20.")
        return None
    try:
        amount = micros(str(value))
    except ValueError as error:
        mistakes.add(name, f"{error}.")
        return None
    if amount < 0:
        mistakes.add(name, "must not be negative.")
    return amount


def _texts(most: int, longest: int) -> Callable[[str, Any, _Mistakes], tuple[str, ...]]:
    def reader(name: str, value: Any, mistakes: _Mistakes) -> tuple[str, ...]:
        if value is None or value == "":
            return ()
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            mistakes.add(name, "must be a list of texts.")
            return ()
        if len(value) > most:
            mistakes.add(name, f"may have at most {most} entries.")
        if any(len(item) > longest or "\x00" in item for item in value):
            mistakes.add(name, f"entries may be at most {longest:,} characters.")
        return tuple(item.strip() for item in value if item.strip())

    return reader


def _references(name: str, value: Any, mistakes: _Mistakes) -> tuple[str, ...]:
    found = _texts(MOST_REFERENCES, 20_000_000)(name, value, mistakes)
    for item in found:
        if not item.startswith(("asset:", "data:image/", "https://", "http://")):
            mistakes.add(name, "each must be asset:<id>, a data:image/… URI, or an https:// address.")
            break
    return found


def _upload_urls(name: str, value: Any, mistakes: _Mistakes) -> tuple[str, ...]:
    found = _texts(20, 4_000)(name, value, mistakes)
    if any(urlsplit(item).scheme != "https" or not urlsplit(item).hostname for item in found):
        mistakes.add(name, "each must be an https:// address.")
    return found


def _webhook(name: str, value: Any, mistakes: _Mistakes) -> None:
    if value not in (None, ""):
        mistakes.add(name, "is not offered yet; read the generation, or wait with Prefer: wait=60.")


def _metadata(name: str, value: Any, mistakes: _Mistakes) -> Mapping[str, Any]:
    if value is None or value == "":
        return {}
    if (
        not isinstance(value, dict)
        or len(str(value)) > 16_000
        or "\\u0000" in repr(value).replace("\x00", "\\u0000")
    ):
        mistakes.add(name, "must be an object of at most 16,000 characters.")
        return {}
    return value


def _together(values: dict[str, Any], mistakes: _Mistakes) -> None:
    if (values["width"] is None) != (values["height"] is None):
        mistakes.add("width" if values["width"] is None else "height", "must be given with the other side.")
    if values["width"] is not None and (values["aspect_ratio"] or values["resolution"]):
        mistakes.add("width", "cannot be combined with aspect_ratio or resolution; give one or the other.")
    if values["upload_urls"] and len(values["upload_urls"]) != values["count"]:
        mistakes.add("upload_urls", f"must have one address per picture, {values['count']}.")
    if values["upload_urls"] and values["sequential"]:
        mistakes.add("upload_urls", "cannot be combined with sequential.")


_READERS: dict[str, Callable[[str, Any, _Mistakes], Any]] = {
    "project": _project,
    "model": _model,
    "provider": _one_of(("auto", *registry.ADAPTERS), "auto"),
    "strategy": _one_of(STRATEGIES, "cheapest"),
    "prompt": _prompt,
    "negative_prompt": _optional_text,
    "count": _whole(1, 20, 1),
    "aspect_ratio": _one_of(tuple(ASPECTS)),
    "resolution": _one_of(RESOLUTIONS),
    "width": _whole(1, 16_384),
    "height": _whole(1, 16_384),
    "seed": _whole(0, 2**63 - 1),
    "references": _references,
    "sequential": _whole(1, 15),
    "output_format": _one_of(FORMATS),
    "output_quality": _whole(20, 99),
    "safety_check": _flag(None),
    "prompt_optimization": _one_of(OPTIMIZATIONS),
    "max_price": _price,
    "delivery": _one_of(DELIVERIES),
    "output": _one_of(OUTPUTS),
    "ttl": _whole(60, 31_536_000),
    "include_cost": _flag(True),
    "webhook_url": _webhook,
    "upload_urls": _upload_urls,
    "tags": _texts(50, 100),
    "metadata": _metadata,
}
_KNOWN = frozenset(_READERS)
_KEPT = _KNOWN - {"prompt", "project", "references", "metadata", "tags"}
_REQUEST_FIELDS = (
    "prompt",
    "model",
    "negative_prompt",
    "count",
    "aspect_ratio",
    "resolution",
    "width",
    "height",
    "seed",
    "sequential",
    "output_format",
    "output_quality",
    "safety_check",
    "prompt_optimization",
    "delivery",
    "output",
    "ttl",
    "include_cost",
)
