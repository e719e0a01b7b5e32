"""Rows as JSON: generations, pictures, offers and quotes. Everything is plain text and numbers.

Lists read named tuples instead of model instances, which halves their time; both have the
same attributes, so one function presents either.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.fields.json import KeyTextTransform

from billing.money import dollars
from generations.engine.routing import Quote
from generations.models import Asset, Generation, ReferenceUse
from generations.states import ENDED
from providers.offer import Offer

_GENERATION = (
    "id",
    "status",
    "progress",
    "project_id",
    "user_id",
    "model",
    "provider",
    "asked_provider",
    "strategy",
    "prompt",
    "parameters",
    "metadata",
    "tags",
    "requested",
    "delivered",
    "quoted",
    "charged",
    "error_code",
    "error_message",
    "retry_of_id",
    "sandbox",
    "created_at",
    "finished_at",
)
_ASSET = (
    "id",
    "kind",
    "project_id",
    "user_id",
    "generation_id",
    "name",
    "prompt",
    "provider",
    "model",
    "sha256",
    "bytes",
    "format",
    "width",
    "height",
    "seed",
    "revised_prompt",
    "flagged",
    "sandbox",
    "late",
    "charged",
    "tags",
    "created_at",
    "trashed_at",
    "asked_format",
    "asked_quality",
)


def generation_rows(generations: QuerySet[Generation, Any]) -> QuerySet[Generation, Any]:
    """What ``generations_json`` needs of each, and no more."""
    return generations.values_list(*_GENERATION, named=True)


def asset_rows(assets: QuerySet[Asset, Any]) -> QuerySet[Asset, Any]:
    """What ``asset_json`` needs of each, with the format that its generation asked for."""
    return assets.annotate(
        asked_format=KeyTextTransform("output_format", "generation__parameters"),
        asked_quality=KeyTextTransform("output_quality", "generation__parameters"),
    ).values_list(*_ASSET, named=True)


def generation_json(generation: Generation) -> dict[str, Any]:
    """One generation, with its pictures."""
    return generations_json([generation])[0]


def submitted_json(generation: Generation) -> dict[str, Any]:
    """A generation that was queued just now and cannot have pictures yet."""
    uses = ReferenceUse.objects.filter(generation=generation).values_list("asset_id", flat=True)
    return _generation(generation, [], [f"asset:{asset_id}" for asset_id in uses])


def generations_json(generations: Sequence[Any]) -> list[dict[str, Any]]:
    """Generations with their pictures and references: two more queries, however many there are."""
    ids = [generation.id for generation in generations]
    pictures: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for asset in asset_rows(Asset.objects.kept().filter(generation__in=ids)).order_by("id"):
        pictures[asset.generation_id].append(asset_json(asset))
    references: dict[UUID, list[str]] = defaultdict(list)
    for use, asset_id in (
        ReferenceUse.objects.filter(generation__in=ids)
        .order_by("position")
        .values_list("generation_id", "asset_id")
    ):
        references[use].append(f"asset:{asset_id}")
    return [_generation(row, pictures[row.id], references[row.id]) for row in generations]


def asset_json(row: Any) -> dict[str, Any]:
    """One picture, from ``asset_rows``."""
    return {
        "id": str(row.id),
        "object": "asset",
        "kind": row.kind,
        "project": str(row.project_id),
        "user": str(row.user_id),
        "generation": _id(row.generation_id),
        "url": content_url(row.id, row.format, row.asked_format, row.asked_quality),
        "thumbnail_url": f"{settings.PUBLIC_URL}/api/v1/assets/{row.id}/thumbnail?size=512",
        "width": row.width,
        "height": row.height,
        "format": row.format,
        "bytes": row.bytes,
        "sha256": row.sha256,
        "seed": row.seed,
        "name": row.name,
        "prompt": row.prompt,
        "revised_prompt": row.revised_prompt or None,
        "provider": row.provider or None,
        "model": row.model or None,
        "charged": dollars(row.charged),
        "tags": row.tags,
        "flagged": row.flagged,
        "late": row.late,
        "sandbox": row.sandbox,
        "created_at": stamp(row.created_at),
        "trashed_at": stamp(row.trashed_at),
    }


def content_url(asset_id: UUID, kept: str, asked: str | None, quality: str | int | None) -> str:
    """Where a picture's bytes are: the original's, unless another format was asked of its generation."""
    address = f"{settings.PUBLIC_URL}/api/v1/assets/{asset_id}/content"
    if not asked or asked == kept:
        return address
    wanted = {"format": asked, **({"quality": quality} if quality else {})}
    return f"{address}?{urlencode(wanted)}"


def quote_json(quote: Quote) -> dict[str, Any]:
    """One provider's price for one request, or why it cannot serve it."""
    return {
        "provider": quote.provider,
        "available": quote.open,
        "price": _money(quote.price),
        "unit_price": _money(quote.unit),
        "currency": "USD",
        "images": quote.pictures,
        "calls": list(quote.calls),
        "seconds": round(quote.seconds, 1),
        "measured": quote.measured,
        "reason": quote.reason or None,
        "fields": {name: [text] for name, text in quote.problems.items()},
        "retry_at": stamp(quote.retry_at),
        "sandbox": quote.account is not None and quote.account.sandbox,
    }


def offer_json(offer: Offer, unit: int | None, seconds: float | None) -> dict[str, Any]:
    """One provider's way of selling a model, as data."""
    return {
        "provider": offer.provider,
        "native_model": offer.native_model,
        "price": _money(unit),
        "list_price": dollars(offer.list_price),
        "currency": "USD",
        "capabilities": {
            "seed": offer.seed,
            "negative_prompt": offer.negative_prompt,
            "references": offer.max_references > 0,
            "sequential": offer.max_sequential > 0,
            "safety_check": offer.safety_check,
            "prompt_optimization": sorted(offer.optimizations),
            "delivery": sorted(offer.deliveries),
            "output": sorted(offer.outputs),
            "ttl": offer.ttl_min is not None,
            "upload_urls": offer.uploads,
            "exact_sizes": bool(offer.sizes.exact),
            "sizes": [
                {"aspect_ratio": aspect, "resolution": resolution} for aspect, resolution in offer.sizes.names
            ],
        },
        "limits": {
            "prompt": offer.prompt_max,
            "images_per_call": offer.max_count,
            "references": offer.max_references,
            "sequential": offer.max_sequential,
            "seed": offer.seed_max if offer.seed else None,
        },
        "typical_seconds": round(seconds if seconds is not None else sum(offer.seconds) / 2, 1),
        "measured": seconds is not None,
        "retention_seconds": offer.retention,
        "notes": list(offer.notes),
    }


def stamp(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _generation(row: Any, pictures: list[dict[str, Any]], references: list[str]) -> dict[str, Any]:
    over = row.status in ENDED
    said: Mapping[str, Any] = {"tags": row.tags, "metadata": row.metadata, "references": references}
    took = (row.finished_at - row.created_at).total_seconds() if row.finished_at else None
    return {
        "id": str(row.id),
        "object": "generation",
        "status": row.status,
        "progress": row.progress,
        "project": str(row.project_id),
        "user": str(row.user_id),
        "model": row.model,
        "provider": row.provider,
        "prompt": row.prompt,
        "parameters": {**row.parameters, **{name: value for name, value in said.items() if value}},
        "requested": row.requested,
        "delivered": row.delivered,
        "price": {
            "quoted": dollars(row.quoted),
            "held": dollars(0 if over else row.quoted),
            "charged": dollars(row.charged),
            "currency": "USD",
        },
        "assets": pictures,
        "error": {"code": row.error_code, "message": row.error_message} if row.error_code else None,
        "retry_of": _id(row.retry_of_id),
        "sandbox": row.sandbox,
        "created_at": stamp(row.created_at),
        "finished_at": stamp(row.finished_at),
        "duration_ms": None if took is None else round(took * 1000),
    }


def _id(value: UUID | None) -> str | None:
    return None if value is None else str(value)


def _money(micros: int | None) -> str | None:
    return None if micros is None else dollars(micros)
