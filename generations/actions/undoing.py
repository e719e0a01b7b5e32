"""The calls that take a bulk verb back, as bodies for the same verb."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from generations.models import CollectionItem

Calls = list[dict[str, Any]]


def same(ids: Sequence[UUID], body: dict[str, Any]) -> Calls:
    """The same call for all of them."""
    return [{**body, "ids": [str(one) for one in ids]}] if ids else []


def each(ids: Iterable[UUID], body: Callable[[UUID], dict[str, Any]]) -> Calls:
    """One call for all pictures that need the same."""
    calls: dict[str, dict[str, Any]] = {}
    for one in ids:
        call = body(one)
        calls.setdefault(repr(call), {**call, "ids": []})["ids"].append(str(one))
    return list(calls.values())


def collect(items: QuerySet[CollectionItem]) -> Calls:
    """Into the collections in which they are, each where it stands."""
    calls: dict[UUID, dict[str, Any]] = {}
    for collection_id, asset_id, rank in items.values_list("collection_id", "asset_id", "rank"):
        empty = {"verb": "collect", "collection": str(collection_id), "ids": [], "ranks": {}}
        call = calls.setdefault(collection_id, empty)
        call["ids"].append(str(asset_id))
        call["ranks"][str(asset_id)] = rank
    return list(calls.values())
