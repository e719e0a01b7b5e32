"""The form of an API key: ``sb_`` + 8 for finding it + 43 secret + 6 to reject a typo unasked."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import string
import zlib

from django.conf import settings

_ALPHABET = string.ascii_letters + string.digits


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _checksum(text: str) -> str:
    number, out = zlib.crc32(text.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, len(_ALPHABET))
        out += _ALPHABET[digit]
    return out


def mint() -> tuple[str, str]:
    """A fresh key and the prefix it is found by."""
    prefix, secret = _random(8), _random(43)
    body = f"sb_{prefix}_{secret}"
    return f"{body}_{_checksum(body)}", prefix


def prefix_of(key: str) -> str | None:
    """The prefix of a well-formed key, None for anything else."""
    parts = key.split("_")
    if not key.isascii() or len(parts) != 4 or parts[0] != "sb" or len(parts[1]) != 8 or len(parts[2]) != 43:
        return None
    body = "_".join(parts[:3])
    return parts[1] if hmac.compare_digest(_checksum(body).encode(), parts[3].encode()) else None


def digest(key: str) -> bytes:
    """Keyed hash; 32 random bytes need no slow one."""
    pepper = hashlib.sha256(b"api key pepper:" + settings.SECRET_KEY.encode()).digest()
    return hmac.digest(pepper, key.encode(), "sha256")
