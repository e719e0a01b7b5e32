"""Pictures for somebody who must not know who made them: pixels alone, under a mark of their own."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response

from generations import imaging
from generations.engine import keeping
from generations.models import Asset
from generations.storage import StorageUnavailable, originals

SIZE = 1024
"""Pixels of the longer side of what is shown first."""
_CACHING = "private, max-age=3600"


def bare(request: HttpRequest, asset: Asset, *, tag: str, whole: bool) -> HttpResponseBase:
    """The picture as WebP with no metadata at all, ``whole`` or at most 1024 pixels a side.

    What is kept says where it came from, so this is made anew. Raises StorageUnavailable.
    """
    tag = f"{tag}-{'whole' if whole else SIZE}"
    if unchanged := get_conditional_response(request, etag=f'"{tag}"'):
        return unchanged
    headers = {
        "ETag": f'"{tag}"',
        "Cache-Control": _CACHING,
        "Content-Disposition": 'inline; filename="picture.webp"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
    return HttpResponse(
        _pixels(asset, whole=whole), content_type=imaging.MEDIA_TYPES["webp"], headers=headers
    )


def _pixels(asset: Asset, *, whole: bool) -> bytes:
    store = originals()
    small = asset.derivative_key(SIZE)
    key = asset.storage_key if whole or not store.exists(small) else small
    with keeping.scratch() as folder:
        out = folder / "bare"
        try:
            with store.local_copy(key) as path:
                imaging.run_bounded(imaging.convert, path, "webp", None, out)
        except (FileNotFoundError, imaging.Rejected):
            raise StorageUnavailable("the picture cannot be shown") from None
        return out.read_bytes()
