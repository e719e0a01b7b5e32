"""The list that lies in a download: what each picture is, how it was made and paid, and what is missing."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from accounts.principal import Principal
from billing.money import dollars
from generations.models import Asset, ReferenceUse

_BATCH = 100
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_COLUMNS = (
    "file",
    "missing",
    "id",
    "kind",
    "name",
    "created_at",
    "width",
    "height",
    "format",
    "bytes",
    "sha256",
    "provider",
    "model",
    "seed",
    "prompt",
    "parameters",
    "generation",
    "references",
    "source",
    "relation",
    "retry_of",
    "copied_from",
    "charged",
    "tags",
    "rating",
    "sandbox",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture that was asked for: the file it is in, or why it is in none."""

    asset_id: UUID
    file: str
    missing: str


def as_json(principal: Principal, entries: Sequence[Entry], made: datetime) -> Iterator[bytes]:
    """The whole of it; prices are dollars as decimal strings. ``missing`` says what is not there and why."""
    yield f'{{"object": "archive", "made_at": "{_stamp(made)}", "pictures": ['.encode()
    yield from _listed(principal, [entry for entry in entries if not entry.missing])
    yield b'], "missing": ['
    yield from _listed(principal, [entry for entry in entries if entry.missing])
    yield b"]}\n"


def _listed(principal: Principal, entries: Sequence[Entry]) -> Iterator[bytes]:
    comma = "\n"
    for entry, facts in _known(principal, entries):
        said = {"reason": entry.missing} if entry.missing else {"file": entry.file}
        yield f"{comma}{json.dumps({**said, **facts}, ensure_ascii=False)}".encode()
        comma = ",\n"


def as_csv(principal: Principal, entries: Sequence[Entry]) -> Iterator[bytes]:
    """The same as a table that a spreadsheet opens, in which no cell is ever a formula."""
    yield b"\xef\xbb\xbf" + _line(_COLUMNS)
    for entry, facts in _known(principal, entries):
        row = {"file": entry.file, "missing": entry.missing, **facts, **facts.get("lineage", {})}
        yield _line([_cell(row.get(name)) for name in _COLUMNS])


def _known(principal: Principal, entries: Sequence[Entry]) -> Iterator[tuple[Entry, dict[str, Any]]]:
    """Each entry with what is known of its picture, a hundred at a time."""
    for start in range(0, len(entries), _BATCH):
        part = entries[start : start + _BATCH]
        found = _facts(principal, [entry.asset_id for entry in part])
        for entry in part:
            yield entry, found.get(entry.asset_id, {"id": str(entry.asset_id)})


def _facts(principal: Principal, ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    assets = list(Asset.objects.visible_to(principal).filter(id__in=ids).select_related("generation"))
    references: dict[UUID, list[str]] = defaultdict(list)
    uses = ReferenceUse.objects.filter(generation__in={asset.generation_id for asset in assets})
    for generation_id, asset_id in uses.order_by("position").values_list("generation_id", "asset_id"):
        references[generation_id].append(str(asset_id))
    return {asset.id: _of(asset, references) for asset in assets}


def _of(asset: Asset, references: Mapping[UUID, list[str]]) -> dict[str, Any]:
    made_by = asset.generation
    return {
        "id": str(asset.id),
        "kind": asset.kind,
        "name": asset.name,
        "created_at": _stamp(asset.created_at),
        "width": asset.width,
        "height": asset.height,
        "format": asset.format,
        "bytes": asset.bytes,
        "sha256": asset.sha256,
        "provider": asset.provider or None,
        "model": asset.model or None,
        "seed": asset.seed,
        "prompt": asset.prompt,
        "revised_prompt": asset.revised_prompt or None,
        "parameters": made_by.parameters if made_by else {},
        "charged": dollars(asset.charged),
        "tags": asset.tags,
        "rating": asset.rating,
        "sandbox": asset.sandbox,
        "lineage": {
            "generation": _id(asset.generation_id),
            "references": references.get(made_by.id, []) if made_by else [],
            "source": _id(made_by.source_id) if made_by else None,
            "relation": (made_by.relation or None) if made_by else None,
            "retry_of": _id(made_by.retry_of_id) if made_by else None,
            "copied_from": _id(asset.copied_from_id),
        },
    }


def _line(cells: Sequence[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue().encode()


def _cell(value: object) -> str:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        text = ", ".join(value)
    elif isinstance(value, dict):
        text = json.dumps(value, ensure_ascii=False) if value else ""
    else:
        text = "" if value is None else str(value)
    # What begins like a formula is text for every spreadsheet after an apostrophe.
    return f"'{text}" if text.startswith(_FORMULA) else text


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _id(value: UUID | None) -> str | None:
    return None if value is None else str(value)
