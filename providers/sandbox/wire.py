"""How an answer is spoiled on its way: reset, dripped, cut, dressed up, delayed."""

import asyncio
import json
import socket
import struct
from collections.abc import Collection
from typing import Any

from aiohttp import web

from providers.sandbox.broken import PAGE
from providers.sandbox.clock import Clock
from providers.sandbox.faults import Fault, Order


def reset(request: web.Request) -> web.Response:
    """Cut the connection with a TCP reset; what is returned is never sent."""
    transport = request.transport
    if transport is not None:
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()


async def send(
    request: web.Request, response: web.StreamResponse, order: Order, clock: Clock, optional: Collection[str]
) -> web.StreamResponse:
    """Send the answer in the way that was ordered."""
    fault = order.fault
    if fault is Fault.RESET_AFTER:
        return reset(request)
    if fault is Fault.HANG:
        await clock.sleep(order.seconds("seconds", 60))
        return response
    if not isinstance(response, web.Response):
        return response
    body = response.body if isinstance(response.body, bytes) else b""
    if fault is Fault.DRIP:
        return await _drip(request, response, body, order)
    if fault is Fault.SHORT_BODY or fault is Fault.CLOSED_EARLY:
        length = len(body) if fault is Fault.SHORT_BODY else None
        return _cut(request, response, _start(body, order), length)
    if fault is Fault.LONG_LENGTH:
        return _cut(request, response, body, len(body) + 1)
    return _changed(response, body, order, optional)


def _changed(response: web.Response, body: bytes, order: Order, optional: Collection[str]) -> web.Response:
    match order.fault:
        case Fault.TRUNCATED:
            response.body = _start(body, order)
        case Fault.EMPTY_BODY:
            response.body = b""
        case Fault.WRONG_TYPE:
            response.content_type = order.text("type", "text/plain")
        case Fault.HTML:
            return web.Response(status=200, body=PAGE, content_type="text/html")
        case Fault.EXTRA_FIELDS:
            response.body = json.dumps(_with_extras(_document(body))).encode()
        case Fault.NULLS:
            response.body = json.dumps(_with_nulls(_document(body), optional)).encode()
        case Fault.DOUBLED:
            response.body = json.dumps(_with_doubles(_document(body))).encode()
        case Fault.STATUS_AFTER:
            hints = {"Retry-After": str(order.args["retry_after"])} if "retry_after" in order.args else {}
            status = order.whole("status", 504)
            return web.Response(status=status, body=PAGE, content_type="text/html", headers=hints)
    return response


def _document(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return {}


def _with_extras(value: Any) -> Any:
    if isinstance(value, dict):
        known = {name: _with_extras(one) for name, one in value.items()}
        return known | {"x_added_later": {"version": 2, "tags": ["new"]}, "x_note": None}
    return [_with_extras(one) for one in value] if isinstance(value, list) else value


def _with_nulls(value: Any, optional: Collection[str]) -> Any:
    if isinstance(value, dict):
        return {k: None if k in optional else _with_nulls(one, optional) for k, one in value.items()}
    return [_with_nulls(one, optional) for one in value] if isinstance(value, list) else value


def _with_doubles(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_doubles(one) for name, one in value.items()}
    return [*value, value[0]] if isinstance(value, list) and value else value


async def _drip(
    request: web.Request, response: web.Response, body: bytes, order: Order
) -> web.StreamResponse:
    stream = web.StreamResponse(status=response.status, headers=response.headers)
    stream.content_length = len(body)
    await stream.prepare(request)
    drop, pause = max(1, order.whole("bytes", 1)), order.seconds("pause", 0.05)
    for start in range(0, len(body), drop):
        await stream.write(body[start : start + drop])
        await asyncio.sleep(pause)
    await stream.write_eof()
    return stream


def _start(body: bytes, order: Order) -> bytes:
    return body[: len(body) * order.whole("percent", 50) // 100]


def _cut(request: web.Request, response: web.Response, body: bytes, length: int | None) -> web.Response:
    """Write a body past aiohttp, which would not lie about its length, and close."""
    transport = request.transport
    if transport is not None:
        lines = [f"HTTP/1.1 {response.status} {response.reason}", "Connection: close"]
        left_out = {"content-length", "transfer-encoding", "connection"}
        lines += [
            f"{name}: {value}" for name, value in response.headers.items() if name.lower() not in left_out
        ]
        if length is not None:
            lines.append(f"Content-Length: {length}")
        transport.write("\r\n".join([*lines, "", ""]).encode() + body)
        transport.close()
    return web.Response()
