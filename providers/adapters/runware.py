"""Runware: one address, arrays of tasks, our own id for each; answers name every picture.

Sources: the Seedream 5.0 Lite model page; runware.ai/docs/platform (authentication, errors,
task-polling, webhooks, rate-limits); the vendor's TypeScript and Python clients for the error
families, the shape of partial results and of ``conflictTaskUUID``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from uuid import UUID

from providers.adapters import runware_reports as reports
from providers.adapters import verdict, wire
from providers.errors import ProviderError, Reason
from providers.offer import INLINE_PER_CALL, SEEDREAM_SIZES, Offer, SizeRule
from providers.provider import Profile, Provider, Traits
from providers.values import (
    Account,
    Answer,
    Balance,
    Cost,
    Exchange,
    ImageRequest,
    Report,
    Running,
)

_MODEL = "bytedance:seedream@5.0-lite"
_OUTPUTS = {"url": "URL", "base64": "base64Data", "data_uri": "dataURI"}
# AVIF is made here from the kept original, so the lossless format is the one to ask for.
_FORMATS = {"png": "PNG", "jpeg": "JPG", "webp": "WEBP", "avif": "PNG"}
_STEEPEST = 16
"""The model's limit of one side to the other."""
_SQUARES = {("auto", tier): SEEDREAM_SIZES["1:1", tier] for tier in ("2K", "3K")}

_OFFER = Offer(
    model="seedream-5-lite",
    provider="runware",
    native_model=_MODEL,
    list_price=35_000,
    sizes=SizeRule(
        names={
            named: f"{width}x{height}" for named, (width, height) in {**SEEDREAM_SIZES, **_SQUARES}.items()
        },
        default=("1:1", "2K"),
        exact=True,
    ),
    max_count=20,
    prompt_max=2000,
    retention=7 * 24 * 3600,
    seconds=(5, 30),
    max_references=14,
    max_sequential=15,
    formats=frozenset({"png", "jpeg", "webp"}),
    safety_check=True,
    optimizations=frozenset({"standard", "fast"}),
    deliveries=frozenset({"sync", "poll", "webhook"}),
    outputs=frozenset(_OUTPUTS),
    ttl_min=60,
    uploads=True,
    notes=("Automatic aspect is the first reference's, or a square: this gateway always wants pixels.",),
)

_ACCOUNT_TASK = "6f0f1c0e-7d0c-4d39-9a35-6f1d1f2a9b10"  # a question needs a v4 id too; any will do


class Runware(Provider):
    profile = Profile(slug="runware", name="Runware", base_url="https://api.runware.ai", offers=(_OFFER,))

    def __init__(self, account: Account) -> None:
        self.account = account

    @property
    def traits(self) -> Traits:
        # Its lists have no word for the end of a task, and what is still being made may be missing in them.
        return Traits(
            link_life=7 * 24 * 3600,
            keeps_our_key=24 * 3600,
            longest=1200,
            grows=120,
            finds=True,
            webhook=True,
        )

    def submit(self, request: ImageRequest, ours: UUID) -> Exchange[Report]:
        """Sent twice with the same id it is one order: the second is ``conflictTaskUUID``."""
        waits = request.delivery == "sync"
        timeout = wire.LONG if waits or request.references else wire.SHORT
        return self._post(_inference(request, ours), partial(reports.read_submit, str(ours)), timeout=timeout)

    def poll(self, theirs: str) -> Exchange[Report]:
        return self._ask(theirs, absent=Running(theirs))

    def find(self, ours: UUID) -> Exchange[Report]:
        """Its id is our id. An empty list proves nothing, so it is an error to come back after."""
        return self._ask(str(ours), absent=None)

    def quote(self, request: ImageRequest, ours: UUID) -> Exchange[Cost]:
        """What it would take, without making or charging anything. Spend a fresh id on it."""
        task = {**_inference(request, ours), "deliveryMethod": "sync", "includeCost": True}
        task.pop("webhookURL", None)
        return self._post(task, partial(_read_quote, str(ours)), {"x-runware-dry-run": "1"})

    def balance(self) -> Exchange[Balance]:
        task = {"taskType": "accountManagement", "taskUUID": _ACCOUNT_TASK, "operation": "getDetails"}
        return self._post(task, _read_balance)

    def read_webhook(self, headers: Mapping[str, str], body: bytes) -> tuple[str | None, Report]:
        """One call per picture, unsigned, flat or wrapped: news of a part, never the end of the task."""
        told = wire.decode_object(body)
        data = told.get("data")  # a list, or the one entry by itself, as its uploads answer
        listed = wire.objects_in([data] if isinstance(data, dict) else data)
        listed += [*wire.objects_in(told.get("errors")), told]
        theirs = next((known for e in listed if (known := wire.identifier(e.get("taskUUID")))), None)
        if theirs is None:
            raise ProviderError(Reason.NO_ANSWER, "the webhook names no task")
        flat = "data" not in told and "errors" not in told
        task = reports.task_of(theirs, {"data": [told]} if flat else told)
        return theirs, Running(theirs, task.progress, task.results, task.cost)

    def _ask(self, theirs: str, absent: Running | None) -> Exchange[Report]:
        task = {"taskType": "getResponse", "taskUUID": theirs}
        return self._post(task, partial(reports.read_poll, theirs, absent))

    def _post(
        self,
        task: Mapping[str, object],
        read: wire.Reader[wire.T],
        more: Mapping[str, str] | None = None,
        timeout: float = wire.SHORT,
    ) -> Exchange[wire.T]:
        headers = {"authorization": f"Bearer {self.account.api_key}", **(more or {})}
        return wire.exchange(self.account, "POST", "/v1", read, headers=headers, json=[task], timeout=timeout)


def _pixels(request: ImageRequest) -> tuple[int, int]:
    """Width and height; an automatic aspect is the first reference's, as far as the model goes."""
    width, height = map(int, _OFFER.native_size(request).split("x"))
    shape = request.references[0].size if request.references else None
    if request.aspect_ratio != "auto" or shape is None:
        return width, height
    ratio = max(1 / _STEEPEST, min(_STEEPEST, shape[0] / shape[1]))
    area = width * height
    return _even(math.sqrt(area * ratio)), _even(math.sqrt(area / ratio))


def _even(side: float) -> int:
    """Whole steps of sixteen pixels, as all its recommended sizes are."""
    return round(side / 16) * 16


def _output(request: ImageRequest) -> str:
    """How the bytes come: a related set cannot be split, so one too large for an answer comes by links."""
    inline = request.output if request.pictures <= INLINE_PER_CALL else None
    return _OUTPUTS[inline or "url"]


def _inference(request: ImageRequest, ours: UUID) -> dict[str, object]:
    width, height = _pixels(request)
    bytedance = {
        "maxSequentialImages": request.sequential,
        "optimizePromptMode": request.prompt_optimization,
    }
    bytedance = {name: value for name, value in bytedance.items() if value is not None}
    waits = request.delivery == "sync"
    task: dict[str, object | None] = {
        "taskType": "imageInference",
        "taskUUID": str(ours),
        "model": _MODEL,
        "positivePrompt": request.prompt,
        "width": width,
        "height": height,
        "numberResults": request.count,
        "outputType": _output(request),
        "outputFormat": _FORMATS[request.output_format] if request.output_format else None,
        "outputQuality": request.output_quality if request.output_format != "avif" else None,
        "deliveryMethod": "sync" if waits else "async",
        "webhookURL": None if waits else request.webhook_url,
        "uploadEndpoint": request.upload_url,
        "includeCost": request.include_cost,
        "ttl": request.ttl,
        "safety": None if request.safety_check is None else {"checkContent": request.safety_check},
        "inputs": {"referenceImages": [wire.data_uri(r) for r in request.references]}
        if request.references
        else None,
        "providerSettings": {"bytedance": bytedance} if bytedance else None,
    }
    return {name: value for name, value in task.items() if value is not None}


def _read_quote(theirs: str, answer: Answer) -> Cost:
    if not 200 <= answer.status < 300:
        raise verdict.unanswered(answer)
    task = reports.task_of(theirs, wire.decode_object(answer.body))
    if task.cost is None:
        said = verdict.fault({"error": task.errors[0]}) if task.errors else "no cost"
        raise ProviderError(Reason.NO_ANSWER, str(said))
    return Cost(task.cost.raw, task.cost.micros, final=False)


def _read_balance(answer: Answer) -> Balance:
    if not 200 <= answer.status < 300:
        raise verdict.unanswered(answer)
    task = reports.task_of(_ACCOUNT_TASK, wire.decode_object(answer.body))
    if not task.entries and task.errors:
        error = task.errors[0]
        raise ProviderError(
            reports.reason_of(error) or Reason.NO_ANSWER, str(verdict.fault({"error": error}))
        )
    told = next((entry["balance"] for entry in task.entries if "balance" in entry), None)
    shape = wire.object_in(told)
    amount = wire.decimal(shape.get("amount") if shape else told)
    if amount is None:
        raise ProviderError(Reason.NO_ANSWER, "no balance")
    currency = wire.text(shape.get("currency"), 10) or "USD"
    return Balance(amount, currency, wire.micros(amount) if currency == "USD" else None)
