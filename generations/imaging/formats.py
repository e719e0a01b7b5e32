"""Which of the four kinds of picture a file is, by its first bytes and nothing else."""

from __future__ import annotations

HEAD_BYTES = 256

MEDIA_TYPES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp", "avif": "image/avif"}
EXTENSIONS = {"png": "png", "jpeg": "jpg", "webp": "webp", "avif": "avif"}


def sniff(head: bytes) -> str | None:
    """``png``, ``jpeg``, ``webp``, ``avif``, or None. ``head`` are the first 256 bytes, or all there are."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp" and _has_avif_brand(head[: int.from_bytes(head[:4], "big")]):
        return "avif"
    return None


def _has_avif_brand(box: bytes) -> bool:
    """Brands are four letters each: the major one, a version, then the compatible ones (ISO 14496-12)."""
    return any(box[at : at + 4] in {b"avif", b"avis"} for at in (8, *range(16, len(box), 4)))
