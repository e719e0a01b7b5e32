"""Bytespike: OpenAI's image endpoint, or its tasks API, which can be asked about a lost answer.

Sources: the Seedream V5 lite model page (followed where another page of the vendor promises
more), and docs.bytespike.ai on errors, rate limits, tasks and accounts.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from uuid import UUID

from providers.adapters import verdict, wire
from providers.errors import ProviderError, Reason
from providers.offer import Offer, SizeRule
from providers.provider import Profile, Provider, Setting, Traits
from providers.values import (
    Accepted,
    Account,
    Answer,
    Balance,
    Cost,
    Done,
    Exchange,
    Failed,
    ImageRequest,
    Promised,
    Report,
    Running,
)

_MODEL = "seedream-v5lite"

_OFFER = Offer(
    model="seedream-5-lite",
    provider="bytespike",
    native_model=_MODEL,
    list_price=12_000,
    sizes=SizeRule(
        names={("1:1", "1K"): "1024x1024", ("3:2", "1K"): "1536x1024", ("2:3", "1K"): "1024x1536"},
        default=("1:1", "1K"),
    ),
    max_count=4,
    prompt_max=4000,
    retention=24 * 3600,
    seconds=(4, 15),
    seed=True,
    negative_prompt=True,
    deliveries=frozenset({"sync"}),
)

_CODES = {
    "model_not_found": Reason.NOT_OFFERED,
    "model_not_in_group": Reason.NOT_OFFERED,
    "insufficient_balance": Reason.NO_CREDIT,
    "quota_exceeded": Reason.NO_CREDIT,
    "duplicate_out_task_id": Reason.IN_FLIGHT,  # 400 on one page, 409 on another
}
_UNBILLED = frozenset({400, 401, 402, 403, 404, 413, 429, 451, 500, 502, 503, 504})


class Bytespike(Provider):
    profile = Profile(
        slug="bytespike",
        name="Bytespike",
        base_url="https://llm.bytespike.ai",
        offers=(_OFFER,),
        settings=(
            Setting(
                "tasks_api",
                False,
                "Submit through the tasks API, so that a lost answer is found again by our id.",
            ),
            Setting(
                "webhook_secret",
                "",
                "Secret of task callbacks; with it, signatures are checked.",
                secret=True,
            ),
        ),
    )

    def __init__(self, account: Account) -> None:
        self.account = account
        self.tasks = bool(account.settings.get("tasks_api", False))
        self.secret = str(account.settings.get("webhook_secret") or "")

    @property
    def traits(self) -> Traits:
        # "Every non-2xx is free" is a hard contract there; it does not say that the work was not begun.
        return Traits(
            link_life=24 * 3600,
            keeps_our_key=24 * 3600 if self.tasks else 0,
            longest=300,
            unbilled=_UNBILLED,
            finds=self.tasks,
            webhook=self.tasks,
            busy=frozenset({429, 503}),
            in_flight=25,
        )

    def submit(self, request: ImageRequest, ours: UUID) -> Exchange[Report]:
        params: dict[str, object] = {
            "prompt": request.prompt,
            "size": _OFFER.native_size(request),
            "n": request.count,
        }
        if request.seed is not None:
            params["seed"] = request.seed
        if request.negative_prompt is not None:
            params["negative_prompt"] = request.negative_prompt
        if not self.tasks:
            fields = {"model": _MODEL, **params}
            return self._post("/v1/images/generations", fields, self._read_submit, timeout=wire.LONG)
        task: dict[str, object] = {"model": _MODEL, "params": params, "out_task_id": str(ours)}
        if request.webhook_url is not None:
            task["callback_url"] = request.webhook_url
        return self._post("/v1/tasks/submit", task, self._read_task_submit)

    def poll(self, theirs: str) -> Exchange[Report]:
        return self._post("/v1/tasks/query", {"task_id": theirs}, partial(self._read_task, theirs))

    def find(self, ours: UUID) -> Exchange[Report] | None:
        if not self.tasks:
            return None
        return self._post("/v1/tasks/query", {"out_task_id": str(ours)}, partial(self._read_task, None))

    def cancel(self, theirs: str) -> Exchange[Report]:
        return self._post("/v1/tasks/cancel", {"task_id": theirs}, partial(self._read_task, theirs))

    def balance(self) -> Exchange[Balance]:
        return wire.exchange(
            self.account, "GET", "/api/v1/me/account", _read_balance, headers=self._headers()
        )

    def read_webhook(self, headers: Mapping[str, str], body: bytes) -> tuple[str | None, Report]:
        """A task's callback carries what a query would answer."""
        signature = wire.lowered(headers).get("x-bytespike-signature", "")
        if self.secret and not wire.signed(self.secret, body, signature):
            raise ProviderError(Reason.NO_ANSWER, "the webhook's signature does not match")
        told = wire.decode_object(body)
        theirs = wire.identifier(told.get("task_id"))
        if theirs is None:
            raise ProviderError(Reason.NO_ANSWER, "the webhook names no task")
        return theirs, _task(theirs, told)

    def _headers(self) -> dict[str, str]:
        # Never a Bearer token beside it: x-api-key wins there, so a stale one would shadow a good one.
        return {"x-api-key": self.account.api_key}

    def _post(
        self, path: str, fields: object, read: wire.Reader[Report], timeout: float = wire.SHORT
    ) -> Exchange[Report]:
        return wire.exchange(
            self.account, "POST", path, read, headers=self._headers(), json=fields, timeout=timeout
        )

    def _read_submit(self, answer: Answer) -> Report:
        if not 200 <= answer.status < 300:
            return _refusal(answer, self.traits.busy)
        try:
            told = wire.decode_object(answer.body)
        except ProviderError as error:  # it broke off, and nobody can be asked for it again
            error.results = _pictures(wire.whole_entries(answer.body, "data", "url"))
            raise
        if not isinstance(told.get("data"), list):
            raise ProviderError(Reason.NO_ANSWER, "data is not a list")
        return _done(None, wire.objects_in(told["data"]), None, _request_id(answer))

    def _read_task_submit(self, answer: Answer) -> Report:
        if not 200 <= answer.status < 300:
            return _refusal(answer, self.traits.busy)
        theirs = wire.identifier(wire.decode_object(answer.body).get("task_id"))
        if theirs is None:
            raise ProviderError(Reason.NO_ANSWER, "no task_id")
        return Accepted(theirs, _request_id(answer))

    def _read_task(self, theirs: str | None, answer: Answer) -> Report:
        if not 200 <= answer.status < 300:
            raise verdict.unanswered(answer)
        told = wire.decode_object(answer.body)
        known = theirs or wire.identifier(told.get("task_id"))
        if known is None:
            raise ProviderError(Reason.NO_ANSWER, "no task_id")
        return _task(known, told)


def _task(theirs: str, told: wire.Json) -> Report:
    status = str(told.get("status")).lower()
    if status in ("cancelled", "canceled"):
        return Failed(Reason.CANCELED, theirs=theirs)
    if status == "failed":
        said = verdict.fault(told)
        refused = verdict.about_content(str(said))
        return Failed(Reason.CONTENT_REFUSED if refused else Reason.PROVIDER_FAILED, str(said), theirs)
    if status != "completed":
        return Running(theirs, wire.percent(told.get("progress")), word=wire.unknown_word(told.get("status")))
    if not isinstance(told.get("output"), list):
        raise ProviderError(Reason.NO_ANSWER, "a completed task without its output")
    pictures = [
        e for e in wire.objects_in(told["output"]) if "image" in str(e.get("type") or "image").lower()
    ]
    spent = wire.decimal(told.get("credits_used"))
    # The samples read like dollars, the prose speaks of millionths of one: recorded, not believed.
    cost = None if spent is None else Cost(f"{spent} credits_used", wire.micros(spent), final=False)
    return _done(theirs, pictures, cost, None)


def _pictures(entries: list[wire.Json]) -> tuple[Promised, ...]:
    found = [
        wire.picture(
            str(place),
            entry.get("url"),
            entry.get("b64_json"),
            seed=entry.get("seed"),
            revised_prompt=entry.get("revised_prompt"),
        )
        for place, entry in enumerate(entries)
    ]
    return tuple(picture for picture in found if picture)


def _done(theirs: str | None, entries: list[wire.Json], cost: Cost | None, request_id: str | None) -> Report:
    results = _pictures(entries)
    return verdict.nothing_made(entries, theirs=theirs, cost=cost, request_id=request_id) or Done(
        results, theirs, cost, request_id, failed=len(entries) - len(results)
    )


def _refusal(answer: Answer, busy: frozenset[int]) -> Failed:
    """Its 429 says when in X-RateLimit-Reset (Unix seconds); its other rate headers are dollars.

    Its 503 ("overloaded") is free and to be tried again, so it was not begun; another error of a server may
    have been.
    """
    wait = _wait(answer) if answer.status == 429 else None  # every answer has that header
    return verdict.refusal(answer, _CODES, busy, request_id=_request_id(answer), wait=wait)


def _wait(answer: Answer) -> float | None:
    if "concurren" in str(verdict.fault_of(answer)).lower():  # its samples leave the code out
        return 2.0  # documented as 1 to 3 s; the reset is that of the spend window, hours away
    reset = wire.decimal(answer.headers.get("x-ratelimit-reset"))
    now = wire.http_date(answer.headers.get("date", ""))
    return wire.clamped(float(reset) - now.timestamp()) if reset is not None and now else None


def _request_id(answer: Answer) -> str | None:
    return wire.text(answer.headers.get("x-request-id"), 200)


def _read_balance(answer: Answer) -> Balance:
    if not 200 <= answer.status < 300:
        raise verdict.unanswered(answer)
    dollars = wire.decimal(
        wire.object_in(wire.decode_object(answer.body).get("balance")).get("available_usd")
    )
    if dollars is None:
        raise ProviderError(Reason.NO_ANSWER, "no balance.available_usd")
    return Balance(dollars, "USD", wire.micros(dollars))
