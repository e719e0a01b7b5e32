"""Where a picture came from, as the files that are made of it say."""

from __future__ import annotations

from uuid import UUID

from generations.imaging import Origin
from generations.imaging.provenance import EDITED, MADE
from generations.models import Asset, AssetKind, Generation, ReferenceUse

_MOST_COPIES = 20


def made_by(generation: Generation, asset_id: UUID, *, sandbox: bool) -> Origin:
    """Of a picture that this generation makes."""
    edited = ReferenceUse.objects.filter(generation=generation).exists()
    source = EDITED if edited else MADE
    return Origin(str(asset_id), source, str(generation.id), generation.model, sandbox=sandbox)


def origin_of(asset: Asset, *, prompt: bool = False) -> Origin:
    """Of a picture of the library, with what was asked for if it may be told.

    An upload's own word for how it came about stays; of a copy, it is what its first original was.
    """
    if asset.kind != AssetKind.GENERATED:
        return Origin(str(asset.id))
    first = asset
    for _ in range(_MOST_COPIES):
        if first.generation_id or first.copied_from is None:
            break
        first = first.copied_from
    edited = (
        ReferenceUse.objects.filter(generation=first.generation_id).exists() if first.generation_id else False
    )
    return Origin(
        str(asset.id),
        EDITED if edited else MADE,
        str(first.generation_id or ""),
        asset.model,
        asset.prompt if prompt else "",
        asset.sandbox,
    )
