"""3D AI Studio: tasks that are polled, references as data URIs only, credits, three requests a minute.

Imitates www.3daistudio.com/Platform/API/Documentation: Seedream V5 Lite, 3D generation, wallet.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from providers.sandbox import files
from providers.sandbox.call import Call, GatewayError, Route
from providers.sandbox.drawing import fit
from providers.sandbox.faults import Fault, Stage
from providers.sandbox.fields import FieldError, Fields
from providers.sandbox.gateway import DAY, Gateway
from providers.sandbox.references import UnreadableError, from_data_uri
from providers.sandbox.world import State, StoredFile, Task

# The preset names are fal's; fal scales its base sizes up to the model's least pixel count, 2560 × 1440.
LEAST_PIXELS = 3_686_400
PRESETS = {
    "square_hd": (1024, 1024),
    "square": (512, 512),
    "portrait_4_3": (768, 1024),
    "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768),
    "landscape_16_9": (1024, 576),
}
AUTO = {"auto_2K": (2048, 2048), "auto_3K": (3072, 3072)}
LONGEST_PROMPT, MOST_IMAGES, MOST_REFERENCES, LARGEST_SEED = 4_000, 6, 10, 2**63 - 1
CREDITS_PER_IMAGE, MICRO_PER_CREDIT = 10, 4_000
WORDS: Mapping[State, str] = {
    "pending": "PENDING",
    "running": "IN_PROGRESS",
    "done": "FINISHED",
    "failed": "FAILED",
    "canceled": "FAILED",
}
REASONS = {
    400: ("validation_failed", "Missing or invalid parameters."),
    401: ("invalid_api_key", "The API key is missing or not known."),
    402: ("insufficient_credits", "Not enough credits. Top up your wallet."),
    403: ("permission_denied", "This key may not do that."),
    404: ("not_found", "Not found."),
    413: ("request_too_large", "The body is too large."),
    429: ("rate_limited", "Rate limit exceeded. Wait and retry."),
    500: ("internal_error", "Something went wrong."),
    502: ("internal_error", "Something went wrong."),
    503: ("unavailable", "Try again later."),
    504: ("timeout", "The request took too long."),
}


class ThreeDAI(Gateway):
    slug = "threedai"
    name = "3D AI Studio"
    price = CREDITS_PER_IMAGE * MICRO_PER_CREDIT
    body_limit = 30_000_000
    optional = frozenset(
        {"failure_reason", "progress", "thumbnail", "metadata", "asset_url", "detail", "created_at"}
    )

    def routes(self) -> list[Route]:
        images = "/v1/images/seedream/v5/lite"
        return [
            Route("POST", f"{images}/generate/", "submit", self.generate),
            Route("POST", f"{images}/edit/", "submit", self.edit),
            Route("GET", "/v1/generation-request/{id}/status/", "poll", self.status),
            Route("GET", "/account/user/wallet/", "balance", self.wallet),
            Route("GET", "/user/wallet/", "balance", self.wallet),
        ]

    async def nowhere(self, call: Call) -> web.StreamResponse:
        """Every path ends in a slash; without it a redirect (which turns a POST into a GET) or nothing."""
        path = call.request.path
        slashed = not path.endswith("/") and path.startswith(("/v1/", "/account/", "/user/"))
        if slashed and self.world.switches["3d.missing_slash"] == 301:
            return web.Response(status=301, headers={"Location": path + "/"})
        return await super().nowhere(call)

    def counts_to_rate(self, call: Call) -> bool:
        return call.operation == "submit" or self.world.switches["3d.rate_counts_polls"] is True

    def pacing(self, wait: float) -> Mapping[str, str]:
        return super().pacing(wait) if self.world.switches["3d.retry_after"] else {}

    def error(self, refused: GatewayError, _call: Call) -> web.Response:
        code, message = REASONS.get(refused.status, REASONS[400 if refused.status < 500 else 500])
        code, message = refused.code or code, refused.message or message
        detail = {name: [message] for name in refused.names}
        shape = self.world.switches["3d.error_shape"]
        document: dict[str, Any] = {"code": code, "message": message, "detail": detail}
        if shape == "nested":
            document = {"error": {"code": code, "message": message}}
        elif shape == "fields" and detail:
            document = dict(detail)
        return web.json_response(document, status=refused.status)

    def invalid(self, problem: FieldError) -> GatewayError:
        return GatewayError(400, None, problem.message, problem.names)

    def expired(self, _file: StoredFile) -> web.Response:
        return web.Response(status=404, text="Not Found")

    # Pictures

    async def generate(self, call: Call) -> web.StreamResponse:
        fields = call.fields
        fields.required("prompt")
        return self._accept(call, fields, (), None)

    async def edit(self, call: Call) -> web.StreamResponse:
        fields = call.fields
        fields.required("prompt", "image_urls")
        sources = fields.texts("image_urls", MOST_REFERENCES)
        try:
            data = [from_data_uri(source) for source in sources]
        except UnreadableError as error:
            raise FieldError("invalid", ("image_urls",), str(error)) from error
        references = [await self.reference(one, "image_urls") for one in data]
        shape = (references[0].width, references[0].height)
        return self._accept(call, fields, tuple(one.thumbnail for one in references), shape)

    def _accept(
        self, call: Call, fields: Fields, references: tuple[bytes, ...], shape: tuple[int, int] | None
    ) -> web.Response:
        prompt = fields.prompt("prompt", LONGEST_PROMPT)
        preset = fields.choice("image_size", [*PRESETS, *AUTO], "auto_2K")
        count = fields.whole("num_images", 1, MOST_IMAGES) or 1
        seed = fields.whole("seed", 0, LARGEST_SEED)
        safe = fields.flag("enable_safety_checker", True)
        width, height = _pixels(preset, shape)
        notes = (preset,) if safe else (preset, "safety checker off")
        pictures = self.pictures(prompt, width, height, count, seed=seed, references=references, notes=notes)
        created = self.world.clock.stamp()
        task = self.begin(call, pictures, their_id=str(uuid.uuid4()))
        return web.json_response({"task_id": task.id, "created_at": created})

    async def status(self, call: Call) -> web.StreamResponse:
        task = self.tasks.get(call.request.match_info["id"])
        if task is None or task.account is not call.payer:
            raise GatewayError(404)
        state = task.told(self.now)
        word = WORDS[state]
        if order := self.world.orders.take((Stage.POLL,), self.slug, "poll", task.prompt):
            word = order.text("word", "REVIEWING")
        unfinished: list[Any] | None = (
            [] if self.world.switches["3d.results_before_finish"] == "empty" else None
        )
        refused = Fault.REFUSED_CONTENT in task.orders
        reason = "Content policy: the prompt was refused." if refused else "The upstream failed."
        return web.json_response(
            {
                "status": word,
                "progress": round(task.fraction(self.now) * 100),
                "failure_reason": reason if state == "failed" else None,
                "results": self._results(task) if state == "done" else unfinished,
            }
        )

    def _results(self, task: Task) -> list[dict[str, Any]]:
        """Results live for 24 hours: then their files are dead, or the list is empty."""
        if self.now > task.started + DAY and self.world.switches["3d.expired_results"] == "empty":
            return []
        return [
            {"asset": None, "asset_type": "ERROR", "metadata": {"reason": "filtered"}}
            if index == task.broken
            else self._result(self.link(task, index), self._shown(task, index))
            for index in range(len(task.pictures))
        ]

    def _shown(self, task: Task, index: int) -> str:
        """Where the CDN has it: the same address, unless only the storage's is to be dead."""
        dead = task.orders.get(Fault.DEAD_LINK)
        if dead is None or not dead.args.get("asset_alone"):
            return self.link(task, index)
        shown = task.details.setdefault("shown", {})
        if index not in shown:
            file = self.world.store(self.slug, task.pictures[index], self.link_life, None)
            shown[index] = self.world.origins[self.slug] + files.path(file)
        return str(shown[index])

    def _result(self, link: str, shown: str) -> dict[str, Any]:
        if self.world.switches["3d.result_keys"] == "metadata":
            return {"asset": link, "asset_type": "IMAGE", "metadata": None}
        return {"asset_url": shown, "asset": link, "asset_type": "IMAGE", "thumbnail": link}

    async def wallet(self, call: Call) -> web.StreamResponse:
        hundredths = call.payer.balance * 100 // MICRO_PER_CREDIT
        return web.json_response({"balance": f"{hundredths // 100}.{hundredths % 100:02d}"})


def _pixels(preset: str, shape: tuple[int, int] | None) -> tuple[int, int]:
    """True pixels of a preset; an automatic one takes the first reference's shape."""
    if preset in PRESETS:
        return fit(LEAST_PIXELS, *PRESETS[preset])
    width, height = AUTO[preset]
    return (width, height) if shape is None else fit(width * height, *shape)
