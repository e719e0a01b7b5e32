"""What older pictures look like: filled in little by little, from their thumbnails."""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack
from pathlib import Path

from generations import imaging
from generations.engine import keeping
from generations.models import Asset
from generations.storage import StorageError, originals

log = logging.getLogger(__name__)
AT_ONCE = 50


def fill(seconds: float = 60.0) -> int:
    """Give pictures without a likeness theirs, the newest first, until time is up; how many were done.

    One whose thumbnail is missing or broken is like no other: it is not tried again and again.
    """
    end, done = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        left = Asset.objects.filter(likeness=None, purged_at=None).order_by("-id")[:AT_ONCE]
        batch = list(left.only("id", "storage_key"))
        if not batch:
            break
        try:
            found = _found(batch)
        except StorageError as error:
            log.warning("likenesses are filled in later: %s", error)
            break
        for asset, likeness in zip(batch, found, strict=True):
            done += Asset.objects.filter(id=asset.id, likeness=None).update(likeness=likeness)
    return done


def _found(batch: list[Asset]) -> list[int]:
    """Where one of them kills the decoder, the others have theirs all the same."""
    try:
        return _likenesses(batch)
    except imaging.Crashed as error:
        if len(batch) > 1:
            return [likeness for asset in batch for likeness in _found([asset])]
        log.warning("asset %s is like no other: %s", batch[0].id, error)
        return [imaging.NOTHING]


def _likenesses(batch: list[Asset]) -> list[int]:
    with ExitStack() as open_files:
        paths: list[Path | None] = []
        for asset in batch:
            try:
                key = asset.derivative_key(min(imaging.SIZES))
                with keeping.where_it_was_kept():
                    paths.append(open_files.enter_context(originals().local_copy(key)))
            except FileNotFoundError:
                paths.append(None)
        there = [path for path in paths if path is not None]
        found = iter(imaging.run_bounded(imaging.likenesses_of, there) if there else [])
        return [imaging.NOTHING if path is None else next(found) for path in paths]
