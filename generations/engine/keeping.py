"""Putting pictures into storage: the original as it came, and what is derived from it."""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings

from generations import imaging
from generations.imaging import Origin, Picture
from generations.models import Asset, derivative_key
from generations.storage import StorageError, StorageUnavailable, originals
from generations.storage.store import MARKER
from providers.values import Reference

log = logging.getLogger(__name__)
_SENDABLE = {"png", "jpeg", "webp"}
_marked: set[Path] = set()
"""The marks that this process has seen."""


_SCRATCH = "seedbank-"
"""What the names of our folders there begin with: others may share the place."""
LEFT_BEHIND = 24 * 3600.0
"""Seconds; nobody works on one picture for so long."""


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that is gone afterwards, or, if this process is killed, within a day."""
    place = settings.SCRATCH_DIR
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=place, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def tidy_scratch() -> None:
    """Remove what killed processes left on this machine."""
    before = time.time() - LEFT_BEHIND
    with suppress(OSError):
        for folder in settings.SCRATCH_DIR.glob(f"{_SCRATCH}*"):
            with suppress(OSError):
                if folder.stat().st_mtime < before:
                    shutil.rmtree(folder)


def keep_original(path: Path, key: str, sha256: str) -> None:
    """Write an original as it came, and read it back. Raises what storage raises."""
    see_the_mark()
    with path.open("rb") as file:
        kind = imaging.sniff(file.read(imaging.HEAD_BYTES))
    originals().put(key, path, sha256, f"image/{kind}" if kind else "application/octet-stream")


def see_the_mark() -> None:
    """Check that a folder which bore a mark still bears it. Raises StorageUnavailable.

    Where a disk was mounted and is no more, an empty folder is left: nothing that is missing there is
    lost, and whatever were written there would be hidden by the disk that comes back.
    """
    mark = originals().local_path(MARKER)
    if mark is None:
        return
    try:
        found = mark.exists()
    except OSError as error:
        raise StorageUnavailable(error.strerror or type(error).__name__) from error
    if found:
        _marked.add(mark)
    elif mark in _marked:
        raise StorageUnavailable("The folder of pictures has lost its mark, as if its disk were not mounted.")


@contextmanager
def where_it_was_kept() -> Iterator[None]:
    """What is not found in the block is gone. Raises StorageUnavailable if the whole store is away."""
    try:
        yield
    except FileNotFoundError:
        see_the_mark()
        raise


def put_aside(key: str) -> None:
    """Take a rejected original away from its key; staff may look at it for seven days."""
    try:
        originals().quarantine(key)
    except (StorageError, FileNotFoundError) as error:
        log.warning("a rejected original stays where it is: %s", error)


def inspect_and_keep(
    path: Path, key: str, sha256: str, *, original: bool, origin: Origin | None = None
) -> Picture:
    """Decode once in a bounded child: check, measure, and keep the smaller pictures.

    With ``original`` the file itself is kept as well; ``origin`` is what the smaller ones say of
    themselves. Raises imaging.Rejected, imaging.Crashed and what storage raises.
    """
    with scratch() as folder:
        picture = imaging.run_bounded(imaging.inspect_and_derive, path, folder, origin)
        if original:
            keep_original(path, key, sha256)
        for size, file in picture.derivatives.items():
            originals().replace(derivative_key(key, size), file, "image/webp")
    return picture


def delete(key: str) -> None:
    """Delete the smaller pictures, then the original. Twice changes nothing. Raises what storage raises.

    Not while the store is away: what is deleted nowhere would be there again when it is back.
    """
    see_the_mark()
    for size in imaging.SIZES:
        originals().delete(derivative_key(key, size))
    originals().delete(key)


def read_reference(asset: Asset) -> Reference:
    """A library picture as a provider may have it: no place in its metadata, a format all of them take.

    Raises imaging.Rejected, imaging.Crashed, and what storage raises.
    """
    with where_it_was_kept(), originals().local_copy(asset.storage_key) as path, scratch() as folder:
        if asset.format not in _SENDABLE:
            sent = imaging.run_bounded(imaging.convert, path, "png", None, folder / "reference")
            return Reference(sent.read_bytes(), "image/png", (asset.width, asset.height))
        sent = imaging.run_bounded(imaging.strip_location, path, folder / "reference")
        return Reference(sent.read_bytes(), asset.media_type, (asset.width, asset.height))
