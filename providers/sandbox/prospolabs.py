"""Prospolabs: generate and edit, flat or nested, waiting or not, links that end in 410.

Imitates the vendor's model page for seedream-5-lite and its general API pages.
"""

import secrets
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from providers.sandbox import webhooks
from providers.sandbox.call import Call, GatewayError, Route
from providers.sandbox.drawing import fit
from providers.sandbox.faults import Fault, Stage
from providers.sandbox.fields import FieldError, Fields
from providers.sandbox.gateway import DAY, Gateway
from providers.sandbox.references import Reference, UnreadableError, fetch, from_data_uri
from providers.sandbox.sizes import AREAS, RECOMMENDED
from providers.sandbox.world import State, StoredFile, Task

MODEL = "seedream-5-lite"
LONGEST_PROMPT, MOST_IMAGES, MOST_REFERENCES, LARGEST_SEED = 4_000, 6, 10, 2_147_483_647
ASPECTS = ("auto", *dict.fromkeys(aspect for aspect, _ in RECOMMENDED))
WORDS: Mapping[State, str] = {
    "pending": "queued",
    "running": "processing",
    "done": "completed",
    "failed": "failed",
    "canceled": "failed",
}
REASONS = {
    400: ("invalid_request", "The request is not valid."),
    401: ("unauthorized", "The API key is missing or not known."),
    402: ("insufficient_balance", "Top up to continue."),
    403: ("forbidden", "This key may not do that."),
    404: ("not_found", "Not found."),
    413: ("invalid_request", "The body is too large."),
    422: ("content_blocked", "The prompt was blocked."),
    429: ("rate_limited", "Too many requests."),
    500: ("internal_error", "Something went wrong."),
    502: ("upstream_error", "The upstream failed."),
    503: ("unavailable", "Try again later."),
    504: ("timeout", "The request took too long."),
}


def _sign(body: bytes, secret: str) -> dict[str, str]:
    return {"X-Prospolabs-Signature": webhooks.digest(body, secret)}


# Neither tries nor signature are documented: five tries, signed with the API key itself.
MANNER = webhooks.Manner(tries=5, pause=1.0, longest_pause=30.0, timeout=10.0, sign=_sign)


class Prospolabs(Gateway):
    slug = "prospolabs"
    name = "Prospolabs"
    price = 14_000
    link_life = 7 * DAY
    refuses_content = (422, "content_blocked", "The prompt was blocked.")
    optional = frozenset({"estimated_cost_usd", "duration_ms", "output_urls", "outputs", "mode", "error"})

    def routes(self) -> list[Route]:
        return [
            Route("POST", "/v1/generate", "submit", self.generate),
            Route("GET", "/v1/generations/{id}", "poll", self.status),
            Route("GET", "/v1/balance", "balance", self.balance),
        ]

    def recognise(self, call: Call) -> None:
        super().recognise(call)
        params = call.document.get("params") if isinstance(call.document, dict) else None
        if isinstance(params, dict) and isinstance(params.get("prompt"), str):
            call.prompt = params["prompt"]

    def error(self, refused: GatewayError, _call: Call) -> web.Response:
        code, message = REASONS.get(refused.status, REASONS[400 if refused.status < 500 else 500])
        document = {"code": refused.code or code, "message": refused.message or message}
        return web.json_response(document, status=refused.status)

    def invalid(self, problem: FieldError) -> GatewayError:
        return GatewayError(400, None, problem.message, problem.names)

    def expired(self, _file: StoredFile) -> web.Response:
        return web.json_response({"code": "output_expired"}, status=410)

    # Pictures

    async def generate(self, call: Call) -> web.StreamResponse:
        outer = call.fields
        model = outer.prompt("model")
        if model != MODEL:
            raise GatewayError(404, "not_found", f"There is no model {model!r}.")
        outer.required("mode")
        mode = outer.choice("mode", ("generate", "edit"), "generate")
        at_once = outer.flag("async", call.request.query.get("async") == "true")
        url = outer.address("webhook_url")
        task = await self._accept(call, self._parameters(outer), mode, url)
        await self.tell_early(task)
        if at_once:
            return web.json_response(self._record(task, "pending"), status=202)
        limit = self.world.switches.seconds("pl.sync_wait_limit")
        if task.duration > limit:
            await self.world.clock.sleep(limit)
            return web.json_response(self._record(task, "running"), status=202)
        await task.ended.wait()
        return web.json_response(self._record(task, task.state(self.now)))

    def _parameters(self, outer: Fields) -> Fields:
        """Flat beside the model, or nested in ``params``, which wins where both come."""
        shape = self.world.switches["pl.body_shape"]
        if shape == "nested":
            outer.required("params")
        if shape != "flat" and "params" in outer:
            inner = Fields(outer.document["params"], "params")
            return Fields({**outer.document, **inner.document}) if shape == "both" else inner
        return outer

    async def _accept(self, call: Call, fields: Fields, mode: str, webhook_url: str | None) -> Task:
        prompt = fields.prompt("prompt", LONGEST_PROMPT)
        aspect = fields.choice("aspect_ratio", ASPECTS, "16:9")
        size = fields.choice("size", tuple(AREAS), "2K")
        count = fields.whole("num_images", 1, MOST_IMAGES, number=True) or 1
        seed = fields.whole("seed", 0, LARGEST_SEED, number=True)
        references: list[Reference] = []
        if mode == "edit":
            fields.required("image_urls")
            references = await self._references(fields)
        width, height = _pixels(aspect, size, references)
        thumbnails = tuple(one.thumbnail for one in references)
        pictures = self.pictures(
            prompt, width, height, count, seed=seed, references=thumbnails, notes=(aspect, size)
        )
        return self.begin(
            call, pictures, their_id="gen_" + secrets.token_hex(8), mode=mode, webhook_url=webhook_url
        )

    async def _references(self, fields: Fields) -> list[Reference]:
        sources = fields.texts("image_urls", MOST_REFERENCES)
        try:
            data = [
                from_data_uri(one) if one.startswith("data:") else await fetch(self.world.http, one)
                for one in sources
            ]
        except UnreadableError as error:
            raise FieldError("invalid", ("image_urls",), str(error)) from error
        return [await self.reference(one, "image_urls") for one in data]

    async def status(self, call: Call) -> web.StreamResponse:
        task = self.tasks.get(call.request.match_info["id"])
        if task is None or task.account is not call.payer:
            raise GatewayError(404)
        document = self._record(task, task.told(self.now))
        if order := self.world.orders.take((Stage.POLL,), self.slug, "poll", task.prompt):
            document["status"] = order.text("word", "reviewing")
        return web.json_response(document)

    def _record(self, task: Task, state: State) -> dict[str, Any]:
        document: dict[str, Any] = {
            "generation_id": task.id,
            "status": WORDS[state],
            "model": MODEL,
            "mode": task.details["mode"],
        }
        unit = self.cost(task)
        if unit is not None:
            document["estimated_cost_usd"] = unit * task.line.pictures / 1_000_000
        if state == "done":
            good = [index for index in range(len(task.pictures)) if index != task.broken]
            document |= self._outputs([self.link(task, index) for index in good])
            document["duration_ms"] = round(task.duration * 1000)
        elif state == "failed":
            code = "content_blocked" if Fault.REFUSED_CONTENT in task.orders else "upstream_error"
            document["error"] = {"code": code, "message": "The generation failed."}
            document["refunded"] = task.line.refunded
        return document

    def _outputs(self, links: list[str]) -> dict[str, Any]:
        first = {"output_url": links[0] if links else None}
        shape = self.world.switches["pl.multi_output"]
        if shape == "first":
            return first
        return first | (
            {"output_urls": links} if shape == "output_urls" else {"outputs": [{"url": u} for u in links]}
        )

    async def announce(self, task: Task) -> None:
        url = task.details["webhook_url"]
        if url:
            document = self._written(self._record(task, task.state(self.now)))
            await webhooks.deliver(self.world, task, url, task.account.key, [document], MANNER)

    def _written(self, record: dict[str, Any]) -> dict[str, Any]:
        """No page shows a callback's body: the record, in an envelope, or only whose news it is."""
        shape = self.world.switches["pl.webhook_shape"]
        if shape == "data":
            return {"event": "generation." + record["status"], "data": record}
        return record if shape == "record" else {name: record[name] for name in ("generation_id", "status")}

    async def balance(self, call: Call) -> web.StreamResponse:
        return web.json_response({"balance_usd": call.payer.balance / 1_000_000})


def _pixels(aspect: str, size: str, references: list[Reference]) -> tuple[int, int]:
    """The recommended pixels; ``auto`` takes the first reference's shape, or a square."""
    if aspect != "auto":
        return RECOMMENDED[aspect, size]
    if not references:
        return RECOMMENDED["1:1", size]
    return fit(AREAS[size], references[0].width, references[0].height)
