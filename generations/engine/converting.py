"""Pictures in other formats and sizes: made once, kept while they are used, within a limit.

Nothing is lost when one goes: it is made again from its original.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta

from django.db.models import Sum
from django.db.models.functions import Now
from django.utils import timezone

from accounts import rows
from generations import imaging
from generations.engine import keeping, origins
from generations.imaging.provenance import VERSION
from generations.models import Asset, Conversion, converted_key
from generations.storage import StorageError, originals

log = logging.getLogger(__name__)
UNUSED = timedelta(days=14)
MOST_BYTES = 5 * 1024**3
_AT_ONCE = 100
_DAY = timedelta(days=1)


def key_of(asset: Asset, kind: str, quality: int | None, size: int | None = None) -> str:
    """Its key, whether or not it exists yet; it differs with the project's setting for prompts."""
    told = asset.project.prompts_in_pictures
    return converted_key(asset.storage_key, kind, quality, size, VERSION, prompt=told)


def converted(asset: Asset, kind: str, quality: int | None, size: int | None = None) -> str:
    """The key of the picture in a format, at most ``size`` pixels a side, made if it is not there.

    Raises imaging.Rejected, imaging.Crashed, FileNotFoundError (no original) and what storage raises.
    """
    store, key = originals(), key_of(asset, kind, quality, size)
    if store.exists(key):
        Conversion.objects.filter(key=key, used_at__lt=timezone.now() - _DAY).update(used_at=Now())
        return key
    origin = origins.origin_of(asset, prompt=asset.project.prompts_in_pictures)
    rows.give_back()  # pictures are decoded a few at a time, and the rest wait
    with store.local_copy(asset.storage_key) as path, keeping.scratch() as folder:
        out = folder / "converted"
        made = imaging.run_bounded(imaging.convert, path, kind, quality, out, origin, size)
        row = Conversion(asset=asset, key=key, bytes=made.stat().st_size)
        Conversion.objects.bulk_create([row], ignore_conflicts=True)
        store.replace(key, made, imaging.MEDIA_TYPES[kind])
    _make_room()
    return key


def forget(asset: Asset) -> None:
    """Remove every conversion of a picture. Raises what storage raises."""
    _remove(Conversion.objects.filter(asset=asset))


def tidy() -> None:
    """Remove what nobody wanted for two weeks."""
    _remove(Conversion.objects.filter(used_at__lt=timezone.now() - UNUSED).order_by("used_at")[:5_000])


def _make_room() -> None:
    """Remove those that were not used for longest, if all together are too many."""
    over = (Conversion.objects.aggregate(all=Sum("bytes"))["all"] or 0) - MOST_BYTES
    if over <= 0:
        return
    doomed = []
    for one in Conversion.objects.order_by("used_at", "id")[:_AT_ONCE]:
        doomed.append(one)
        over -= one.bytes
        if over <= 0:
            break
    try:
        _remove(doomed)
    except StorageError as error:
        log.warning("old conversions stay for now: %s", error)


def _remove(doomed: Iterable[Conversion]) -> None:
    """Each object first: what is interrupted goes on from the rows. Not while the store is away."""
    keeping.see_the_mark()
    store = originals()
    for row in doomed:
        store.delete(row.key)
        row.delete()
