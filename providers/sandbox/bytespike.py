"""Bytespike: synchronous pictures, and a tasks API that keeps the caller's own id.

Imitates docs.bytespike.ai (model page, errors reference, rate limits, tasks, account pages).
"""

import base64
import secrets
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from providers.sandbox import bytespike_subscriptions as subscriptions
from providers.sandbox import bytespike_tasks as tasks
from providers.sandbox.call import Call, GatewayError, Route
from providers.sandbox.fields import FieldError, Fields
from providers.sandbox.gateway import Gateway
from providers.sandbox.references import UnreadableError, fetch, from_data_uri
from providers.sandbox.world import Account, Task

MODEL = "seedream-v5lite"
SIZES = ("1024x1024", "1024x1536", "1536x1024")
MORE_SIZES = ("1024x1792", "1792x1024")  # the models page
LONGEST_PROMPT, LARGEST_SEED = 4_000, 2_147_483_647
WINDOW, WINDOW_LIMIT = 5 * 3600.0, 1_000_000_000  # the tightest spend window: seconds, micro-dollars

# status: type, code, a sentence
REASONS = {
    400: ("invalid_request_error", "invalid_param", "The request is not valid."),
    401: ("authentication_error", "invalid_api_key", "The API key is missing, wrong, revoked or expired."),
    402: ("billing_error", "insufficient_balance", "The wallet is empty."),
    403: ("permission_error", "permission_denied", "This key may not do that."),
    404: ("not_found_error", "not_found", "There is nothing here."),
    413: ("invalid_request_error", "request_too_large", "The prompt or the body is too long."),
    429: ("rate_limit_error", "rate_limit_exceeded", "The spend window is used up."),
    451: ("content_policy_error", "content_policy_violation", "The prompt was blocked by upstream safety."),
    500: ("api_error", "api_error", "The upstream failed."),
    502: ("api_error", "api_error", "The upstream failed."),
    503: ("overloaded_error", "overloaded_error", "The upstream is overloaded."),
    504: ("api_error", "api_error", "The upstream did not answer in time."),
}


class Bytespike(Gateway):
    slug = "bytespike"
    name = "Bytespike"
    price = 12_000
    body_limit = 32_000_000
    refuses_content = (451, "content_policy_violation", "The prompt was blocked by upstream safety.")
    optional = frozenset(
        {"revised_prompt", "type", "code", "param", "estimated_seconds", "credits_used", "created"}
    )

    def routes(self) -> list[Route]:
        return [
            Route("POST", "/v1/images/generations", "submit", self.generations),
            Route("POST", "/v1/tasks/submit", "submit", self.submit),
            Route("POST", "/v1/tasks/query", "poll", self.query),
            Route("POST", "/v1/tasks/cancel", "cancel", self.cancel),
            Route("GET", "/v1/tasks/stream/{id}", "poll", self.stream),
            Route("GET", "/api/v1/me/account", "balance", self.account),
            Route("GET", "/api/v1/me/usage", "usage", self.usage),
            *subscriptions.routes(self),
        ]

    def key(self, call: Call) -> str:
        return call.header("x-api-key") or call.bearer  # where both come, x-api-key wins: authentication page

    def recognise(self, call: Call) -> None:
        super().recognise(call)
        document = call.document if isinstance(call.document, dict) else {}
        params = document.get("params")
        if isinstance(params, dict) and isinstance(params.get("prompt"), str):
            call.prompt = params["prompt"]
        elif call.operation in ("poll", "cancel") and (task := tasks.find(self, self.key(call), document)):
            call.prompt = task.prompt

    def error(self, refused: GatewayError, _call: Call) -> web.Response:
        kind, code, message = REASONS.get(refused.status, REASONS[400 if refused.status < 500 else 500])
        error = {
            "message": refused.message or message,
            "type": kind,
            "code": refused.code or code,
            "param": refused.names[0] if refused.names else None,
        }
        return web.json_response({"error": error}, status=refused.status)

    def invalid(self, problem: FieldError) -> GatewayError:
        return GatewayError(400, None, problem.message, problem.names)

    def headers(self, call: Call) -> Mapping[str, str]:
        """Dollars, not requests; the reset is a moment, not a delay: rate limits page."""
        spent, started = self.window(call.account) if call.account else (0, self.now)
        left = call.account.balance if call.account else 0
        return {
            "X-RateLimit-Limit": dollars(WINDOW_LIMIT),
            "X-RateLimit-Remaining": dollars(max(0, WINDOW_LIMIT - spent)),
            "X-RateLimit-Reset": str(round(started + WINDOW)),
            "X-Quota-Remaining-Credits": dollars(max(0, left)),
        }

    def pacing(self, wait: float) -> Mapping[str, str]:
        return {"X-RateLimit-Reset": str(round(self.now + wait))}

    def too_many_at_once(self) -> GatewayError:
        return GatewayError(429, "concurrency_limit", "Too many calls are running.")

    def window(self, account: Account) -> tuple[int, float]:
        """What this key spent in the present window, and when that began."""
        windows = self.memory.setdefault("windows", {})
        started, before = windows.get(account.key, (self.now, 0))
        if self.now >= started + WINDOW:
            started, before = self.now, account.spent
        windows[account.key] = (started, before)
        return account.spent - before, started

    # Pictures

    async def generations(self, call: Call) -> web.StreamResponse:
        fields = call.fields
        form = "url"
        if self.world.switches["bs.surface"] == "union":
            form = fields.choice("response_format", ("url", "b64_json"), "url")
        task = await self.accept(call, fields, their_id="img_" + secrets.token_hex(10))
        await task.ended.wait()
        if task.fails:
            raise GatewayError(502)
        data: list[dict[str, Any]] = []
        for index, picture in enumerate(task.pictures):
            if index == task.broken:
                data.append({"error": {"code": "OutputImageSensitiveContentDetected", "message": "Refused."}})
            elif form == "b64_json":
                data.append({"b64_json": base64.b64encode(await self.inline(picture)).decode()})
            else:
                data.append({"url": self.link(task, index), **_revised(task.prompt, index)})
        return web.json_response({"created": round(self.now), "data": data})

    async def accept(self, call: Call, fields: Fields, **ids: Any) -> Task:
        """Read the parameters of one picture request, wherever they stand, and begin."""
        union = self.world.switches["bs.surface"] == "union"
        self.check_model(call)
        if self.window(call.payer)[0] >= WINDOW_LIMIT:
            raise GatewayError(429)
        prompt = fields.prompt("prompt")
        negative = fields.text("negative_prompt")
        if len(prompt) > LONGEST_PROMPT or len(negative or "") > LONGEST_PROMPT:
            raise GatewayError(413)
        count = fields.whole("n", 1, 8 if union else 4) or 1
        seed = fields.whole("seed", 0, LARGEST_SEED)
        size = fields.choice("size", SIZES + MORE_SIZES if union else SIZES, SIZES[0])
        width, height = (int(side) for side in size.split("x"))
        source = fields.text("source_image") if union else None
        references = (await self._source(source),) if source else ()
        notes = (f"without {negative[:60]}",) if negative else ()
        pictures = self.pictures(prompt, width, height, count, seed=seed, references=references, notes=notes)
        return self.begin(call, pictures, **ids)

    def check_model(self, call: Call) -> None:
        model = call.fields.prompt("model")
        if model != MODEL:
            status = self.world.switches["bs.unknown_model_status"]
            raise GatewayError(int(status), "model_not_found", f"There is no model {model!r}.", ("model",))

    async def _source(self, source: str) -> bytes:
        try:
            if source.startswith("data:"):
                data = from_data_uri(source)
            else:
                data = await fetch(self.world.http, source)
        except UnreadableError as error:
            raise FieldError("invalid", ("source_image",), str(error)) from error
        return (await self.reference(data, "source_image")).thumbnail

    async def submit(self, call: Call) -> web.StreamResponse:
        return await tasks.submit(self, call, self.accept)

    async def query(self, call: Call) -> web.StreamResponse:
        return tasks.query(self, call)

    async def cancel(self, call: Call) -> web.StreamResponse:
        return tasks.cancel(self, call)

    async def stream(self, call: Call) -> web.StreamResponse:
        return await tasks.stream(self, call)

    async def announce(self, task: Task) -> None:
        if task.id.startswith("task_"):
            subscriptions.announce(self, task)
        await tasks.announce(self, task)

    # Money

    async def account(self, call: Call) -> web.StreamResponse:
        payer = call.payer
        return web.json_response(
            {
                "user": {"id": "usr_sandbox", "email": "sandbox@example.com"},
                "balance": {
                    "available_usd": payer.balance / 1_000_000,
                    "lifetime_topup_usd": (payer.balance + payer.spent) / 1_000_000,
                    "lifetime_spent_usd": payer.spent / 1_000_000,
                    "low_balance_threshold_usd": 5,
                    "low_balance_flagged": payer.balance < 5_000_000,
                },
                "allowed_models": [MODEL],
                "org": None,
            }
        )

    async def usage(self, call: Call) -> web.StreamResponse:
        limit = call.request.query.get("limit", "50")
        if not limit.isdecimal() or not 1 <= int(limit) <= 1000:
            raise GatewayError(400, None, "limit is 1 to 1000.", ("limit",))
        rows = [
            {
                "id": task.id,
                "model": MODEL,
                "images": task.line.pictures,
                "credits": 0 if task.line.refunded else task.line.micro_usd / 1_000_000,
                "created_at": round(task.started),
            }
            for task in reversed(self.tasks.values())
            if task.account is call.payer
        ]
        return web.json_response({"data": rows[: int(limit)]})


def dollars(micro_usd: int) -> str:
    """Two decimals, cut, as the headers are written."""
    return f"{micro_usd // 1_000_000}.{micro_usd % 1_000_000 // 10_000:02d}"


def _revised(prompt: str, index: int) -> dict[str, str | None]:
    """A revised prompt for every other picture; else null or nothing, in turn."""
    if index % 2 == 0:
        return {"revised_prompt": f"{prompt}, refined, in natural light"}
    return {"revised_prompt": None} if index % 4 == 1 else {}
