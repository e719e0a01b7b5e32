"""An idempotency key: the first answer is kept for a day and replayed byte for byte."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from providers.sandbox.call import Call, GatewayError
from providers.sandbox.gateway import DAY, Gateway


@dataclass
class _First:
    digest: str
    at: float
    done: asyncio.Event = field(default_factory=asyncio.Event)
    answer: tuple[int, bytes, dict[str, str]] | None = None


async def once(gateway: Gateway, call: Call, make: Callable[[Call], Awaitable[web.Response]]) -> web.Response:
    """Make the answer, or repeat the one this key had; who comes while it is being made waits for it.

    Refusals are not kept: nothing was done, and the next try may do it.
    Raises GatewayError 409 where the key comes with another body.
    """
    name = call.header("idempotency-key")
    if not name:
        return await make(call)
    kept: dict[tuple[str, str], _First] = gateway.memory.setdefault("once", {})
    while (first := kept.get((call.key, name))) and first.at > gateway.now - DAY:
        if first.digest != call.digest:
            raise GatewayError(409)
        await first.done.wait()
        if first.answer:
            status, body, headers = first.answer
            return web.Response(status=status, body=body, headers=headers)
    first = kept[call.key, name] = _First(call.digest, gateway.now)
    try:
        response = await make(call)
        body = response.body if isinstance(response.body, bytes) else b""
        first.answer = (response.status, body, dict(response.headers))
        return response
    finally:
        if first.answer is None:
            del kept[call.key, name]
        first.done.set()
