"""Reading what somebody asks: every field checked, every mistake named, nothing dropped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.texts import sayable
from generations.actions import fields
from generations.actions.fields import Mistakes, Reader
from generations.models import Relation
from providers import registry
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


@dataclass(frozen=True, slots=True)
class Asked:
    """A checked request. ``max_price`` is micro-dollars for all pictures together.

    ``source`` is the picture it sets out from, and ``relation`` what it is to that picture.
    """

    request: ImageRequest
    provider: str = "auto"
    strategy: str = "cheapest"
    project_id: UUID | None = None
    references: tuple[str, ...] = ()
    max_price: int | None = None
    upload_urls: tuple[str, ...] = ()
    source: UUID | None = None
    relation: str = ""
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)


def read(body: Mapping[str, Any]) -> Asked:
    """The body of POST /generations as values. Raises Invalid naming each field and its remedy."""
    mistakes = Mistakes()
    for name in sorted(set(map(str, body)) - _KNOWN):
        mistakes.add(sayable(name), _("is not a field of a generation; leave it out."))
    values = {name: reader(name, body.get(name), mistakes) for name, reader in _READERS.items()}
    _together(values, mistakes)
    mistakes.refuse()
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
        source=values["source"],
        relation=values["relation"] or (Relation.VARY if values["source"] else ""),
        tags=values["tags"],
        metadata=values["metadata"],
        body={name: value for name, value in body.items() if name in _KEPT and value not in (None, [], {})},
    )


def _together(values: dict[str, Any], mistakes: Mistakes) -> None:
    missing = [side for side in ("width", "height") if values[side] is None]
    if len(missing) == 1 and missing[0] not in mistakes:  # given and wrong is not missing
        mistakes.add(missing[0], _("must be given with the other side."))
    if values["width"] is not None and (values["aspect_ratio"] or values["resolution"]):
        mistakes.add("width", _("cannot be combined with aspect_ratio or resolution; give one or the other."))
    if values["upload_urls"] and len(values["upload_urls"]) != values["count"]:
        mistakes.add(
            "upload_urls", _("must have one address per picture, %(count)s.") % {"count": values["count"]}
        )
    if values["relation"] and not values["source"]:
        mistakes.add("relation", _("says what this is to a source; give source, or leave it out."))
    if values["upload_urls"] and values["sequential"]:
        mistakes.add("upload_urls", _("cannot be combined with sequential."))


_READERS: dict[str, Reader[Any]] = {
    "project": fields.project,
    "model": fields.model,
    "provider": fields.one_of(("auto", *registry.ADAPTERS), "auto"),
    "strategy": fields.one_of(STRATEGIES, "cheapest"),
    "prompt": fields.prompt,
    "negative_prompt": fields.optional_text,
    "count": fields.whole(1, 20, 1),
    "aspect_ratio": fields.one_of(tuple(ASPECTS)),
    "resolution": fields.one_of(RESOLUTIONS),
    "width": fields.whole(1, 16_384),
    "height": fields.whole(1, 16_384),
    "seed": fields.whole(0, 2**63 - 1),
    "references": fields.references(MOST_REFERENCES),
    "sequential": fields.whole(1, 15),
    "output_format": fields.one_of(FORMATS),
    "output_quality": fields.whole(20, 99),
    "safety_check": fields.flag(None),
    "prompt_optimization": fields.one_of(OPTIMIZATIONS),
    "max_price": fields.price,
    "delivery": fields.one_of(DELIVERIES),
    "output": fields.one_of(OUTPUTS),
    "ttl": fields.whole(60, 31_536_000),
    "include_cost": fields.flag(True),
    "webhook_url": fields.webhook,
    "upload_urls": fields.upload_urls,
    "source": fields.asset,
    "relation": fields.one_of(tuple(Relation.values)),
    "tags": fields.texts(50, 100),
    "metadata": fields.metadata,
}
_KNOWN = frozenset(_READERS)
_KEPT = _KNOWN - {"prompt", "project", "references", "metadata", "tags", "source", "relation", "upload_urls"}
"""What the generation shows as its parameters. An upload address is not among them, as whoever has it may
write there: only the submission that is sent has it, and asking again does not write there again."""
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
