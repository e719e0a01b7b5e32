"""AIgateway: OpenAI's image endpoints, with an idempotency key and, for slow models, jobs.

Sources: aigateway.sh reference, images, async-jobs, errors and webhooks pages, its OpenAPI
document and Python client, which disagree in places; where they do, both are understood.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from urllib.parse import quote
from uuid import UUID

from providers.adapters import verdict, wire
from providers.errors import ProviderError, Reason
from providers.offer import SEEDREAM_SIZES, Offer, SizeRule
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

_MODEL = "bytedance/bytedance-seedream-v5-lite-edit"
_SIZES = {
    **{named: f"{width}x{height}" for named, (width, height) in SEEDREAM_SIZES.items()},
    ("1:1", "1K"): "1024x1024",
    ("3:2", "1K"): "1536x1024",
    ("2:3", "1K"): "1024x1536",
    ("auto", "2K"): "auto",
}

_OFFER = Offer(
    model="seedream-5-lite",
    provider="aigateway",
    native_model=_MODEL,
    list_price=35_000,
    sizes=SizeRule(names=_SIZES, default=("1:1", "2K")),
    max_count=10,
    prompt_max=8000,
    retention=24 * 3600,
    seconds=(5, 30),
    max_references=10,
    deliveries=frozenset({"sync"}),
    outputs=frozenset({"url", "base64"}),
    notes=("Pixel sizes above 1024x1024 are accepted but not promised in its documentation.",),
)

_CODES = {
    "invalid_key": Reason.KEY_REFUSED,
    "insufficient_credits": Reason.NO_CREDIT,
    "budget_exceeded": Reason.NO_CREDIT,
    "unknown_model": Reason.NOT_OFFERED,
    "model_not_found": Reason.NOT_OFFERED,
    "idempotency_conflict": Reason.IN_FLIGHT,
}
_FAILURES = {"provider_timeout": Reason.TIMED_OUT, "client_closed": Reason.CANCELED}


class AIgateway(Provider):
    profile = Profile(
        slug="aigateway",
        name="AIgateway",
        base_url="https://api.aigateway.sh",
        offers=(_OFFER,),
        settings=(
            Setting(
                "byok", False, "A ByteDance key of yours is attached there: ByteDance bills you directly."
            ),
            Setting(
                "webhook_secret",
                "",
                "The dashboard's webhook secret; with it, signatures are checked.",
                secret=True,
            ),
        ),
    )

    def __init__(self, account: Account) -> None:
        self.account = account
        self.byok = bool(account.settings.get("byok", False))
        self.secret = str(account.settings.get("webhook_secret") or "")

    @property
    def traits(self) -> Traits:
        # Its 5xx are unbilled by its own word, but an answer can be won back by our key: the hold stays.
        return Traits(
            link_life=24 * 3600,
            keeps_our_key=24 * 3600,
            longest=300,
            busy=frozenset({429, 503}),  # "capacity_exceeded": not billed, to be tried again
            pace=(3.0, 15.0),
            rpm=600,
            paid_elsewhere=self.byok,
        )

    def submit(self, request: ImageRequest, ours: UUID) -> Exchange[Report]:
        fields: dict[str, object] = {
            "model": _MODEL,
            "prompt": request.prompt,
            "n": request.count,
            "size": _OFFER.native_size(request),
            "response_format": "b64_json" if request.output == "base64" else "url",
        }
        # The cache would sell the same picture twice (at a tenth of the price).
        headers = self._headers(
            **{"idempotency-key": str(ours), "x-request-id": str(ours), "x-cache": "skip"}
        )
        send = partial(wire.exchange, self.account, "POST", timeout=wire.LONG)
        if not request.references:
            return send("/v1/images/generations", self._read_submit, headers=headers, json=fields)
        # Its JSON form takes a single link; only a form carries bytes, and several of them.
        name = "image" if len(request.references) == 1 else "image[]"
        kind, body = wire.multipart(
            [(field, str(value)) for field, value in fields.items()],
            [(name, reference) for reference in request.references],
            ours,
        )
        return send(
            "/v1/images/edits", self._read_submit, headers={**headers, "content-type": kind}, body=body
        )

    def poll(self, theirs: str) -> Exchange[Report]:
        return wire.exchange(
            self.account,
            "GET",
            f"/v1/jobs/{quote(theirs, safe='')}",
            partial(self._read_job, theirs),
            headers=self._headers(),
        )

    def cancel(self, theirs: str) -> Exchange[Report]:
        return wire.exchange(
            self.account,
            "POST",
            f"/v1/jobs/{quote(theirs, safe='')}/cancel",
            partial(self._read_job, theirs),
            headers=self._headers(),
        )

    def balance(self) -> Exchange[Balance]:
        return wire.exchange(self.account, "GET", "/v1/balance", _read_balance, headers=self._headers())

    def read_webhook(self, headers: Mapping[str, str], body: bytes) -> tuple[str | None, Report]:
        """A job record, bare or inside a dashboard event (``data``)."""
        if self.secret and not _signature_holds(self.secret, wire.lowered(headers), body):
            raise ProviderError(Reason.NO_ANSWER, "the webhook's signature does not match")
        told = wire.decode_object(body)
        if isinstance(told.get("data"), dict):
            ended = {"job.completed": "completed", "job.failed": "failed"}.get(str(told.get("type")))
            told = {"status": ended, **wire.object_in(told["data"])}
        theirs = wire.identifier(told.get("job_id")) or wire.identifier(told.get("id"))
        if theirs is None:
            raise ProviderError(Reason.NO_ANSWER, "the webhook names no job")
        return theirs, self._job(theirs, told, None)

    def _headers(self, **more: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.account.api_key}", **more}

    def _read_submit(self, answer: Answer) -> Report:
        request_id = wire.text(answer.headers.get("x-request-id"), 200)
        if not 200 <= answer.status < 300:
            return verdict.refusal(answer, _CODES, self.traits.busy, request_id=request_id)
        told = wire.decode_object(answer.body)
        cost = self._cost(answer.headers.get("x-cost-cents"))
        job = answer.status == 202 or told.get("object") == "job"
        if told.get("data") is None or (job and not told["data"]):
            # A slow model: the same request is answered with a job.
            theirs = wire.identifier(told.get("id")) or wire.identifier(told.get("job_id"))
            if theirs is None:
                raise ProviderError(Reason.NO_ANSWER, "neither pictures nor a job")
            with wire.about(theirs):
                report = self._job(theirs, told, cost)
            return Accepted(theirs, request_id) if isinstance(report, Running) else report
        if not isinstance(told["data"], list):
            raise ProviderError(Reason.NO_ANSWER, "data is not a list")
        entries = wire.objects_in(told["data"])
        results = _pictures(entries)
        # ByteDance puts an error in the place of a picture that failed; the others are good.
        return verdict.nothing_made(entries, cost=cost, request_id=request_id) or Done(
            results, cost=cost, request_id=request_id, failed=len(entries) - len(results)
        )

    def _read_job(self, theirs: str, answer: Answer) -> Report:
        if answer.status == 304:  # asked sooner than 3 s after the last time
            return Running(theirs)
        if not 200 <= answer.status < 300:
            raise verdict.unanswered(answer)
        cost = self._cost(answer.headers.get("x-cost-cents"))
        return self._job(theirs, wire.decode_object(answer.body), cost)

    def _job(self, theirs: str, told: wire.Json, cost: Cost | None) -> Report:
        """A job record as the docs show it (``result.file_url``) or its client reads it (``result_url``)."""
        status = str(told.get("status")).lower()
        if status in ("cancelled", "canceled"):
            return Failed(Reason.CANCELED, theirs=theirs)
        if status == "failed":
            said = verdict.fault(told)
            reason = _FAILURES.get(said.code, Reason.PROVIDER_FAILED)
            if verdict.about_content(str(said)):
                reason = Reason.CONTENT_REFUSED
            return Failed(reason, str(said), theirs)
        if status != "completed":
            return Running(
                theirs, wire.percent(told.get("progress")), word=wire.unknown_word(told.get("status"))
            )
        entries = _job_entries(told)
        if entries is None:
            raise ProviderError(Reason.NO_ANSWER, "a completed job without its result")
        results = _pictures(entries)
        spent = wire.object_in(told.get("usage")).get("cost_cents")
        cost = cost if spent is None else self._cost(spent)
        return verdict.nothing_made(entries, theirs=theirs, cost=cost) or Done(
            results, theirs, cost, failed=len(entries) - len(results)
        )

    def _cost(self, cents: object) -> Cost | None:
        amount = wire.decimal(cents)
        if amount is None:
            return None
        # 0 is what a call billed elsewhere shows, or a template; nobody sells pictures for nothing.
        return Cost(f"{amount} cents", wire.micros(amount / 100), final=amount > 0)


def _job_entries(told: wire.Json) -> list[wire.Json] | None:
    """The job's pictures; one is documented, a list as a plain call has it is understood. None: neither."""
    result = wire.object_in(told.get("result"))
    if entries := wire.objects_in(result.get("data")):
        return entries
    if isinstance(links := result.get("file_urls"), list) and links:
        return [{"url": link} for link in links]
    known = (result.get("file_url"), told.get("result_url"), told.get("file_url"), result.get("url"))
    if link := next((one for one in known if isinstance(one, str) and one), None):
        return [{"url": link}]
    return [] if isinstance(result.get("data"), list) else None


def _pictures(entries: list[wire.Json]) -> tuple[Promised, ...]:
    found = [
        wire.picture(str(place), e.get("url"), e.get("b64_json"), revised_prompt=e.get("revised_prompt"))
        for place, e in enumerate(entries)
    ]
    return tuple(picture for picture in found if picture)


def _read_balance(answer: Answer) -> Balance:
    if not 200 <= answer.status < 300:
        raise verdict.unanswered(answer)
    cents = wire.decimal(wire.decode_object(answer.body).get("balance_cents"))
    if cents is None:
        raise ProviderError(Reason.NO_ANSWER, "no balance_cents")
    return Balance(cents, "cents", wire.micros(cents / 100))


def _signature_holds(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Either of its two descriptions: hex and timestamp in headers of their own, or ``t=…,v1=…`` in one.

    The age is not checked (no clock here): a replayed event only makes us ask the job again.
    """
    joined = dict(re.findall(r"(t|v1)=([0-9a-zA-Z]+)", headers.get("x-gateway-signature", "")))
    told = [
        (headers.get("aig-timestamp", ""), headers.get("aig-signature", "")),
        (joined.get("t", ""), joined.get("v1", "")),
    ]
    return any(
        wire.signed(secret, stamp.encode("utf-8", "replace") + b"." + body, signature)
        for stamp, signature in told
    )
