"""Runware's webhooks: unsigned, one for each result as it is there, at least once; and its uploads."""

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp

from providers.sandbox.drawing import MEDIA_TYPES
from providers.sandbox.faults import Fault
from providers.sandbox.gateway import Gateway
from providers.sandbox.runware_results import entry, failure, ready_at
from providers.sandbox.webhooks import Manner, deliver, unsigned
from providers.sandbox.world import Task

# Vendor's integration notes: 2xx within 5 s, else backoff from 250 ms, doubling to 8 s; tries not told.
MANNER = Manner(tries=6, pause=0.25, longest_pause=8.0, timeout=5.0, sign=unsigned)
AT_ONCE = (Fault.FAILS, Fault.REFUSED_CONTENT, Fault.WEBHOOK_DISORDER, Fault.WEBHOOK_EARLY)


def promise(gateway: Gateway, task: Task) -> None:
    """Arrange that each result is told when it is there, unless an order wants them all at the end."""
    if task.details["webhook_url"] and not any(fault in task.orders for fault in AT_ONCE):
        task.announced = True
        for index in range(len(task.pictures)):
            gateway.world.spawn(_tell(gateway, task, index))


async def _tell(gateway: Gateway, task: Task, index: int) -> None:
    await gateway.world.clock.sleep(ready_at(task, index) - gateway.now)
    await _deliver(gateway, task, [await _body(gateway, task, index)])


async def announce(gateway: Gateway, task: Task) -> None:
    if not task.details["webhook_url"]:
        return
    if task.fails:
        await _deliver(gateway, task, [{"errors": [failure(task)]}])
    else:
        bodies = [await _body(gateway, task, index) for index in range(len(task.pictures))]
        await _deliver(gateway, task, bodies)


async def _body(gateway: Gateway, task: Task, index: int) -> Mapping[str, Any]:
    if index == task.broken:
        return {"errors": [failure(task)]}
    told = await entry(gateway, task, index)
    return told if gateway.world.switches["rw.webhook_shape"] == "flat" else {"data": [told]}


async def _deliver(gateway: Gateway, task: Task, bodies: list[Mapping[str, Any]]) -> None:
    await deliver(gateway.world, task, task.details["webhook_url"], "", bodies, MANNER)


async def upload(gateway: Gateway, task: Task) -> None:
    """Put the raw bytes of each picture where the caller wanted them."""
    url, http = task.details["upload_endpoint"], gateway.world.http
    if not url or http is None or task.fails:
        return
    for index, picture in enumerate(task.pictures):
        data = await gateway.inline(picture)
        headers = {"Content-Type": MEDIA_TYPES[picture.format]}
        note: dict[str, Any] = {"gateway": gateway.slug, "their_id": task.id, "upload": index, "status": None}
        try:
            async with asyncio.timeout(60), http.put(url, data=data, headers=headers) as answer:
                note["status"] = answer.status
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            note["error"] = type(error).__name__
        gateway.world.deliveries.append(note | {"at": gateway.now})
