"""Runware's imageInference for bytedance:seedream@5.0-lite: strict reading, a taskUUID once, the work."""

import uuid
from dataclasses import replace
from random import Random
from typing import Any

from providers.sandbox.call import Call, GatewayError, outline
from providers.sandbox.drawing import Picture
from providers.sandbox.fields import FieldError, Fields
from providers.sandbox.gateway import DAY, Gateway
from providers.sandbox.references import Reference, UnreadableError, fetch, from_base64, from_data_uri
from providers.sandbox.runware_results import Part, head, outcome
from providers.sandbox.runware_webhooks import promise
from providers.sandbox.world import Task

MODEL = "bytedance:seedream@5.0-lite"
KNOWN = {
    *("taskType", "taskUUID", "model", "positivePrompt", "width", "height", "inputs", "numberResults"),
    *("outputType", "outputFormat", "outputQuality", "deliveryMethod", "webhookURL", "uploadEndpoint"),
    *("safety", "ttl", "includeCost", "providerSettings"),
}
FORMATS = {"JPG": "jpeg", "PNG": "png", "WEBP": "webp"}
LONGEST_PROMPT, MOST_RESULTS, MOST_REFERENCES, MOST_TOGETHER = 2_000, 20, 14, 15
LEAST_PIXELS, MOST_PIXELS, STEEPEST = 3_686_400, 10_404_496, 16  # the model's window, per its resellers


async def infer(gateway: Gateway, call: Call, fields: Fields) -> Part:
    asked = _read(fields)
    references = await _references(gateway, fields)
    dry = call.header("X-Runware-Dry-Run")
    if dry:
        most = asked["results"] * (asked["sequential"] or 1)
        cost = gateway.unit(call.payer, {}) * most / 1_000_000
        told = {"taskType": "imageInference", "taskUUID": asked["uuid"], "dryRun": True, "cost": cost}
        return Part([told])
    known = gateway.tasks.get(asked["uuid"])
    if known is not None and gateway.now < known.started + DAY:
        status = int(gateway.world.switches["rw.conflict_status"])
        raise GatewayError(status, "conflictTaskUUID", "This taskUUID was used before.", ("taskUUID",))
    pictures = _pictures(gateway, call.prompt, asked, tuple(one.thumbnail for one in references))
    task = gateway.begin(
        call,
        pictures,
        their_id=asked["uuid"],
        our_id=asked["uuid"],
        element=outline(fields.document),
        image_uuids={},
        **{name: asked[name] for name in ("output_type", "ttl", "include_cost", "safety")},
        **{name: asked[name] for name in ("webhook_url", "upload_endpoint")},
    )
    promise(gateway, task)
    await gateway.tell_early(task)
    if asked["delivery"] == "async" or asked["webhook_url"]:
        return Part([head(task)])
    return await _wait(gateway, task)


async def _wait(gateway: Gateway, task: Task) -> Part:
    """A synchronous call is held; after the limit it is let go, and the task goes on (and is charged)."""
    limit = gateway.world.switches.seconds("rw.sync_limit")
    if task.duration > limit:
        await gateway.world.clock.sleep(limit)
        raise GatewayError(504)
    await task.ended.wait()
    return await outcome(gateway, task)


def _read(fields: Fields) -> dict[str, Any]:
    """The parameters of one task. Raises FieldError."""
    fields.known(KNOWN)
    _no_nulls(fields.document)
    fields.required("taskUUID", "model", "positivePrompt", "width", "height")
    fields.choice("model", (MODEL,), MODEL)
    fields.prompt("positivePrompt", LONGEST_PROMPT)
    safety = Fields(fields.document.get("safety", {}), "safety")
    safety.known({"checkContent", "mode"})
    settings = Fields(fields.document.get("providerSettings", {}), "providerSettings")
    settings.known({"bytedance"})
    own = Fields(settings.document.get("bytedance", {}), "providerSettings.bytedance")
    own.known({"maxSequentialImages", "optimizePromptMode"})
    return {
        "uuid": _uuid4(fields),
        "size": _size(fields),
        "results": fields.whole("numberResults", 1, MOST_RESULTS) or 1,
        "output_type": fields.choice("outputType", ("URL", "base64Data", "dataURI"), "URL"),
        "format": FORMATS[fields.choice("outputFormat", tuple(FORMATS), "JPG")],
        "quality": fields.whole("outputQuality", 20, 99) or 95,
        "delivery": fields.choice("deliveryMethod", ("sync", "async"), "sync"),
        "webhook_url": fields.address("webhookURL"),
        "upload_endpoint": fields.address("uploadEndpoint"),
        "ttl": fields.whole("ttl", 60, 10**9),
        "include_cost": fields.flag("includeCost", False),
        "safety": safety.flag("checkContent", False)
        | (safety.choice("mode", ("none", "fast"), "none") == "fast"),
        "sequential": own.whole("maxSequentialImages", 1, MOST_TOGETHER),
        "optimize": own.choice("optimizePromptMode", ("standard", "fast"), "standard"),
    }


def _no_nulls(document: Any, path: str = "") -> None:
    for name, value in document.items():
        if value is None:
            raise FieldError("invalid", (path + name,), f"{path}{name} must not be null.")
        if isinstance(value, dict):
            _no_nulls(value, f"{path}{name}.")


def _uuid4(fields: Fields) -> str:
    text = fields.text("taskUUID", 36) or ""
    try:
        version = uuid.UUID(text).version
    except ValueError:
        version = None
    if version != 4 or len(text) != 36:
        raise FieldError("invalid", ("taskUUID",), "taskUUID must be a UUID v4.")
    return text


def _size(fields: Fields) -> tuple[int, int]:
    width, height = fields.whole("width", 1, 65_536) or 1, fields.whole("height", 1, 65_536) or 1
    if not LEAST_PIXELS <= width * height <= MOST_PIXELS or max(width, height) > STEEPEST * min(
        width, height
    ):
        message = f"width × height must be {LEAST_PIXELS} to {MOST_PIXELS} pixels, at most {STEEPEST}:1."
        raise FieldError("invalid", ("width", "height"), message)
    return width, height


async def _references(gateway: Gateway, fields: Fields) -> list[Reference]:
    inputs = Fields(fields.document.get("inputs", {}), "inputs")
    inputs.known({"referenceImages"})
    sources = inputs.texts("referenceImages", MOST_REFERENCES)
    own = fields.document.get("providerSettings", {}).get("bytedance", {})
    if sources and len(sources) + own.get("maxSequentialImages", 0) > MOST_TOGETHER:
        names = ("inputs.referenceImages", "providerSettings.bytedance.maxSequentialImages")
        raise FieldError("invalid", names, f"References and sequential images are {MOST_TOGETHER} together.")
    return [await read_reference(gateway, source, "inputs.referenceImages") for source in sources]


async def read_reference(gateway: Gateway, source: str, name: str) -> Reference:
    """A reference as an uploaded picture's UUID, an address, a data URI, or bare base64."""
    uploaded: Reference | None = gateway.memory.get("uploads", {}).get(source)
    if uploaded is not None:
        return uploaded
    try:
        if source.startswith(("http://", "https://")):
            data = await fetch(gateway.world.http, source)
        elif source.startswith("data:"):
            data = from_data_uri(source)
        else:
            data = from_base64(source)
    except UnreadableError as error:
        raise FieldError("invalid", (name,), str(error)) from error
    return await gateway.reference(data, name)


def _pictures(
    gateway: Gateway, prompt: str, asked: dict[str, Any], references: tuple[bytes, ...]
) -> list[Picture]:
    """Each result has a seed of its own; a group brings between one picture and as many as allowed."""
    luck = Random(asked["uuid"])
    width, height = asked["size"]
    count = sum(luck.randint(1, asked["sequential"] or 1) for _ in range(asked["results"]))
    notes = [f"{asked['optimize']} prompt"] if asked["optimize"] != "standard" else []
    notes += [f"one of up to {asked['sequential']} in a group"] if asked["sequential"] else []
    shown = {"references": references, "notes": tuple(notes), "quality": asked["quality"]}
    drawn = gateway.pictures(prompt, width, height, count, kind=asked["format"], **shown)
    return [replace(picture, seed=luck.randrange(2**31)) for picture in drawn]
