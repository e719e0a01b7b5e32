"""What Runware says about a task: entries that appear one by one, failures beside them, the archive."""

import base64
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from providers.sandbox.call import Call, GatewayError
from providers.sandbox.drawing import MEDIA_TYPES
from providers.sandbox.faults import Fault, Stage
from providers.sandbox.fields import Fields
from providers.sandbox.gateway import Gateway
from providers.sandbox.world import Task


@dataclass(frozen=True)
class Part:
    """What one task of the array brings to the answer."""

    data: list[dict[str, Any]]
    errors: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def ready_at(task: Task, index: int) -> float:
    """When one picture of several is there: they come evenly."""
    return task.started + task.duration * (index + 1) / len(task.pictures)


def head(task: Task) -> dict[str, Any]:
    return {"taskType": "imageInference", "taskUUID": task.id}


async def entry(gateway: Gateway, task: Task, index: int) -> dict[str, Any]:
    """One picture that is there."""
    picture, asked = task.pictures[index], task.details
    found = head(task) | {"imageUUID": asked["image_uuids"].setdefault(index, str(uuid4()))}
    if asked["output_type"] == "URL":
        found["imageURL"] = gateway.link(task, index, life=asked["ttl"])
    else:
        text = base64.b64encode(await gateway.inline(picture)).decode()
        uri = asked["output_type"] == "dataURI"
        found |= (
            {"imageDataURI": f"data:{MEDIA_TYPES[picture.format]};base64,{text}"}
            if uri
            else {"imageBase64Data": text}
        )
    found["seed"] = picture.seed
    unit = gateway.cost(task)
    if asked["include_cost"] and unit is not None:
        found["cost"] = unit / 1_000_000
    if asked["safety"] or Fault.FLAGGED in task.orders:
        found["NSFWContent"] = Fault.FLAGGED in task.orders
    return found


def failure(task: Task) -> dict[str, Any]:
    refused = Fault.REFUSED_CONTENT in task.orders or task.broken is not None
    return head(task) | {
        "code": "invalidProviderContent" if refused else "timeoutProvider",
        "status": "error",
        "message": "The provider refused the content." if refused else "The provider did not answer in time.",
        "documentation": "https://runware.ai/docs/platform/errors",
    }


async def outcome(gateway: Gateway, task: Task) -> Part:
    """Everything, at the end."""
    if task.fails:
        return Part([], [failure(task)])
    good = [index for index in range(len(task.pictures)) if index != task.broken]
    errors = [failure(task)] if task.broken is not None else []
    return Part([await entry(gateway, task, index) for index in good], errors)


async def respond(gateway: Gateway, call: Call, fields: Fields) -> Part:
    """getResponse: what is there, what is still processing, and what failed."""
    task = _task(gateway, call, fields)
    if task is None:
        if gateway.world.switches["rw.unknown_task"] == "empty":
            return Part([])
        raise GatewayError(404, "taskNotFound", "There is no such task.", ("taskUUID",))
    now = gateway.now
    state = task.told(now)
    data: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    if state == "failed":
        _place(gateway, failure(task), data, errors)
    elif task.fails or state == "canceled":
        data += _unfinished(gateway, task, now)
    else:
        for index in range(len(task.pictures)):
            if now < ready_at(task, index):
                data += _unfinished(gateway, task, now)
            elif index == task.broken:
                _place(gateway, failure(task), data, errors)
            else:
                data.append(await entry(gateway, task, index) | {"status": "success"})
    if order := gateway.world.orders.take((Stage.POLL,), gateway.slug, "poll", task.prompt):
        data = [head(task) | {"status": order.text("word", "reviewing")}]
    return Part(data, errors)


def _unfinished(gateway: Gateway, task: Task, now: float) -> list[dict[str, Any]]:
    """One page lists what is still processing; a client has seen nothing at all for a task that runs."""
    return [_processing(task, now)] if gateway.world.switches["rw.unfinished"] == "listed" else []


def _processing(task: Task, now: float) -> dict[str, Any]:
    return head(task) | {"status": "processing", "progress": round(task.fraction(now) * 100)}


def _place(
    gateway: Gateway, error: dict[str, Any], data: list[dict[str, Any]], errors: list[dict[str, Any]]
) -> None:
    if gateway.world.switches["rw.failed_item_place"] == "errors":
        errors.append(error)
        return
    kept = {"taskType", "taskUUID", "status"}
    told = {name: value for name, value in error.items() if name not in kept}
    data.append({name: error[name] for name in kept} | {"error": told})


async def details(gateway: Gateway, call: Call, fields: Fields) -> Part:
    """getTaskDetails: the archived request and response of a task."""
    task = _task(gateway, call, fields)
    if task is None:
        raise GatewayError(404, "taskNotFound", "There is no such task.", ("taskUUID",))
    state = task.state(gateway.now)
    end = (
        await outcome(gateway, task)
        if state in ("done", "failed")
        else Part([_processing(task, gateway.now)])
    )
    archived = {"data": end.data} | ({"errors": end.errors} if end.errors else {})
    found = {"taskType": "getTaskDetails", "taskUUID": task.id}
    return Part([found | {"request": [task.details["element"]], "response": archived}])


def _task(gateway: Gateway, call: Call, fields: Fields) -> Task | None:
    fields.required("taskUUID")
    task = gateway.tasks.get(fields.text("taskUUID", 36) or "")
    return task if task is not None and task.account is call.payer else None
