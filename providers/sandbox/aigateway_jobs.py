"""AIgateway's jobs: what an image call becomes when it is answered 202, and its callbacks and usage rows."""

import secrets
import time
from typing import Any

from aiohttp import web

from providers.sandbox import webhooks
from providers.sandbox.call import Call, GatewayError
from providers.sandbox.faults import Fault, Stage
from providers.sandbox.gateway import Gateway
from providers.sandbox.world import Task

QUICKEST_POLL = 3.0  # async jobs page: earlier polls get 304
KEPT = 7 * 86_400.0
WORDS = {"pending": "queued", "running": "running", "done": "completed", "failed": "failed"}


def answer(gateway: Gateway, call: Call) -> web.Response:
    task = _find(gateway, call)
    last = task.details.get("polled_at")
    if last is not None and gateway.now - last < QUICKEST_POLL:
        return web.Response(status=304)
    task.details["polled_at"] = gateway.now
    document = record(gateway, task, task.told(gateway.now))
    if order := gateway.world.orders.take((Stage.POLL,), gateway.slug, "poll", task.prompt):
        document["status"] = order.text("word", "reviewing")
    return web.json_response(document)


def cancel(gateway: Gateway, call: Call) -> web.Response:
    task = _find(gateway, call)
    gateway.stop(task, refund=True)
    return web.json_response(record(gateway, task, task.state(gateway.now)))


def _find(gateway: Gateway, call: Call) -> Task:
    task = gateway.tasks.get(call.request.match_info["id"])
    if task is None or task.account is not call.payer:
        raise GatewayError(404, "not_found", "There is no such job.")
    return task


def record(gateway: Gateway, task: Task, state: str) -> dict[str, Any]:
    """The job as its page shows it, or as the vendor's client reads it; links are new at each reading."""
    document: dict[str, Any] = {
        "id": task.id,
        "object": "job",
        "status": WORDS.get(state, "cancelled"),
        "created_at": round(task.started),
    }
    sdk = gateway.world.switches["aig.job_shape"] == "sdk"
    if sdk:
        document |= {"modality": "image", "updated_at": round(gateway.now)}
    if state == "failed":
        message = "The upstream provider failed."
        document["error"] = message if sdk else {"code": "provider_unavailable", "message": message}
    elif state == "done":
        links = _links(gateway, task)
        first = links[0]["url"] if links else None
        document |= {"result_url": first} if sdk else {"result": {"file_url": first, "data": links}}
    return document


def _links(gateway: Gateway, task: Task) -> list[dict[str, str]]:
    if gateway.now > task.started + KEPT:
        return [{"url": link} for link in task.links.values()]
    good = [index for index in range(len(task.pictures)) if index != task.broken]
    return [{"url": gateway.link(task, index, fresh=True)} for index in good]


def secret(gateway: Gateway, key: str, *, rotate: bool = False) -> str:
    """The key's webhook secret; a rotated one is dead at once."""
    kept = gateway.memory.setdefault("secrets", {})
    if rotate or key not in kept:
        kept[key] = "whsec_" + secrets.token_urlsafe(24)
    return str(kept[key])


def _sign(body: bytes, key: str) -> dict[str, str]:
    """Both published forms at once: two headers, and one header of the vendor's client."""
    stamp = str(round(time.time()))
    signature = webhooks.digest(stamp.encode() + b"." + body, key)
    return {
        "aig-signature": signature,
        "aig-timestamp": stamp,
        "X-Gateway-Signature": f"t={stamp},v1={signature}",
    }


# Webhooks page: 2xx within 10 s, else exponential backoff for a day, about 8 tries.
MANNER = webhooks.Manner(tries=8, pause=10.0, longest_pause=12 * 3600.0, timeout=10.0, sign=_sign)


async def announce(gateway: Gateway, task: Task) -> None:
    url = task.details["webhook_url"]
    if url:
        document = record(gateway, task, task.state(gateway.now))
        key = secret(gateway, task.account.key)
        await webhooks.deliver(gateway.world, task, url, key, [document], MANNER)


def usage_rows(gateway: Gateway, call: Call) -> list[dict[str, Any]]:
    """What this key spent, call by call, oldest first."""
    return [
        {
            "request_id": task.details["request_id"],
            "model": "bytedance/bytedance-seedream-v5-lite-edit",
            "status": WORDS.get(task.state(gateway.now), "cancelled"),
            "latency_ms": 0 if Fault.NEVER_FINISHES in task.orders else round(task.duration * 1000),
            "cost_cents": 0 if task.line.refunded else task.line.micro_usd / 10_000,
            "tag": task.details["tag"] or None,
            "created_at": round(task.started),
        }
        for task in gateway.tasks.values()
        if task.account is call.payer
    ]


def usage_by_tag(gateway: Gateway, call: Call) -> list[dict[str, Any]]:
    totals: dict[str, dict[str, Any]] = {}
    for row in usage_rows(gateway, call):
        total = totals.setdefault(row["tag"] or "", {"label": row["tag"], "requests": 0, "cost_cents": 0})
        total["requests"] += 1
        total["cost_cents"] += row["cost_cents"]
    return list(totals.values())
