"""Putting pictures into storage: the original as it came, and what is derived from it."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from generations import imaging
from generations.imaging import Picture
from generations.models import Asset, derivative_key
from generations.storage import StorageError, originals
from providers.values import Reference

log = logging.getLogger(__name__)
_SENDABLE = {"png", "jpeg", "webp"}


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    settings.SCRATCH_DIR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.SCRATCH_DIR, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def keep_original(path: Path, key: str, sha256: str) -> None:
    """Write an original as it came, and read it back. Raises what storage raises."""
    with path.open("rb") as file:
        kind = imaging.sniff(file.read(imaging.HEAD_BYTES))
    originals().put(key, path, sha256, f"image/{kind}" if kind else "application/octet-stream")


def put_aside(key: str) -> None:
    """Take a rejected original away from its key; staff may look at it for seven days."""
    try:
        originals().quarantine(key)
    except (StorageError, FileNotFoundError) as error:
        log.warning("a rejected original stays where it is: %s", error)


def inspect_and_keep(path: Path, key: str, sha256: str, *, original: bool) -> Picture:
    """Decode once in a bounded child: check, measure, and keep the smaller pictures.

    With ``original`` the file itself is kept as well. Raises imaging.Rejected, imaging.Crashed
    and what storage raises.
    """
    with scratch() as folder:
        picture = imaging.run_bounded(imaging.inspect_and_derive, path, folder)
        if original:
            keep_original(path, key, sha256)
        for size, file in picture.derivatives.items():
            originals().replace(derivative_key(key, size), file, "image/webp")
    return picture


def read_reference(asset: Asset) -> Reference:
    """A library picture as a provider may have it: no place in its metadata, a format all of them take."""
    with originals().local_copy(asset.storage_key) as path, scratch() as folder:
        if asset.format not in _SENDABLE:
            sent = imaging.run_bounded(imaging.convert, path, "png", None, folder / "reference")
            return Reference(sent.read_bytes(), "image/png")
        sent = imaging.run_bounded(imaging.strip_location, path, folder / "reference")
        return Reference(sent.read_bytes(), asset.media_type)
