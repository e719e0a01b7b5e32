"""Bytespike's tasks API: submit, query, cancel, stream; repeating a submit finds the same task."""

import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from providers.sandbox import webhooks
from providers.sandbox.call import Call, GatewayError
from providers.sandbox.faults import Stage
from providers.sandbox.fields import FieldError, Fields
from providers.sandbox.gateway import Gateway
from providers.sandbox.world import State, Task

BODY_LIMIT = 1_048_576  # tasks submit page: 1 MiB
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
WORDS: Mapping[State, str] = {
    "pending": "pending",
    "running": "running",
    "done": "completed",
    "failed": "failed",
    "canceled": "cancelled",
}
Accept = Callable[..., Awaitable[Task]]


def _ulid(now: float) -> str:
    number = (round(now * 1000) << 80) | secrets.randbits(80)
    return "".join(CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))


async def submit(gateway: Gateway, call: Call, accept: Accept) -> web.Response:
    if len(call.body) > BODY_LIMIT:
        raise GatewayError(413)
    fields = call.fields
    fields.required("model", "params")
    ours = fields.text("out_task_id", 200)
    asked = json.dumps([fields.document["model"], fields.document["params"]], sort_keys=True)
    known = _by_our_id(gateway, call.key, ours) if ours else None
    if known is None:
        callback = fields.address("callback_url")
        params = Fields(fields.document["params"], "params")
        known = await accept(
            call,
            params,
            their_id="task_" + _ulid(gateway.now),
            our_id=ours,
            asked=asked,
            callback_url=callback,
        )
        if ours:
            gateway.memory.setdefault("ours", {})[call.key, ours] = known.id
        await gateway.tell_early(known)
    elif known.details["asked"] != asked:
        status = gateway.world.switches["bs.dup_status"]
        message = "This out_task_id came with other parameters."
        raise GatewayError(int(status), "duplicate_out_task_id", message, ("out_task_id",))
    return web.json_response({"task_id": known.id, **_estimates(known)})


def _estimates(task: Task) -> dict[str, Any]:
    seconds = min(task.duration, 30)
    return {"estimated_credits": task.line.micro_usd / 1_000_000, "estimated_seconds": round(seconds)}


def _by_our_id(gateway: Gateway, key: str, ours: str) -> Task | None:
    theirs = gateway.memory.get("ours", {}).get((key, ours))
    return gateway.tasks.get(theirs) if theirs else None


def find(gateway: Gateway, key: str, document: Mapping[str, Any]) -> Task | None:
    """The task a query names in either way, without checking it."""
    theirs, ours = document.get("task_id"), document.get("out_task_id")
    if isinstance(theirs, str):
        return gateway.tasks.get(theirs)
    return _by_our_id(gateway, key, ours) if isinstance(ours, str) else None


def _asked_for(gateway: Gateway, call: Call) -> Task:
    fields = call.fields
    theirs, ours = fields.text("task_id", 200), fields.text("out_task_id", 200)
    if (theirs is None) == (ours is None):
        raise FieldError(
            "invalid", ("task_id", "out_task_id"), "Exactly one of task_id and out_task_id is needed."
        )
    task = gateway.tasks.get(theirs) if theirs else _by_our_id(gateway, call.key, ours or "")
    if task is None or task.account is not call.payer:
        raise GatewayError(404, "task_not_found", "There is no such task.")
    return task


def query(gateway: Gateway, call: Call) -> web.Response:
    task = _asked_for(gateway, call)
    document = record(gateway, task, task.told(gateway.now))
    if order := gateway.world.orders.take((Stage.POLL,), gateway.slug, "poll", task.prompt):
        document["status"] = order.text("word", "reviewing")
    return web.json_response(document)


def record(gateway: Gateway, task: Task, state: State) -> dict[str, Any]:
    document: dict[str, Any] = {"task_id": task.id, "status": WORDS[state]}
    if task.our_id:
        document["out_task_id"] = task.our_id
    if state in ("pending", "running"):
        document |= _estimates(task)
    elif state == "failed":
        document["error"] = {"code": "api_error", "message": "The upstream failed."}
    elif state == "done":
        unit = gateway.cost(task)
        good = [index for index in range(len(task.pictures)) if index != task.broken]
        document["output"] = [{"type": "image", "url": gateway.link(task, index)} for index in good]
        if unit is not None:
            document["credits_used"] = unit * task.line.pictures / 1_000_000
    return document


def cancel(gateway: Gateway, call: Call) -> web.Response:
    """Free while pending; once running the work is billed all the same: credits and billing page."""
    task = _asked_for(gateway, call)
    gateway.stop(task, refund=task.state(gateway.now) == "pending")
    return web.json_response(record(gateway, task, task.state(gateway.now)))


async def stream(gateway: Gateway, call: Call) -> web.StreamResponse:
    """Server-sent events: the state now, and the state at the end."""
    task = gateway.tasks.get(call.request.match_info["id"])
    if task is None or task.account is not call.payer:
        raise GatewayError(404, "task_not_found", "There is no such task.")
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    response.headers.update(gateway.headers(call))
    await response.prepare(call.request)
    if not task.ended.is_set():
        await _event(response, record(gateway, task, task.state(gateway.now)))
        await task.ended.wait()
    await _event(response, record(gateway, task, task.state(gateway.now)))
    await response.write_eof()
    return response


async def _event(response: web.StreamResponse, document: Mapping[str, Any]) -> None:
    await response.write(f"event: status\ndata: {json.dumps(document)}\n\n".encode())


def _sign(body: bytes, secret: str) -> dict[str, str]:
    return {"X-ByteSpike-Signature": webhooks.digest(body, secret)}


# Neither tries nor signature are documented: three tries, signed with the API key itself.
MANNER = webhooks.Manner(tries=3, pause=1.0, longest_pause=10.0, timeout=10.0, sign=_sign)


async def announce(gateway: Gateway, task: Task) -> None:
    url = task.details.get("callback_url")
    if url:
        document = record(gateway, task, task.state(gateway.now))
        await webhooks.deliver(gateway.world, task, url, task.account.key, [document], MANNER)
