"""Reference pictures: taken in every form a gateway takes them, checked, and kept as thumbnails only."""

import asyncio
import base64
import binascii
from dataclasses import dataclass
from io import BytesIO

import aiohttp
from PIL import Image, UnidentifiedImageError

LARGEST = 10_000_000  # bytes per reference, as resellers of the model state it
SIDES = range(14, 6001)  # pixels
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
THUMBNAIL = 360


class UnreadableError(Exception):
    """Not a picture that can be used; the message says why."""


@dataclass(frozen=True)
class Reference:
    thumbnail: bytes
    width: int
    height: int


def decode(data: bytes, largest: int = LARGEST) -> Reference:
    """Check a reference picture and keep what is needed to show it. Raises UnreadableError."""
    if len(data) > largest:
        raise UnreadableError(f"A reference picture may have {largest} bytes.")
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as opened:
            width, height = opened.size
            if width not in SIDES or height not in SIDES:
                raise UnreadableError(
                    f"A reference picture's sides are 14 to 6000 pixels, not {width}×{height}."
                )
            small = opened.convert("RGB")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError) as error:
        raise UnreadableError("A reference is not a picture in a known format.") from error
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    file = BytesIO()
    small.save(file, "JPEG", quality=85)
    return Reference(file.getvalue(), width, height)


def from_data_uri(text: str) -> bytes:
    """The bytes of ``data:image/…;base64,…``. Raises UnreadableError."""
    head, comma, body = text.partition(",")
    if not comma or not head.startswith("data:image/") or not head.endswith(";base64"):
        raise UnreadableError("A reference must be a data URI: data:image/…;base64,…")
    return from_base64(body)


def from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnreadableError("A reference is not base64.") from error


async def fetch(http: aiohttp.ClientSession | None, url: str) -> bytes:
    """Fetch a reference by its address. Raises UnreadableError."""
    if http is None:
        raise UnreadableError("Nothing is fetched while starting or stopping.")
    try:
        async with asyncio.timeout(20), http.get(url, allow_redirects=False) as answer:
            if answer.status != 200:
                raise UnreadableError(f"A reference's address answered {answer.status}.")
            data = b""
            async for piece in answer.content.iter_chunked(65536):
                data += piece
                if len(data) > LARGEST:
                    raise UnreadableError(f"A reference picture may have {LARGEST} bytes.")
            return data
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise UnreadableError("A reference's address could not be fetched.") from error
