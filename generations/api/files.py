"""Handing over bytes of pictures: a link to the store where it gives links, else the file itself."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from django.conf import settings
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header

from accounts.errors import Invalid
from generations import imaging
from generations.engine import keeping
from generations.models import Asset
from generations.storage import StorageUnavailable, Store, originals

FOR_EVER = "private, max-age=31536000, immutable"
LINK_SECONDS = 300
FORMATS = tuple(imaging.MEDIA_TYPES)
_CHUNK = 1 << 18
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})$")


def original(request: HttpRequest, asset: Asset) -> HttpResponseBase:
    """The picture as it came. Raises StorageUnavailable."""
    return _kept(request, originals(), asset.storage_key, asset.sha256, asset.format, file_name(asset))


def converted(request: HttpRequest, asset: Asset, kind: str, quality: int | None) -> HttpResponseBase:
    """The picture in another format, made now from the original. Raises Invalid, StorageUnavailable."""
    tag = f"{asset.sha256}-{kind}-{quality or ''}"
    if unchanged := get_conditional_response(request, etag=f'"{tag}"'):
        return unchanged
    return _stream(request, as_file(asset, kind, quality), tag, kind, file_name(asset, kind))


def thumbnail(request: HttpRequest, asset: Asset, size: int) -> HttpResponseBase:
    """A WebP of at most ``size`` pixels a side; made again if it is missing. Raises StorageUnavailable."""
    store, key = originals(), asset.derivative_key(size)
    if not store.exists(key):
        try:
            with store.local_copy(asset.storage_key) as path:
                keeping.inspect_and_keep(path, asset.storage_key, asset.sha256, original=False)
        except FileNotFoundError:
            raise StorageUnavailable("the original is missing") from None
    name = file_name(asset, "webp")
    return _kept(request, store, key, f"{asset.sha256}-{size}", "webp", name)


def as_file(asset: Asset, kind: str | None, quality: int | None) -> IO[bytes]:
    """The picture in a format, open at its start. Raises Invalid, StorageUnavailable."""
    try:
        if kind is None or (kind == asset.format and quality is None):
            return originals().read(asset.storage_key)
        with originals().local_copy(asset.storage_key) as path:
            return _convert(path, kind, quality)
    except FileNotFoundError:
        raise StorageUnavailable("the original is missing") from None


def file_name(asset: Asset, kind: str | None = None) -> str:
    """What a browser calls the file it saves."""
    stem = asset.name.rpartition(".")[0] or asset.name or asset.prompt
    words = re.sub(r"[^\w -]+", " ", stem).split()
    return f"{'-'.join(words)[:60] or asset.id}.{imaging.EXTENSIONS[kind or asset.format]}"


def _convert(path: Path, kind: str, quality: int | None) -> IO[bytes]:
    settings.SCRATCH_DIR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.SCRATCH_DIR) as folder:
        try:
            made = imaging.run_bounded(imaging.convert, path, kind, quality, Path(folder) / "converted")
        except imaging.Rejected as error:
            sentence = f"cannot be {kind}: the picture {imaging.explain(error.reason)}"
            raise Invalid(f"format {sentence}", fields={"format": [sentence]}) from None
        return made.open("rb")  # the file outlives its folder for as long as it is open


def _kept(request: HttpRequest, store: Store, key: str, tag: str, kind: str, name: str) -> HttpResponseBase:
    link = store.signed_link(key, LINK_SECONDS, name, imaging.MEDIA_TYPES[kind])
    if link is not None:
        headers = {"Cache-Control": f"private, max-age={LINK_SECONDS - 60}", "Referrer-Policy": "no-referrer"}
        return HttpResponseRedirect(link, headers=headers)
    if unchanged := get_conditional_response(request, etag=f'"{tag}"'):
        return unchanged
    try:
        file = store.read(key)
    except FileNotFoundError:
        raise StorageUnavailable("the original is missing") from None
    return _stream(request, file, tag, kind, name)


def _stream(request: HttpRequest, file: IO[bytes], tag: str, kind: str, name: str) -> HttpResponseBase:
    size = os.fstat(file.fileno()).st_size
    headers = {
        "ETag": f'"{tag}"',
        "Accept-Ranges": "bytes",
        "Cache-Control": FOR_EVER,
        "Content-Disposition": content_disposition_header(False, name) or "inline",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    part = _range(request, tag, size)
    if part is not None and part[0] >= part[1]:
        file.close()
        return HttpResponse(status=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    start, end = part or (0, size)
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    headers["Content-Length"] = str(end - start)
    if request.method == "HEAD":
        file.close()
        return HttpResponse(content_type=imaging.MEDIA_TYPES[kind], headers=headers)
    status = 200 if part is None else 206
    return StreamingHttpResponse(
        _File(file, start, end), status=status, content_type=imaging.MEDIA_TYPES[kind], headers=headers
    )


def _range(request: HttpRequest, tag: str, size: int) -> tuple[int, int] | None:
    """The one range asked for, as start and end; None for the whole; empty where it lies outside.

    Several ranges, and what cannot be read, are answered with the whole file (RFC 9110, 14.2).
    """
    asked = _RANGE.match(request.headers.get("Range", ""))
    guard = request.headers.get("If-Range")
    if asked is None or request.method != "GET" or (guard is not None and guard != f'"{tag}"'):
        return None
    first, last = asked[1], asked[2]
    if not first and not last:
        return None
    if not first:
        return max(0, size - int(last)), size if int(last) else 0
    start, end = int(first), min(int(last) + 1 if last else size, size)
    if last and int(last) < start:
        return None
    return (start, end) if start < size else (size, size)


class _File:
    """Part of an open file, closed with the response."""

    def __init__(self, file: IO[bytes], start: int, end: int) -> None:
        self._file = file
        self._left = end - start
        file.seek(start)

    def __iter__(self) -> Iterator[bytes]:
        while self._left and (chunk := self._file.read(min(_CHUNK, self._left))):
            self._left -= len(chunk)
            yield chunk

    def close(self) -> None:
        self._file.close()
