"""Pictures that come inside an answer: each is put into storage once, before the answer is recorded."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import logging
from collections.abc import Iterable
from itertools import count
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from uuid6 import uuid7

from accounts import rows
from generations.engine import keeping
from generations.engine.hearing import Original
from generations.models import Submission, original_key
from generations.storage import Corrupt, KeyTaken, StorageError
from providers.values import Promised

if TYPE_CHECKING:
    from generations.engine.net import Net

log = logging.getLogger(__name__)
SPOILED = 32
"""How often a store may alter a picture, or have other bytes in its place, before it is given up."""


async def keep_inline(net: Net, submission: Submission, promised: Iterable[Promised]) -> dict[str, Original]:
    """The originals among these that are not kept yet, written to storage, by result key."""
    inline = {one.key: data for one in promised if (data := _data_of(one)) is not None}
    # A list that grows repeats its pictures at every look.
    settled = await net.db_surely(_settled, submission) if inline else frozenset()
    kept: dict[str, Original] = {}
    for key, data in inline.items():
        if key[:200] not in settled and (original := await _keep_surely(net, submission, data)):
            kept[key] = original
    return kept


_SETTLED = "SELECT key FROM generations_result WHERE submission_id = %s AND state <> 'pending'"


def _settled(submission: Submission) -> frozenset[str]:
    """The keys of pictures whose original is in storage, or that were written off."""
    return frozenset(key for (key,) in rows.planned(_SETTLED, [submission.id]))


async def _keep_surely(net: Net, submission: Submission, data: bytes) -> Original | None:
    """These bytes exist nowhere else: wait for a store or disk that is away, however long it takes.

    The lease is kept meanwhile. None if the store altered them each time.
    """
    spoiled = 0
    for attempt in count():
        try:
            return await net.store(_keep_bytes, submission, data)
        except (StorageError, OSError) as error:
            log.warning("waiting for the store with a picture in hand: %s", error)
            spoiled += isinstance(error, Corrupt | KeyTaken)
        if spoiled >= SPOILED:
            break
        await asyncio.sleep(min(5.0, 0.2 * 2 ** min(attempt, 5)))
    return None


def _data_of(promised: Promised) -> bytes | None:
    """The bytes themselves, which some put where a link belongs."""
    url = promised.url or ""
    if promised.data is not None or not url.startswith("data:"):
        return promised.data
    head, _, payload = url.partition(",")
    try:
        return base64.b64decode(payload) if head.endswith(";base64") else unquote_to_bytes(payload)
    except binascii.Error:
        return None  # no picture; the fetch that follows says so


def _keep_bytes(submission: Submission, data: bytes) -> Original:
    asset_id, sha256 = uuid7(), hashlib.sha256(data).hexdigest()
    key = original_key(submission.generation.project_id, asset_id, sha256)
    with keeping.scratch() as folder:
        path = folder / "picture"
        path.write_bytes(data)
        keeping.keep_original(path, key, sha256)
    return Original(asset_id, key, sha256, len(data))
