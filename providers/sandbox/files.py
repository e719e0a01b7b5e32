"""The file host of each gateway: pictures behind unguessable links that die."""

import asyncio
from collections.abc import Callable

from aiohttp import web

from providers.sandbox.broken import gzip_bomb, spoil
from providers.sandbox.call import Call, GatewayError, Route
from providers.sandbox.drawing import EXTENSIONS, MEDIA_TYPES
from providers.sandbox.faults import Fault, Order, Stage
from providers.sandbox.world import StoredFile, World

TEN_GIGABYTES = 10_000_000_000
METADATA = "http://169.254.169.254/latest/meta-data/"
Expired = Callable[[StoredFile], web.Response]


def path(file: StoredFile) -> str:
    return f"/files/{file.token}/picture.{EXTENSIONS[file.picture.format]}"


def routes(world: World, expired: Expired) -> list[Route]:
    async def get(call: Call) -> web.StreamResponse:
        return await _serve(world, call, expired)

    return [Route("GET", "/files/{token}/{name}", "file", get, open=True)]


async def _serve(world: World, call: Call, expired: Expired) -> web.StreamResponse:
    file = world.files.get(call.request.match_info["token"])
    if file is None:
        raise GatewayError(404)
    order = world.orders.take((Stage.FILE,), file.gateway, "file", file.picture.prompt)
    if order:
        call.note["fault"] = str(order.fault)
    if file.dead:
        return web.Response(status=file.dead)
    if world.clock.now() >= file.expires_at or (order and order.fault is Fault.EXPIRED):
        return expired(file)
    if order:
        return await _spoiled(world, call, file, order)
    hops = int(call.request.query.get("hops", "0"))
    if hops:
        return _hop(call, hops)
    return _picture(await world.draw(file.picture), MEDIA_TYPES[file.picture.format])


def _picture(data: bytes, media_type: str) -> web.Response:
    return web.Response(body=data, content_type=media_type)


def _hop(call: Call, hops: int) -> web.Response:
    there = call.request.url.with_query({"hops": hops - 1} if hops > 1 else {})
    return web.Response(status=302, headers={"Location": str(there)})


async def _spoiled(world: World, call: Call, file: StoredFile, order: Order) -> web.StreamResponse:
    match order.fault:
        case Fault.FILE_STATUS:
            return web.Response(status=order.whole("status", 404))
        case Fault.REDIRECT if "hops" in order.args:
            return _hop(call, order.whole("hops", 4))
        case Fault.REDIRECT:
            return web.Response(status=302, headers={"Location": order.text("to", METADATA)})
        case Fault.TEN_GIGABYTES:
            return await _endless(call, TEN_GIGABYTES)
        case Fault.ENDLESS:
            return await _endless(call, None)
    loop = asyncio.get_running_loop()
    if order.fault is Fault.GZIP_BOMB:
        data = await loop.run_in_executor(world.pool, gzip_bomb)
        return web.Response(body=data, content_type="image/png", headers={"Content-Encoding": "gzip"})
    made = await loop.run_in_executor(world.pool, spoil, file.picture, order)
    return _picture(*made) if made else _picture(await world.draw(file.picture), "image/jpeg")


async def _endless(call: Call, length: int | None) -> web.StreamResponse:
    """Zeros until the other side hangs up."""
    stream = web.StreamResponse(headers={"Content-Type": "image/png"})
    stream.content_length = length
    await stream.prepare(call.request)
    block = b"\x89PNG\r\n\x1a\n" + bytes(65_528)
    left = length if length is not None else 1 << 62
    while left > 0:
        await stream.write(block[: min(left, len(block))])
        left -= len(block)
    await stream.write_eof()
    return stream
