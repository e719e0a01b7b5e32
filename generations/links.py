"""Links to a picture that need no header, for programs that only know an address.

A link is signed, lives LINK_TTL seconds, and dies at once when its picture is put in the trash.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.core import signing

from accounts.actions import as_uuid
from generations.models import Asset

_SIGNER = signing.TimestampSigner(sep=".", salt="picture link")


@dataclass(frozen=True, slots=True)
class Linked:
    """What a link leads to: a picture, and the format it is to be given in (None: the original)."""

    asset: Asset
    format: str | None
    quality: int | None


def link(asset: Asset, *, kind: str | None = None, quality: int | None = None) -> str:
    """An absolute address of the picture, in the format ``kind`` if that is not the original's."""
    said = f"{asset.id}-{kind or ''}-{quality or ''}"
    return f"{settings.PUBLIC_URL}/p/{_SIGNER.sign(said)}"


def follow(token: str) -> Linked | None:
    """What the link leads to; None if it is forged, too old, or its picture is gone."""
    try:
        said = _SIGNER.unsign(token, max_age=settings.LINK_TTL)
    except signing.BadSignature:
        return None
    text, form, quality = said.rsplit("-", 2)
    asset = Asset.objects.kept().filter(id__in=[as_uuid(text)]).first()
    return None if asset is None else Linked(asset, form or None, int(quality) if quality else None)
