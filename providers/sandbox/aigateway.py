"""AIgateway: OpenAI's shapes for generations and edits, an idempotency key, and jobs when it chooses.

Imitates docs.aigateway.sh pages (images, async jobs, errors, webhooks) and the vendor's OpenAPI text.
"""

import base64
import secrets
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from aiohttp import web

from providers.sandbox import aigateway_jobs as jobs
from providers.sandbox import forms
from providers.sandbox.call import Call, GatewayError, Route
from providers.sandbox.fields import FieldError, Fields
from providers.sandbox.gateway import Gateway
from providers.sandbox.once import once
from providers.sandbox.references import UnreadableError, fetch, from_data_uri
from providers.sandbox.world import Task

EDIT = "bytedance/bytedance-seedream-v5-lite-edit"
TEXT = "bytedance/bytedance-seedream-v5-lite"
# The widest size the model knows is 4704 × 2016; below 256 nothing is documented.
LEAST_SIDE, MOST_SIDE, AUTO = 256, 4704, (2048, 2048)
MOST_IMAGES, MOST_REFERENCES, LONGEST_PROMPT = 10, 10, 32_000
EDIT_IMAGE_BYTES = 25_000_000
KNOWN = {"model", "prompt", "n", "size", "response_format", "quality", "style", "user", "webhook_url"}
KNOWN_EDIT = KNOWN | {"image", "image[]", "image_url", "images", "mask", "mask_url"}

# status: type (reference page), code (errors page), a sentence
REASONS = {
    400: ("invalid_request_error", "invalid_request", "The request is not valid."),
    401: ("authentication_error", "invalid_key", "The API key is missing or not known."),
    402: ("insufficient_credits", "insufficient_credits", "The wallet is empty."),
    403: ("permission_error", "scope_exceeded", "This key may not do that."),
    404: ("not_found", "unknown_model", "Unknown model or endpoint."),
    409: ("invalid_request_error", "idempotency_conflict", "This idempotency key came with another body."),
    413: ("invalid_request_error", "payload_too_large", "The body is too large."),
    422: ("invalid_request_error", "unsupported_parameter", "A parameter is not supported."),
    429: ("rate_limit_error", "rate_limited", "Too many requests this minute."),
    500: ("server_error", "internal_error", "The upstream provider failed."),
    502: ("provider_error", "provider_unavailable", "The upstream provider is not available."),
    503: ("service_unavailable", "capacity_exceeded", "The upstream provider is saturated."),
    504: ("timeout_error", "provider_timeout", "The upstream provider did not answer in time."),
}


class AIgateway(Gateway):
    slug = "aigateway"
    name = "AIgateway"
    price = 35_000
    refuses_content = (400, "content_policy_violation", "The prompt was refused by the content policy.")
    optional = frozenset({"revised_prompt", "usage", "param", "code", "created", "error", "result_url"})

    def routes(self) -> list[Route]:
        return [
            Route("POST", "/v1/images/generations", "submit", self.generations),
            Route("POST", "/v1/images/edits", "submit", self.edits),
            Route("GET", "/v1/jobs/{id}", "poll", self.job),
            Route("POST", "/v1/jobs/{id}/cancel", "cancel", self.cancel),
            Route("DELETE", "/v1/jobs/{id}", "cancel", self.cancel),
            Route("GET", "/v1/balance", "balance", self.balance),
            Route("GET", "/v1/usage/recent", "usage", self.usage_recent),
            Route("GET", "/v1/usage/by-tag", "usage", self.usage_by_tag),
            Route("GET", "/v1/webhook-secret", "other", self.webhook_secret),
            Route("POST", "/v1/webhook-secret/rotate", "other", self.rotate_secret),
            Route("DELETE", "/v1/cache", "other", self.clear_cache),
        ]

    def recognise(self, call: Call) -> None:
        kind = call.header("Content-Type")
        if kind.startswith("multipart/form-data"):
            try:
                parts = forms.parse(call.body, kind)
            except ValueError:
                parts = []
            call.files = [part for part in parts if part.filename is not None]
            call.document = {
                part.name: part.data.decode(errors="replace") for part in parts if part.filename is None
            }
            if call.document.get("n", "").isdecimal():
                call.document["n"] = int(call.document["n"])
        super().recognise(call)

    def error(self, refused: GatewayError, _call: Call) -> web.Response:
        kind, code, message = REASONS.get(refused.status, REASONS[400 if refused.status < 500 else 500])
        integer = self.world.switches["aig.code_type"] == "integer"
        error = {
            "message": refused.message or message,
            "type": kind,
            "code": refused.status if integer else refused.code or code,
        }
        if refused.names:
            error["param"] = refused.names[0]
        return web.json_response({"error": error}, status=refused.status)

    def invalid(self, problem: FieldError) -> GatewayError:
        if problem.problem == "unknown":
            return GatewayError(422, None, problem.message, problem.names)
        return GatewayError(400, None, problem.message, problem.names)

    def headers(self, call: Call) -> Mapping[str, str]:
        limit = self.settings.rpm or 600  # paid plan: rate limits page
        used = len(call.account.calls) if call.account else 0
        return {
            "x-request-id": request_id(call),
            "x-ratelimit-limit": str(limit),
            "x-ratelimit-remaining": str(max(0, limit - used)),
            "x-ratelimit-reset": str(round(self.now) + 60),
        }

    # Pictures

    async def generations(self, call: Call) -> web.StreamResponse:
        return await once(self, call, self._generate)

    async def edits(self, call: Call) -> web.StreamResponse:
        return await once(self, call, self._edit)

    async def _generate(self, call: Call) -> web.Response:
        fields = call.fields
        if self.world.switches["aig.strict_unknown_fields"]:
            fields.known(KNOWN)
        return await self._produce(call, fields, ())

    async def _edit(self, call: Call) -> web.Response:
        fields = call.fields
        if self.world.switches["aig.strict_unknown_fields"]:
            fields.known(KNOWN_EDIT)
        sources = await self._sources(call, fields)
        thumbnails = [(await self.reference(data, "image", EDIT_IMAGE_BYTES)).thumbnail for data in sources]
        return await self._produce(call, fields, tuple(thumbnails))

    async def _sources(self, call: Call, fields: Fields) -> list[bytes]:
        """The pictures to edit: uploaded files, or an address or data URI in JSON."""
        uploads = [part.data for part in call.files if part.name in ("image", "image[]")]
        if not uploads:
            addresses = [fields.text("image_url")]
            if self.world.switches["aig.edit_images_array"] and isinstance(
                fields.document.get("images"), list
            ):
                addresses = [Fields(one, "images").text("image_url") for one in fields.document["images"]]
            uploads = [await self._fetched(address) for address in addresses if address]
        if not 1 <= len(uploads) <= MOST_REFERENCES:
            raise FieldError("missing", ("image",), f"1 to {MOST_REFERENCES} pictures to edit are required.")
        if any(len(data) > EDIT_IMAGE_BYTES for data in uploads):
            raise GatewayError(413)
        return uploads

    async def _fetched(self, address: str) -> bytes:
        try:
            if address.startswith("data:"):
                return from_data_uri(address)
            return await fetch(self.world.http, address)
        except UnreadableError as error:
            raise FieldError("invalid", ("image_url",), str(error)) from error

    async def _produce(self, call: Call, fields: Fields, references: tuple[bytes, ...]) -> web.Response:
        self._check_model(fields)
        prompt = fields.prompt("prompt", LONGEST_PROMPT)
        count = fields.whole("n", 1, MOST_IMAGES) or 1
        width, height = _size(fields)
        form = fields.choice("response_format", ("url", "b64_json"), "url")
        if cached := self._cached(call):
            return cached
        pictures = self.pictures(prompt, width, height, count, kind="png", references=references)
        task = self.begin(
            call,
            pictures,
            their_id="job_" + secrets.token_hex(10),
            our_id=call.header("idempotency-key") or None,
            webhook_url=fields.address("webhook_url"),
            request_id=request_id(call),
            tag=call.header("x-aig-tag")[:64],
            cache=call.digest,
        )
        if self.world.switches["aig.async_images"]:
            await self.tell_early(task)
            return web.json_response({"id": task.id, "status": "queued", "object": "job"}, status=202)
        await task.ended.wait()
        if task.fails:
            raise GatewayError(502)
        return self._priced(task, await self._images(task, form))

    def _check_model(self, fields: Fields) -> None:
        model = fields.prompt("model")
        if model != EDIT and not (model == TEXT and self.world.switches["aig.text_model"]):
            raise GatewayError(404, "unknown_model", f"There is no model {model!r}.", ("model",))

    async def _images(self, task: Task, form: str) -> dict[str, Any]:
        data: list[dict[str, Any]] = []
        for index, picture in enumerate(task.pictures):
            if index == task.broken:
                data.append({"error": {"code": "OutputImageSensitiveContentDetected", "message": "Refused."}})
            elif form == "b64_json":
                data.append({"b64_json": base64.b64encode(await self.inline(picture)).decode()})
            else:
                data.append({"url": self.link(task, index)})
        document: dict[str, Any] = {"created": round(task.started), "data": data}
        if self.world.switches["aig.usage"]:
            tokens = 4096 * len(data)
            document["usage"] = {"input_tokens": 0, "output_tokens": tokens, "total_tokens": tokens}
        if self.world.switches["aig.image_cache"]:
            self.memory.setdefault("cache", {})[task.details["cache"]] = document
        return document

    def _priced(self, task: Task, document: dict[str, Any]) -> web.Response:
        response = web.json_response(document, headers={"x-request-id": task.details["request_id"]})
        unit = self.cost(task)
        if unit is not None:
            response.headers["X-Cost-Cents"] = cents(unit * task.line.pictures)
        return response

    def _cached(self, call: Call) -> web.Response | None:
        """The very same links for the very same body, at a tenth of the price."""
        known = self.memory.get("cache", {}).get(call.digest)
        if known is None or not self.world.switches["aig.image_cache"] or call.header("x-cache") == "skip":
            return None
        amount = self.unit(call.payer, {}) * len(known["data"]) // 10
        self.world.charge(call.payer, call.header("idempotency-key") or None, request_id(call), 0, amount)
        return web.json_response(known, headers={"X-Cost-Cents": cents(amount)})

    # Jobs, money, secrets

    async def job(self, call: Call) -> web.StreamResponse:
        return jobs.answer(self, call)

    async def cancel(self, call: Call) -> web.StreamResponse:
        return jobs.cancel(self, call)

    async def announce(self, task: Task) -> None:
        if self.world.switches["aig.async_images"]:
            await jobs.announce(self, task)

    async def balance(self, call: Call) -> web.StreamResponse:
        left, spent = (float(cents(amount)) for amount in (call.payer.balance, call.payer.spent))
        document = {"object": "balance", "currency": "USD", "balance_cents": left, "spent_cents_30d": spent}
        return web.json_response(document)

    async def usage_recent(self, call: Call) -> web.StreamResponse:
        return web.json_response({"data": jobs.usage_rows(self, call)[-100:][::-1]})

    async def usage_by_tag(self, call: Call) -> web.StreamResponse:
        return web.json_response({"data": jobs.usage_by_tag(self, call)})

    async def webhook_secret(self, call: Call) -> web.StreamResponse:
        return web.json_response({"secret": jobs.secret(self, call.key)})

    async def rotate_secret(self, call: Call) -> web.StreamResponse:
        return web.json_response({"secret": jobs.secret(self, call.key, rotate=True)})

    async def clear_cache(self, _call: Call) -> web.StreamResponse:
        return web.json_response({"cleared": len(self.memory.pop("cache", {}))})


def request_id(call: Call) -> str:
    """The caller's own, echoed; else a new one, the same for the whole call."""
    return str(
        call.note.setdefault("request_id", call.header("X-Request-Id") or "req_" + secrets.token_hex(10))
    )


def cents(micro_usd: int) -> str:
    """A decimal string of fractional cents."""
    return f"{(Decimal(micro_usd) / 10_000).normalize():f}"


def _size(fields: Fields) -> tuple[int, int]:
    value = fields.text("size", 20)
    if value in (None, "auto"):
        return AUTO
    width, _, height = str(value).partition("x")
    if not all(side.isdecimal() and LEAST_SIDE <= int(side) <= MOST_SIDE for side in (width, height)):
        raise FieldError("invalid", ("size",), "size is WIDTHxHEIGHT in pixels, or auto.")
    return int(width), int(height)
