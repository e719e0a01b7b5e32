"""Where and with what a picture was taken is nobody else's business: metadata is cut out, pixels stay.

PNG, JPEG and WebP are lists of labelled parts, so the parts that tell are left out and every
pixel stays as it was. Only an AVIF that carries any is encoded again. The one thing kept of
EXIF is which way up the picture is.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from generations.imaging.flaws import Flaw, Rejected
from generations.imaging.formats import sniff
from generations.imaging.pictures import convert, opened
from generations.imaging.provenance import Origin, packet, said_by

_ORIENTATION = 0x0112
_EXIF_MARK = b"Exif\x00\x00"
_PNG_TELLING = frozenset({b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"tIME", b"caBX"})
_WEBP_TELLING = frozenset({b"EXIF", b"XMP "})
# APP0 (JFIF), APP2 (colour profile) and APP14 (Adobe's colour transform) say how to show the pixels.
_JPEG_TELLING = frozenset({0xE1, *range(0xE3, 0xEE), 0xEF, 0xFE})
_JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD8)})
_JPEG_SCAN, _JPEG_END = 0xDA, 0xD9
# Within a scan, 0xFF is followed by 0 or a restart marker; anything else ends the scan.
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def strip_location(path: Path, out: Path) -> Path:
    """Write the picture to ``out`` without EXIF, XMP, IPTC, comments and text. Raises Rejected."""
    data = path.read_bytes()
    kind = sniff(data)
    if kind is None:
        raise Rejected(Flaw.NOT_AN_IMAGE)
    if kind == "avif":
        return _strip_avif(path, data, out)
    strip = {"png": _strip_png, "jpeg": _strip_jpeg, "webp": _strip_webp}[kind]
    try:
        out.write_bytes(strip(data))
    except (IndexError, ValueError) as error:
        raise Rejected(Flaw.TRUNCATED) from error
    return out


def _strip_avif(path: Path, data: bytes, out: Path) -> Path:
    with opened(path) as (image, _):
        telling = "exif" in image.info or "xmp" in image.info
    if telling:
        return convert(path, "avif", 95, out)
    out.write_bytes(data)
    return out


def _strip_png(data: bytes) -> bytes:
    kept = [data[:8]]
    turned = b""
    for name, body, chunk in _png_chunks(data):
        if name == b"eXIf":
            turned = _upright_only(body)
        if name == b"IDAT" and turned:
            kept.append(_png_chunk(b"eXIf", turned))
            turned = b""
        if name not in _PNG_TELLING:
            kept.append(chunk)
    return b"".join(kept)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Name, body and the whole chunk, up to and including the end; what follows it is no picture."""
    at, name = 8, b""
    while name != b"IEND":
        length = int.from_bytes(_exactly(data, at, 4), "big")
        chunk = _exactly(data, at, 12 + length)
        name = chunk[4:8]
        yield name, chunk[8:-4], chunk
        at += len(chunk)


def _png_chunk(name: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")


def _strip_jpeg(data: bytes) -> bytes:
    kept = [data[:2]]
    for marker, segment in _jpeg_segments(data):
        if marker == 0xE1 and segment[4:10] == _EXIF_MARK:
            turned = _upright_only(segment[10:])
            if turned:
                body = _EXIF_MARK + turned
                kept.append(b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body)
        elif marker not in _JPEG_TELLING:
            kept.append(segment)
    return b"".join(kept)


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and the whole segment, a scan with its data, up to the end of the first picture."""
    at, marker = 2, 0
    while marker != _JPEG_END:
        while _exactly(data, at, 2)[1] == 0xFF:
            at += 1
        if data[at] != 0xFF:
            raise ValueError("no marker where one must be")
        marker = data[at + 1]
        end = at + 2
        if marker != _JPEG_END and marker not in _JPEG_BARE:
            end += int.from_bytes(_exactly(data, end, 2), "big")
        if marker == _JPEG_SCAN:
            following = _NEXT_MARKER.search(data, end)
            end = following.start() if following else len(data) + 1
        yield marker, _exactly(data, at, end - at)
        at = end


def _strip_webp(data: bytes) -> bytes:
    parts = []
    for name, body, part in _webp_parts(data):
        if name == b"VP8X":
            part = name + part[4:8] + bytes([body[0] & ~0x0C]) + body[1:]
        if name == b"EXIF" and (turned := _upright_only(body.removeprefix(_EXIF_MARK))):
            parts.append(_webp_part(name, turned))
            parts[0] = parts[0][:8] + bytes([parts[0][8] | 0x08]) + parts[0][9:]
        elif name not in _WEBP_TELLING:
            parts.append(part)
    return _webp(parts)


def nameless(webp: bytes) -> bytes:
    """A derivative of ours that still says how it came about, and no more which picture it is, or whose."""
    parts = []
    for name, body, part in _webp_parts(webp):
        if name == b"XMP ":
            xmp = packet(Origin(""), said_by(body).source)
            part = _webp_part(name, xmp)
        parts.append(part)
    return _webp(parts)


def _webp(parts: list[bytes]) -> bytes:
    inside = b"WEBP" + b"".join(parts)
    return b"RIFF" + len(inside).to_bytes(4, "little") + inside


def _webp_part(name: bytes, body: bytes) -> bytes:
    return name + len(body).to_bytes(4, "little") + body + bytes(len(body) % 2)


def _webp_parts(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Name, body, and the whole part with the byte that makes its length even."""
    at, end = 12, 8 + int.from_bytes(data[4:8], "little")
    while at < end:
        length = int.from_bytes(_exactly(data, at + 4, 4), "little")
        part = _exactly(data, at, 8 + length + length % 2)
        yield part[:4], part[8 : 8 + length], part
        at += len(part)


def _upright_only(exif: bytes) -> bytes:
    """EXIF that says which way up the picture is and nothing else; empty where that is the usual way."""
    before = Image.Exif()
    try:
        before.load(exif)
        turned = before.get(_ORIENTATION, 1)
    except (SyntaxError, ValueError, TypeError, LookupError, OSError, ArithmeticError):
        return b""
    if turned not in range(2, 9):
        return b""
    after = Image.Exif()
    after[_ORIENTATION] = turned
    return after.tobytes().removeprefix(_EXIF_MARK)


def _exactly(data: bytes, at: int, length: int) -> bytes:
    """That many bytes from there; ValueError if the file ends before."""
    found = data[at : at + length]
    if len(found) != length:
        raise ValueError("the file ends too soon")
    return found
