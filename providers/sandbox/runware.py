"""Runware: one address that takes an array of tasks, keeps the caller's taskUUID, and answers in parts.

Imitates runware.ai/docs (authentication, task polling, task details, webhooks, errors, image upload, account
management, the model's schema) and the behaviour the vendor's SDKs rely on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web

from providers.sandbox import runware_webhooks as webhooks
from providers.sandbox.call import Call, GatewayError, Route
from providers.sandbox.fields import FieldError, Fields
from providers.sandbox.gateway import DAY, Gateway
from providers.sandbox.runware_inference import infer
from providers.sandbox.runware_library import account, media, upload
from providers.sandbox.runware_results import Part, details, respond
from providers.sandbox.world import StoredFile, Task

OPERATIONS = {
    "imageInference": "submit",
    "getResponse": "poll",
    "getTaskDetails": "details",
    "accountManagement": "balance",
    "imageUpload": "upload",
    "mediaStorage": "upload",
}
REASONS = {
    400: ("invalidRequest", "The request is not valid."),
    401: ("invalidApiKey", "The API key is missing or not known."),
    402: ("insufficientCredits", "Top up to continue."),
    403: ("permissionDenied", "This key may not do that."),
    404: ("notFound", "There is nothing here."),
    413: ("invalidRequestSize", "The body is too large."),
    429: ("rateLimitExceeded", "The queue is full, try again."),
    500: ("internalServerError", "Something went wrong."),
    502: ("providerError", "The provider failed."),
    503: ("serviceUnavailable", "Try again later."),
    504: ("gatewayTimeout", "The task did not end in time; it goes on."),
}
HANDLERS: Mapping[str, Callable[[Gateway, Call, Fields], Awaitable[Part]]] = {
    "imageInference": infer,
    "getResponse": respond,
    "getTaskDetails": details,
    "accountManagement": account,
    "imageUpload": upload,
    "mediaStorage": media,
}
DOCUMENTATION = "https://runware.ai/docs/platform/errors"


class Runware(Gateway):
    slug = "runware"
    name = "Runware"
    price = 35_000
    link_life = 7 * DAY
    refuses_content = (400, "invalidProviderContent", "The provider refused the content.")
    optional = frozenset({"seed", "cost", "NSFWContent", "progress", "documentation", "parameter"})

    def routes(self) -> list[Route]:
        return [Route("POST", "/v1", "other", self.tasks_of)]

    def key(self, call: Call) -> str:
        inside = _authentication(call.document)
        return str(inside.get("apiKey") or "") if inside else call.bearer

    def recognise(self, call: Call) -> None:
        super().recognise(call)
        elements = call.document if isinstance(call.document, list) else []
        for element in reversed([one for one in elements if isinstance(one, dict)]):
            kind = element.get("taskType")
            if isinstance(kind, str) and kind != "authentication":
                call.operation = OPERATIONS.get(kind, "other")
            known = self.tasks.get(str(element.get("taskUUID")))
            prompt = element.get("positivePrompt", known.prompt if known else None)
            if isinstance(prompt, str):
                call.prompt = prompt
        if call.operation == "submit" and call.header("X-Runware-Dry-Run"):
            call.operation = "details"

    def error(self, refused: GatewayError, call: Call) -> web.Response:
        """A refusal of the whole call, worded for its first task."""
        elements = call.document if isinstance(call.document, list) else []
        first = next((one for one in elements if isinstance(one, dict) and one.get("taskUUID")), {})
        errors = [self.problem(refused, {"taskType": "authentication"} if refused.status == 401 else first)]
        return web.json_response({"errors": errors}, status=refused.status)

    def problem(self, refused: GatewayError, element: Mapping[str, Any]) -> dict[str, Any]:
        code, message = REASONS.get(refused.status, REASONS[400 if refused.status < 500 else 500])
        error: dict[str, Any] = {"code": refused.code or code, "message": refused.message or message}
        if refused.names:
            error["parameter"] = refused.names[0] if len(refused.names) == 1 else list(refused.names)
        error |= {name: element[name] for name in ("taskType", "taskUUID") if name in element}
        return error | {"documentation": DOCUMENTATION}

    def invalid(self, problem: FieldError) -> GatewayError:
        leaf = problem.names[0].rpartition(".")[2]
        code = (
            "unsupportedParameter"
            if problem.problem == "unknown"
            else f"{problem.problem}{leaf[:1].upper()}{leaf[1:]}"
        )
        return GatewayError(400, code, problem.message, problem.names)

    def expired(self, _file: StoredFile) -> web.Response:
        return web.Response(status=404, text="Not Found")

    # The array of tasks

    async def tasks_of(self, call: Call) -> web.StreamResponse:
        elements = call.document
        if not isinstance(elements, list) or not elements:
            raise GatewayError(400, "invalidRequest", "The body is a JSON array of tasks.")
        inside = _authentication(elements)
        if inside and call.bearer:
            raise GatewayError(
                400, "conflictAuthentication", "Authenticate in the header or in the body, not both."
            )
        parts = await asyncio.gather(*(self._part(call, one) for one in elements if one is not inside))
        as_object = call.operation == "upload" and self.world.switches["rw.upload_shape"] == "object"
        return _joined(parts, as_object=as_object)

    async def _part(self, call: Call, element: Any) -> Part:
        """The outcome of one task; a refusal is an outcome too, and leaves the others alone."""
        given = element if isinstance(element, dict) else {}
        try:
            fields = Fields(element, "task")
            fields.required("taskType")
            handler = HANDLERS.get(str(given["taskType"]))
            if handler is None:
                raise GatewayError(400, "invalidTaskType", "There is no such taskType.", ("taskType",))
            prompt = given.get("positivePrompt")
            one = replace(call, document=element, prompt=prompt if isinstance(prompt, str) else call.prompt)
            return await handler(self, one, fields)
        except FieldError as problem:
            refused = self.invalid(problem)
        except GatewayError as refusal:
            refused = refusal
        return Part([], [self.problem(refused, given)], refused.status, dict(refused.headers))

    async def run(self, task: Task) -> None:
        await super().run(task)
        await webhooks.upload(self, task)

    async def announce(self, task: Task) -> None:
        await webhooks.announce(self, task)


def _authentication(elements: Any) -> dict[str, Any] | None:
    first = elements[0] if isinstance(elements, list) and elements else None
    return first if isinstance(first, dict) and first.get("taskType") == "authentication" else None


def _joined(parts: list[Part], *, as_object: bool) -> web.Response:
    """Data and errors side by side: 200 when anything was accepted, else the first refusal's status."""
    data = [entry for part in parts for entry in part.data]
    errors = [error for part in parts for error in part.errors]
    accepted = any(part.status == 200 for part in parts)
    first = next((part for part in parts if part.status != 200), None)
    document: dict[str, Any] = {"data": data[0] if as_object and len(data) == 1 else data}
    if errors:
        document["errors"] = errors
    status = 200 if accepted or first is None else first.status
    headers = first.headers if first and not accepted else {}
    return web.json_response(document, status=status, headers=headers)
