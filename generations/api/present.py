"""Rows as JSON: generations, pictures, offers and quotes. Everything is plain text and numbers.

Lists read named tuples instead of model instances, which halves their time. Pictures, of which
lists are longest, are written as JSON by the database itself, which halves it again.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from accounts import rows
from billing.money import dollars
from generations.engine.routing import Quote
from generations.models import Generation, ReferenceUse, failure
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
    "retry_of_id",
    "source_id",
    "relation",
    "batch_id",
    "sandbox",
    "created_at",
    "finished_at",
)
# The names of the columns are those of the answer, in its order.
_ASSETS = """
SELECT row_to_json(shown)::text FROM (
  SELECT asset.id, 'asset' AS object, kind, asset.project_id AS project, asset.user_id AS "user",
    generation_id AS generation,
    %(at)s::text || asset.id || '/content' || CASE WHEN asked.format <> asset.format
      THEN '?format=' || asked.format || coalesce('&quality=' || asked.quality, '') ELSE '' END AS url,
    %(at)s::text || asset.id || '/thumbnail?size=512' AS thumbnail_url,
    width, height, asset.format, bytes, sha256, asset.seed, name, asset.prompt,
    nullif(revised_prompt, '') AS revised_prompt,
    nullif(asset.provider, '') AS provider, nullif(asset.model, '') AS model,
    to_char(asset.charged / 1000000.0, 'FM999999999990.000999') AS charged,
    asset.tags, rating, favorite_of, copied_from_id AS copied_from, flagged, late, asset.sandbox,
    {created} AS created_at, {trashed} AS trashed_at
  FROM generations_asset AS asset
  LEFT JOIN generations_generation AS generation ON generation.id = asset.generation_id
  LEFT JOIN LATERAL (SELECT nullif(parameters ->> 'output_format', '') AS format,
    nullif(parameters ->> 'output_quality', '') AS quality) AS asked ON true
  WHERE {where}) AS shown
ORDER BY {order}"""
_STAMP = """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
_TIMES = {"created": _STAMP.format("asset.created_at"), "trashed": _STAMP.format("trashed_at")}
_BY_ID = _ASSETS.format(
    where="asset.id = ANY(%(ids)s::uuid[])", order="array_position(%(ids)s::uuid[], shown.id)", **_TIMES
)
_OF_GENERATIONS = _ASSETS.format(
    where="generation_id = ANY(%(ids)s::uuid[]) AND asset.project_id = generation.project_id"
    " AND trashed_at IS NULL",
    order="shown.id",
    **_TIMES,
)


def generation_rows(generations: QuerySet[Generation, Any]) -> QuerySet[Generation, Any]:
    """What ``generations_json`` needs of each, and no more."""
    return generations.values_list(*_GENERATION, named=True)


def generation_json(generation: Generation) -> dict[str, Any]:
    """One generation, with its pictures."""
    return generations_json([generation])[0]


def queued_json(generation: Generation) -> dict[str, Any]:
    """A generation that was queued just now, without references."""
    return _generation(generation, [], [])


def submitted_json(generation: Generation) -> dict[str, Any]:
    """A generation that was queued just now and cannot have pictures yet."""
    uses = ReferenceUse.objects.filter(generation=generation).values_list("asset_id", flat=True)
    return _generation(generation, [], [f"asset:{asset_id}" for asset_id in uses])


def generations_json(generations: Sequence[Any]) -> list[dict[str, Any]]:
    """Generations with their pictures and references: two more queries, however many there are."""
    ids = [generation.id for generation in generations]
    pictures: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for text in _written(_OF_GENERATIONS, ids):
        picture = json.loads(text)
        pictures[UUID(picture["generation"])].append(picture)
    references: dict[UUID, list[str]] = defaultdict(list)
    for use, asset_id in (
        ReferenceUse.objects.filter(generation__in=ids)
        .order_by("position")
        .values_list("generation_id", "asset_id")
    ):
        references[use].append(f"asset:{asset_id}")
    return [_generation(row, pictures[row.id], references[row.id]) for row in generations]


def assets_text(ids: Sequence[UUID]) -> list[str]:
    """Pictures as JSON in this order, by one statement; one that is gone is left out."""
    return _written(_BY_ID, ids)


def assets_json(ids: Sequence[UUID]) -> list[dict[str, Any]]:
    return [json.loads(text) for text in assets_text(ids)]


def _written(sql: str, ids: Sequence[UUID]) -> list[str]:
    values = {"ids": f"{{{','.join(map(str, ids))}}}", "at": f"{settings.PUBLIC_URL}/api/v1/assets/"}
    return [text for (text,) in rows.planned(sql, values)]


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
        "fields": {name: [text] for name, text in quote.said.items()},
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
        "error": {"code": row.error_code, "message": failure(row.error_code)} if row.error_code else None,
        "retry_of": _id(row.retry_of_id),
        "source": _id(row.source_id),
        "relation": row.relation or None,
        "batch": _id(row.batch_id),
        "sandbox": row.sandbox,
        "created_at": stamp(row.created_at),
        "finished_at": stamp(row.finished_at),
        "duration_ms": None if took is None else round(took * 1000),
    }


def in_words(kept: dict[str, Any]) -> dict[str, Any]:
    """A kept answer, with the sentence of its error in the language of whoever reads it now."""
    error = kept.get("error")
    return {**kept, "error": {**error, "message": failure(error["code"])}} if error else kept


def _id(value: UUID | None) -> str | None:
    return None if value is None else str(value)


def _money(micros: int | None) -> str | None:
    return None if micros is None else dollars(micros)
