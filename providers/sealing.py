"""Secrets at rest: AES-256-GCM under a key ring, each bound to its row.

A sealed secret is ``<key name>:<base64 of nonce and ciphertext>``. The row's place is the
associated data, so a ciphertext copied to another row opens nothing.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


class Unreadable(Exception):
    """The secret was sealed for another row, or under a key that is gone."""


def seal(ring: Mapping[str, bytes], secret: str, place: str) -> str:
    """Seal under the newest key of the ring for this place (``table:column:id``)."""
    name = next(iter(ring))
    nonce = os.urandom(_NONCE)
    sealed = AESGCM(ring[name]).encrypt(nonce, secret.encode(), place.encode())
    return f"{name}:{base64.b64encode(nonce + sealed).decode()}"


def unseal(ring: Mapping[str, bytes], sealed: str, place: str) -> str:
    """The secret; raises Unreadable."""
    name, _, text = sealed.partition(":")
    key = ring.get(name)
    if key is None:
        raise Unreadable(f"sealed under the key {name!r}, which is not in FIELD_KEYS")
    try:
        raw = base64.b64decode(text, validate=True)
        return AESGCM(key).decrypt(raw[:_NONCE], raw[_NONCE:], place.encode()).decode()
    except (InvalidTag, binascii.Error, ValueError) as error:
        raise Unreadable("sealed for another row, or damaged") from error


def newest(ring: Mapping[str, bytes], sealed: str) -> bool:
    """Whether it is sealed under the newest key already."""
    return sealed.partition(":")[0] == next(iter(ring))
