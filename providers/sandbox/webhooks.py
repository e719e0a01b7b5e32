"""Calling back: signed, repeated until somebody answers, and spoiled where that was ordered."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from providers.sandbox.call import outline
from providers.sandbox.faults import Fault
from providers.sandbox.world import Task, World

Sign = Callable[[bytes, str], Mapping[str, str]]  # body and secret to headers


@dataclass(frozen=True)
class Manner:
    """How one gateway delivers: tries, the first pause between them in seconds, its ceiling, the time-out."""

    tries: int
    pause: float
    longest_pause: float
    timeout: float
    sign: Sign


def unsigned(_body: bytes, _secret: str) -> Mapping[str, str]:
    return {}


def digest(body: bytes, secret: str) -> str:
    """HMAC-SHA256, in hex."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


async def deliver(
    world: World, task: Task, url: str, secret: str, documents: list[Mapping[str, Any]], manner: Manner
) -> list[dict[str, Any]]:
    """Send every document, in order, each until it is taken or the tries are used up; a note of each try."""
    if Fault.WEBHOOK_MISSING in task.orders:
        return []
    if Fault.WEBHOOK_DISORDER in task.orders:
        documents = documents[::-1]
    if Fault.WEBHOOK_BAD_SIGNATURE in task.orders:
        secret = "not " + secret
    duplicate = task.orders.get(Fault.WEBHOOK_DUPLICATE)
    copies = 1 if duplicate is None else duplicate.whole("copies", 2)
    notes: list[dict[str, Any]] = []
    for document in documents:
        for _ in range(copies):
            notes += await _send(world, task, url, json.dumps(document).encode(), secret, manner)
    return notes


async def _send(
    world: World, task: Task, url: str, body: bytes, secret: str, manner: Manner
) -> list[dict[str, Any]]:
    pause, notes = manner.pause, []
    for attempt in range(1, manner.tries + 1):
        status = await _post(world, url, body, manner, secret)
        note = {"gateway": task.account.gateway, "their_id": task.id, "attempt": attempt, "status": status}
        notes.append(note | {"at": world.clock.now(), "body": outline(json.loads(body))})
        world.deliveries.append(notes[-1])
        if status is not None and 200 <= status < 300:
            break
        if attempt < manner.tries:
            await world.clock.sleep(pause)
            pause = min(pause * 2, manner.longest_pause)
    return notes


async def _post(world: World, url: str, body: bytes, manner: Manner, secret: str) -> int | None:
    """The status, or None where nobody answered."""
    if world.http is None:
        return None
    headers = {"Content-Type": "application/json", **manner.sign(body, secret)}
    try:
        async with asyncio.timeout(manner.timeout):
            async with world.http.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                return answer.status
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None
