"""The door of a gateway: every request is logged, may be ordered to go wrong, and needs a key."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from aiohttp import web

from providers.sandbox import files, wire
from providers.sandbox.call import Call, GatewayError, Route, outline, outlined_headers
from providers.sandbox.faults import Fault, Order, Stage
from providers.sandbox.fields import FieldError
from providers.sandbox.gateway import Gateway

MINUTE = 60.0
STATUS_OF = {
    Fault.UNAUTHORIZED: 401,
    Fault.NO_CREDIT: 402,
    Fault.FORBIDDEN: 403,
    Fault.RATE_LIMITED: 429,
    Fault.SERVER_ERROR: 500,
    Fault.UNAVAILABLE: 503,
}


def app(gateway: Gateway) -> web.Application:
    """The web application of one gateway and its file host."""
    made = web.Application(client_max_size=gateway.body_limit)
    made.on_response_prepare.append(_dated(gateway))
    for route in [*gateway.routes(), *files.routes(gateway.world, gateway.expired)]:
        made.router.add_route(route.method, route.path, _door(gateway, route))
    made.router.add_route(
        "*", "/{tail:.*}", _door(gateway, Route("*", "", "other", gateway.nowhere, open=True))
    )
    return made


def _dated(gateway: Gateway) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Moments that an answer names are on the sandbox's clock, and so is its Date."""

    async def date(_request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = format_datetime(datetime.fromtimestamp(gateway.now, UTC), usegmt=True)

    return date


def _door(gateway: Gateway, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.StreamResponse:
        call = Call(request, route.operation)
        refused = None
        try:
            call.body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            refused = GatewayError(413)
        call.read_json()
        gateway.recognise(call)
        call.key = gateway.key(call)
        _note(gateway, call)
        world = gateway.world
        order = world.orders.take((Stage.BEFORE, Stage.AFTER), gateway.slug, call.operation, call.prompt)
        if order:
            call.note["fault"] = str(order.fault)
        if order and order.fault is Fault.RESET_BEFORE:
            return wire.reset(request)
        response = await _answer(gateway, route, call, order, refused)
        call.note["status"] = response.status
        if order and order.stage is Stage.AFTER:
            return await wire.send(request, response, order, world.clock, gateway.optional)
        return response

    return answer


async def _answer(
    gateway: Gateway, route: Route, call: Call, order: Order | None, refused: GatewayError | None
) -> web.StreamResponse:
    response: web.StreamResponse
    try:
        if order and order.stage is Stage.BEFORE:
            await gateway.world.clock.sleep(order.seconds("after", 0))
            if order.fault is Fault.BAD_GATEWAY or "body" in order.args:
                return _page(order)
            status = STATUS_OF.get(order.fault, order.whole("status", 500))
            refused = GatewayError(status, headers=_hints(order, gateway.now))
        if refused:
            raise refused
        if not route.open:
            _admit(gateway, call)
        response = await route.handler(call)
    except FieldError as problem:
        response = gateway.error(gateway.invalid(problem), call)
    except GatewayError as refusal:
        response = gateway.error(refusal, call)
        response.headers.update(refusal.headers)
    if call.operation != "file" and not response.prepared:
        for name, value in gateway.headers(call).items():
            response.headers.setdefault(name, value)
    return response


def _hints(order: Order, now: float) -> dict[str, str]:
    """The waiting time an ordered 429 or 503 names, in the form that was ordered."""
    headers = {}
    if "retry_after" in order.args:
        wait = order.seconds("retry_after", 1)
        then = datetime.fromtimestamp(now, UTC) + timedelta(seconds=wait)
        headers["Retry-After"] = (
            format_datetime(then, usegmt=True) if order.args.get("as_date") else f"{wait:g}"
        )
    if "reset" in order.args:
        headers["X-RateLimit-Reset"] = str(round(now + order.seconds("reset", 1)))
    return headers


def _note(gateway: Gateway, call: Call) -> None:
    request = call.request
    call.note |= {
        "gateway": gateway.slug,
        "operation": call.operation,
        "method": request.method,
        "path": request.path_qs,
        "headers": outlined_headers(request.headers),
        "key": call.key[-4:],
        "body_sha256": call.digest if call.body else None,
        "body_bytes": len(call.body),
        "fields": outline(call.document),
        "prompt": outline(call.prompt),
        "at": gateway.now,
        "status": None,
        "fault": None,
    }
    gateway.world.requests.append(call.note)
    gateway.world.counts[gateway.slug, request.method, call.operation] += 1


def _admit(gateway: Gateway, call: Call) -> None:
    """The key is there, is not refused, and has requests left this minute."""
    if not call.key:
        raise GatewayError(401)
    account = call.account = gateway.world.account(gateway.slug, call.key)
    if account.refused:
        raise GatewayError(account.refused)
    rpm = gateway.settings.rpm
    if rpm is None or not gateway.counts_to_rate(call):
        return
    while account.calls and account.calls[0] <= gateway.now - MINUTE:
        account.calls.popleft()
    if len(account.calls) >= rpm:
        wait = account.calls[0] + MINUTE - gateway.now if account.calls else MINUTE
        raise GatewayError(429, headers=gateway.pacing(wait))
    account.calls.append(gateway.now)


def _page(order: Order) -> web.Response:
    """An answer from the edge in front of a gateway: not in the gateway's own form."""
    status = 502 if order.fault is Fault.BAD_GATEWAY else order.whole("status", 500)
    text = order.text("body", "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>")
    return web.Response(status=status, text=text, content_type=order.text("type", "text/html"))
