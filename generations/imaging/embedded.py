"""What a picture file says of itself: the prompt some generator wrote into it, and when it was made."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

from PIL import ExifTags, Image, UnidentifiedImageError

_MOST = 8000
_TEXTS = ("parameters", "prompt", "Description", "description", "invokeai_metadata", "Comment")
"""Text chunks of PNG, as the well-known generators name them."""
_XMP = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r"<Iptc4xmpExt:AIPromptInformation>(.*?)</Iptc4xmpExt:AIPromptInformation>",
        r'Iptc4xmpExt:AIPromptInformation="(.*?)"',
        r"<dc:description>.*?<rdf:li[^>]*>(.*?)</rdf:li>",
    )
)
_CHARSETS = {b"ASCII": "ascii", b"UNICODE": "utf-16-be", b"": "utf-8"}
"""What EXIF's user comment begins with, in eight bytes, and how the rest is read."""


def told(path: Path) -> tuple[str, datetime | None]:
    """The prompt in a file, empty if there is none, and when it was taken or made, if its EXIF says."""
    try:
        with Image.open(path) as image:
            texts = [text.replace("\x00", " ").strip() for text in _texts(image)]  # no database keeps a NUL
            return next((plain for text in texts if (plain := _plain(text)[:_MOST])), ""), _made(image)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError):
        return "", None


def _made(image: Image.Image) -> datetime | None:
    exif = image.getexif()
    inner = exif.get_ifd(ExifTags.IFD.Exif)
    taken = inner.get(ExifTags.Base.DateTimeOriginal) or inner.get(ExifTags.Base.DateTimeDigitized)
    text = str(taken or exif.get(ExifTags.Base.DateTime, ""))
    with suppress(ValueError):
        return datetime.strptime(text, "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC)
    return None


def _texts(image: Image.Image) -> Iterator[str]:
    """Whatever may be the prompt, the likeliest first."""
    yield from (text for name in _TEXTS if isinstance(text := image.info.get(name), str))
    exif = image.getexif()
    yield _comment(exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.UserComment, b""))
    xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or ""
    said = xmp.decode(errors="replace") if isinstance(xmp, bytes) else str(xmp)
    yield from (unescape(found[1]) for pattern in _XMP if (found := pattern.search(said)))
    yield str(exif.get(ExifTags.Base.ImageDescription, ""))
    comment = image.info.get("comment", b"")
    yield comment.decode(errors="replace") if isinstance(comment, bytes) else str(comment)


def _comment(kept: object) -> str:
    if not isinstance(kept, bytes):
        return str(kept)
    charset, text = kept[:8].strip(b"\x00 "), kept[8:]
    if charset not in _CHARSETS:
        return kept.decode(errors="replace")
    # Some write the other order of bytes: then every second one of plain letters is 0.
    little = charset == b"UNICODE" and text[1:2] == b"\x00"
    return text.decode("utf-16-le" if little else _CHARSETS[charset], errors="replace")


def _plain(text: str) -> str:
    """The prompt inside JSON or inside 'prompt, newline, Negative prompt: …' as some tools write it."""
    if text.startswith("{"):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return text
        for key in ("positive_prompt", "prompt"):
            if isinstance(found, dict) and isinstance(found.get(key), str):
                return str(found[key]).encode(errors="replace").decode().replace("\x00", " ")
        return ""
    return text.split("\nNegative prompt:")[0].split("\nSteps:")[0].strip()
