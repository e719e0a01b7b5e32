"""Bytespike's account webhooks: subscriptions to events, each with a secret of its own, shown once.

Imitates docs.bytespike.ai/api-reference/account/me-webhooks: ``url``, ``event_types``, ``secret``,
``fail_count``, deliveries that can be listed. The events' names and body are not published; they are
``task.completed`` and ``task.failed`` here, with what a query of the task answers.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from providers.sandbox import bytespike_tasks as tasks
from providers.sandbox import webhooks
from providers.sandbox.call import Call, GatewayError, Route
from providers.sandbox.fields import FieldError, Fields
from providers.sandbox.gateway import Gateway
from providers.sandbox.world import Task

EVENTS = ("task.completed", "task.failed")
BASE = "/api/v1/me/webhooks"


@dataclass
class Subscription:
    id: str
    url: str
    event_types: list[str]
    secret: str
    created_at: int
    fail_count: int = 0
    deliveries: list[dict[str, Any]] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        """Everything but the secret."""
        names = ("id", "url", "event_types", "created_at", "fail_count")
        return {name: getattr(self, name) for name in names}


def routes(gateway: Gateway) -> list[Route]:
    async def many(call: Call) -> web.StreamResponse:
        return web.json_response({"data": [one.shown() for one in _of(gateway, call.key).values()]})

    async def create(call: Call) -> web.StreamResponse:
        return _create(gateway, call)

    async def get(call: Call) -> web.StreamResponse:
        return web.json_response(_found(gateway, call).shown())

    async def change(call: Call) -> web.StreamResponse:
        one, fields = _found(gateway, call), call.fields
        one.url = fields.address("url") or one.url
        one.event_types = _events(fields) if "event_types" in fields else one.event_types
        return web.json_response(one.shown())

    async def drop(call: Call) -> web.StreamResponse:
        del _of(gateway, call.key)[_found(gateway, call).id]
        return web.Response(status=204)

    async def deliveries(call: Call) -> web.StreamResponse:
        return web.json_response({"data": _found(gateway, call).deliveries[::-1]})

    one = BASE + "/{id}"
    return [
        Route("GET", BASE, "other", many),
        Route("POST", BASE, "other", create),
        Route("GET", one, "other", get),
        Route("PATCH", one, "other", change),
        Route("DELETE", one, "other", drop),
        Route("GET", one + "/deliveries", "other", deliveries),
    ]


def _create(gateway: Gateway, call: Call) -> web.StreamResponse:
    fields = call.fields
    fields.required("url", "event_types")
    one = Subscription(
        id="wh_" + secrets.token_hex(8),
        url=fields.address("url") or "",
        event_types=_events(fields),
        secret="whsec_" + secrets.token_urlsafe(24),
        created_at=round(gateway.now),
    )
    _of(gateway, call.key)[one.id] = one
    return web.json_response({**one.shown(), "secret": one.secret}, status=201)


def _of(gateway: Gateway, key: str) -> dict[str, Subscription]:
    known: dict[str, Subscription] = gateway.memory.setdefault("subscriptions", {}).setdefault(key, {})
    return known


def _found(gateway: Gateway, call: Call) -> Subscription:
    one = _of(gateway, call.key).get(call.request.match_info["id"])
    if one is None:
        raise GatewayError(404, None, "There is no such webhook.")
    return one


def _events(fields: Fields) -> list[str]:
    chosen = fields.texts("event_types", len(EVENTS))
    if wrong := [name for name in chosen if name not in EVENTS]:
        message = f"There is no event {wrong[0]!r}; known are {', '.join(EVENTS)}."
        raise FieldError("invalid", ("event_types",), message)
    return chosen


def announce(gateway: Gateway, task: Task) -> None:
    """Tell everyone who subscribed to this end of a task."""
    record = tasks.record(gateway, task, task.state(gateway.now))
    event = f"task.{record['status']}"
    for one in _of(gateway, task.account.key).values():
        if event in one.event_types:
            document = {"type": event, "created": round(gateway.now), "data": record}
            gateway.world.spawn(_deliver(gateway, task, one, document))


async def _deliver(gateway: Gateway, task: Task, one: Subscription, document: Mapping[str, Any]) -> None:
    notes = await webhooks.deliver(gateway.world, task, one.url, one.secret, [document], tasks.MANNER)
    for note in notes:
        one.deliveries.append({name: note[name] for name in ("attempt", "status", "at", "body")})
        taken = note["status"] is not None and 200 <= note["status"] < 300
        one.fail_count = 0 if taken else one.fail_count + 1
