"""Runware's smaller tasks: uploads to refer to, and the account."""

import uuid
from typing import Any

from providers.sandbox.call import Call, GatewayError
from providers.sandbox.fields import Fields
from providers.sandbox.gateway import Gateway
from providers.sandbox.runware_inference import read_reference
from providers.sandbox.runware_results import Part
from providers.sandbox.world import Account

ORGANIZATION = "5a6c0f3e-9c55-4d0e-8a4b-0d1f5b0c7a11"


async def upload(gateway: Gateway, _call: Call, fields: Fields) -> Part:
    """imageUpload: keep a picture and hand out an imageUUID."""
    fields.required("taskUUID", "image")
    name = await _keep(gateway, fields, "image")
    head = {"taskType": "imageUpload", "taskUUID": fields.document["taskUUID"]}
    return Part([head | {"imageUUID": name}])


async def media(gateway: Gateway, _call: Call, fields: Fields) -> Part:
    """mediaStorage: the newer way to keep a picture, and to drop it."""
    fields.required("taskUUID", "operation")
    head = {"taskType": "mediaStorage", "taskUUID": fields.document["taskUUID"]}
    if fields.choice("operation", ("upload", "delete"), "upload") == "delete":
        name = fields.prompt("mediaUUID", 36)
        if gateway.memory.get("uploads", {}).pop(name, None) is None:
            raise GatewayError(404, "mediaNotFound", "There is no such media.", ("mediaUUID",))
        return Part([head | {"mediaUUID": name}])
    fields.required("media")
    name = await _keep(gateway, fields, "media")
    return Part([head | {"mediaUUID": name}])


async def _keep(gateway: Gateway, fields: Fields, field: str) -> str:
    reference = await read_reference(gateway, fields.text(field) or "", field)
    name = str(uuid.uuid4())
    gateway.memory.setdefault("uploads", {})[name] = reference
    return name


async def account(gateway: Gateway, call: Call, fields: Fields) -> Part:
    """accountManagement, getDetails: the balance as a number, or as the newer object."""
    fields.required("taskUUID", "operation")
    fields.choice("operation", ("getDetails",), "getDetails")
    payer = call.payer
    balance: Any = payer.balance / 1_000_000
    if gateway.world.switches["rw.balance_shape"] == "object":
        balance = {"amount": balance, "freeBalance": 0, "currency": "USD"}
    told = {
        "taskType": "accountManagement",
        "taskUUID": fields.document["taskUUID"],
        "organizationName": "Sandbox",
        "organizationUUID": ORGANIZATION,
        "balance": balance,
        "team": [],
        "apiKeys": [{"name": "sandbox", "apiKey": f"…{payer.key[-4:]}", "enabled": True}],
        "usage": _usage(gateway, payer),
    }
    return Part([told])


def _usage(gateway: Gateway, payer: Account) -> dict[str, Any]:
    spent = {
        "credits": payer.spent / 1_000_000,
        "requests": sum(t.account is payer for t in gateway.tasks.values()),
    }
    return dict.fromkeys(("total", "today", "last7Days", "last30Days"), spent)
