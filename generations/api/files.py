"""Handing over bytes of pictures: a link to the store where it gives links, else the file itself."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import IO

from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from accounts import rows
from accounts.errors import wrong
from generations import imaging
from generations.actions.archiving import file_name
from generations.engine import converting, keeping, origins
from generations.models import Asset
from generations.storage import StorageUnavailable, Store, originals

FOR_EVER = "private, max-age=31536000, immutable"
ASKED_AGAIN = "private, no-cache"
LINK_SECONDS = 300
FORMATS = tuple(imaging.MEDIA_TYPES)
SIZES = (512, 1024, 2048)
"""Pixels of the longer side, for whoever wants a smaller one in a format."""
_CHUNK = 1 << 18
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})$")


def original(request: HttpRequest, asset: Asset, *, saved: bool = False) -> HttpResponseBase:
    """The picture as it came, to be shown or ``saved``. Raises StorageUnavailable."""
    name = file_name(asset)
    return _kept(request, originals(), asset.storage_key, asset.sha256, asset.format, name, saved=saved)


def converted(
    request: HttpRequest,
    asset: Asset,
    kind: str,
    quality: int | None,
    size: int | None = None,
    *,
    saved: bool = False,
) -> HttpResponseBase:
    """The picture in another format or size, made from the original once. Raises Invalid, StorageUnavailable.

    It says where it came from, and what was asked for as long as its project lets it.
    """
    tag = converting.key_of(asset, kind, quality, size).rpartition("/")[2]
    if known := _known(request, tag, ASKED_AGAIN):
        return known
    key = _converted(asset, kind, quality, size)
    name = file_name(asset, kind)
    return _kept(request, originals(), key, tag, kind, name, saved=saved, caching=ASKED_AGAIN)


def thumbnail(request: HttpRequest, asset: Asset, size: int, *, saved: bool = False) -> HttpResponseBase:
    """A WebP of at most ``size`` pixels a side; made again if it is missing. Raises StorageUnavailable."""
    store = originals()
    key, tag = _derivative(store, asset, size), f"{asset.sha256}-{size}"
    return _kept(request, store, key, tag, "webp", file_name(asset, "webp"), saved=saved)


def handed(
    request: HttpRequest, asset: Asset, size: int | None, tag: str, *, saved: bool = False
) -> HttpResponseBase:
    """The picture, or a derivative of it, to somebody who may know nothing else of it.

    Such a derivative says how it came about, and not which picture it is. From our own hand, under a
    name that says nothing: a link to the store would name the project, and outlive a revocation.
    Raises StorageUnavailable.
    """
    store = originals()
    if known := _known(request, tag, ASKED_AGAIN):
        return known
    kind = asset.format if size is None else "webp"
    key = asset.storage_key if size is None else _derivative(store, asset, size)
    with _expected():
        file = store.read(key)
    if size is not None:
        with file:
            file = BytesIO(imaging.nameless(file.read()))
    name = f"picture.{imaging.EXTENSIONS[kind]}"
    return _stream(request, file, tag, kind, name, saved=saved, caching=ASKED_AGAIN)


def as_file(asset: Asset, kind: str | None, quality: int | None) -> IO[bytes]:
    """The picture in a format, open at its start. Raises Invalid, StorageUnavailable."""
    with _expected():
        if kind is None or (kind == asset.format and quality is None):
            return originals().read(asset.storage_key)
        return originals().read(_converted(asset, kind, quality))


def _converted(asset: Asset, kind: str, quality: int | None, size: int | None = None) -> str:
    try:
        with _expected():
            return converting.converted(asset, kind, quality, size)
    except imaging.Rejected as error:
        sentence = _("cannot be %(kind)s: the picture %(problem)s") % {
            "kind": kind,
            "problem": _(imaging.explain(error.reason)),
        }
        raise wrong("format", sentence) from None


def _derivative(store: Store, asset: Asset, size: int) -> str:
    """The key of a smaller one, which is made again if it is missing."""
    key = asset.derivative_key(size)
    if not store.exists(key):
        origin = origins.origin_of(asset)
        try:
            with _expected(), store.local_copy(asset.storage_key) as path:
                keeping.inspect_and_keep(path, asset.storage_key, asset.sha256, original=False, origin=origin)
        except imaging.Rejected:  # it was a picture when it was kept
            raise StorageUnavailable("the original is damaged") from None
    return key


@contextmanager
def _expected() -> Iterator[None]:
    """A file that its row promises and the store has not, may be there again later."""
    try:
        yield
    except FileNotFoundError:
        raise StorageUnavailable("the original is missing") from None


def _kept(
    request: HttpRequest,
    store: Store,
    key: str,
    tag: str,
    kind: str,
    name: str,
    *,
    saved: bool = False,
    caching: str = FOR_EVER,
) -> HttpResponseBase:
    link = store.signed_link(key, LINK_SECONDS, name, imaging.MEDIA_TYPES[kind], attachment=saved)
    if link is not None:
        headers = {"Cache-Control": f"private, max-age={LINK_SECONDS - 60}", "Referrer-Policy": "no-referrer"}
        return HttpResponseRedirect(link, headers=headers)
    if known := _known(request, tag, caching):
        return known
    with _expected():
        file = store.read(key)
    return _stream(request, file, tag, kind, name, saved=saved, caching=caching)


def _known(request: HttpRequest, tag: str, caching: str) -> HttpResponseBase | None:
    """304 or 412 where the caller's conditions decide (RFC 9110, 13); None to send the bytes."""
    request.META.pop("HTTP_IF_UNMODIFIED_SINCE", None)  # nothing here has a date, so it says nothing
    fresh = HttpResponse(headers={"ETag": f'"{tag}"', "Cache-Control": caching})
    decided = get_conditional_response(request, etag=f'"{tag}"', response=fresh)
    return None if decided is fresh else decided


def _stream(
    request: HttpRequest,
    file: IO[bytes],
    tag: str,
    kind: str,
    name: str,
    *,
    saved: bool = False,
    caching: str = FOR_EVER,
) -> HttpResponseBase:
    size = file.seek(0, os.SEEK_END)
    headers = {
        "ETag": f'"{tag}"',
        "Accept-Ranges": "bytes",
        "Cache-Control": caching,
        "Content-Disposition": content_disposition_header(saved, name) or "inline",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    part = _range(request, tag, size)
    if part is not None and part[0] >= part[1]:
        file.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
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
    """Part of an open file, closed with the response. Whoever reads slowly takes no connection for it."""

    def __init__(self, file: IO[bytes], start: int, end: int) -> None:
        self._file = file
        self._left = end - start
        file.seek(start)

    def __iter__(self) -> Iterator[bytes]:
        rows.give_back()
        while self._left and (chunk := self._file.read(min(_CHUNK, self._left))):
            self._left -= len(chunk)
            yield chunk

    def close(self) -> None:
        self._file.close()
