"""Prospolabs: one endpoint with two modes; waits, is asked, or calls back.

Sources: the Seedream 5 Lite model page and the vendor's general API pages. The status path,
the edit mode's field and the error words are not published; they are taken from the model
behind it (fal) and from habit, and every reader here tolerates other shapes.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
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

_MODEL = "seedream-5-lite"
_NAMED = [*SEEDREAM_SIZES, ("auto", "2K"), ("auto", "3K")]

_OFFER = Offer(
    model="seedream-5-lite",
    provider="prospolabs",
    native_model=_MODEL,
    list_price=14_000,
    sizes=SizeRule(names={named: " ".join(named) for named in _NAMED}, default=("16:9", "2K")),
    max_count=6,
    prompt_max=4000,
    retention=7 * 24 * 3600,
    seconds=(5, 15),
    max_references=10,
    seed=True,
    deliveries=frozenset({"sync", "poll", "webhook"}),
)

_CODES = {
    "content_blocked": Reason.CONTENT_REFUSED,
    "insufficient_balance": Reason.NO_CREDIT,
    "unauthorized": Reason.KEY_REFUSED,
    "output_expired": Reason.EXPIRED,
}


class Prospolabs(Provider):
    profile = Profile(
        slug="prospolabs",
        name="Prospolabs",
        base_url="https://api.prospolabs.com",
        offers=(_OFFER,),
        settings=(
            Setting("nested_params", False, "Send parameters inside `params`, as its general pages say."),
            Setting(
                "webhook_secret", "", "Secret of its callbacks; with it, signatures are checked.", secret=True
            ),
        ),
    )

    def __init__(self, account: Account) -> None:
        self.account = account
        self.nested = bool(account.settings.get("nested_params", False))
        self.secret = str(account.settings.get("webhook_secret") or "")

    @property
    def traits(self) -> Traits:
        return Traits(link_life=7 * 24 * 3600, longest=600, webhook=True)

    def submit(self, request: ImageRequest, ours: UUID) -> Exchange[Report]:
        """It takes no id of ours, so it is asked for its own at once, before the pictures are made.

        That answer is waited for: where the gateway cannot write to us, nothing else names the work.
        """
        aspect, resolution = _OFFER.native_size(request).split(" ")
        params: dict[str, object] = {
            "prompt": request.prompt,
            "aspect_ratio": aspect,
            "size": resolution,
            "num_images": request.count,
        }
        if request.seed is not None:
            params["seed"] = request.seed
        if request.references:
            params["image_urls"] = [wire.data_uri(reference) for reference in request.references]
        body: dict[str, object] = {"model": _MODEL, "mode": "edit" if request.references else "generate"}
        body |= {"params": params} if self.nested else params
        if request.delivery != "sync":
            body["async"] = True
        if request.webhook_url is not None:  # also where the answer is waited for: it may get lost
            body["webhook_url"] = request.webhook_url
        return self._exchange("POST", "/v1/generate", _read_submit, json=body, timeout=wire.LONG)

    def poll(self, theirs: str) -> Exchange[Report]:
        return self._exchange("GET", f"/v1/generations/{quote(theirs, safe='')}", partial(_read_poll, theirs))

    def balance(self) -> Exchange[Balance]:
        return self._exchange("GET", "/v1/balance", _read_balance)

    def read_webhook(self, headers: Mapping[str, str], body: bytes) -> tuple[str | None, Report]:
        """What the status would answer, maybe in an envelope, or only whose news it is: then it is asked."""
        signature = wire.lowered(headers).get("x-prospolabs-signature", "")
        if self.secret and not wire.signed(self.secret, body, signature):
            raise ProviderError(Reason.NO_ANSWER, "the webhook's signature does not match")
        whole = wire.decode_object(body)
        inner = (part for part in map(wire.object_in, whole.values()) if "generation_id" in part)
        told = whole if "generation_id" in whole else next(inner, whole)
        theirs = wire.identifier(told.get("generation_id"))
        if theirs is None:
            raise ProviderError(Reason.NO_ANSWER, "the webhook names no generation")
        with suppress(ProviderError):  # it has ended, and where its pictures are is not said
            return theirs, _generation(theirs, told)
        return theirs, Running(theirs)

    def _exchange(
        self,
        method: str,
        path: str,
        read: wire.Reader[wire.T],
        json: object = None,
        timeout: float = wire.SHORT,
    ) -> Exchange[wire.T]:
        headers = {"authorization": f"Bearer {self.account.api_key}"}
        return wire.exchange(self.account, method, path, read, headers=headers, json=json, timeout=timeout)


def _read_submit(answer: Answer) -> Report:
    request_id = wire.text(answer.headers.get("x-request-id"), 200)
    if not 200 <= answer.status < 300:
        with wire.about(wire.named(answer.body, "generation_id")):
            return verdict.refusal(answer, _CODES, request_id=request_id)
    told = wire.decode_order(answer.body, "generation_id")
    theirs = wire.identifier(told.get("generation_id"))
    with wire.about(theirs):  # done, they say, and the pictures are not there yet
        report = _generation(theirs, told)
    if not isinstance(report, Running):
        return report
    if theirs is None:
        raise ProviderError(Reason.NO_ANSWER, "no generation_id")
    return Accepted(theirs, request_id)


def _read_poll(theirs: str, answer: Answer) -> Report:
    if answer.status == 410:  # an ordinary end of life there, neither an outage nor a refund
        return Failed(Reason.EXPIRED, str(verdict.fault_of(answer)), theirs)
    if not 200 <= answer.status < 300:
        raise verdict.unanswered(answer)
    return _generation(theirs, wire.decode_object(answer.body))


def _generation(theirs: str | None, told: wire.Json) -> Report:
    status = str(told.get("status")).lower()
    estimate = wire.decimal(told.get("estimated_cost_usd"))
    # The published sample (0.60) is a template's, and an estimate is no bill: recorded, not believed.
    cost = None if estimate is None else Cost(f"{estimate} USD", wire.micros(estimate), final=False)
    if status in ("cancelled", "canceled"):
        return Failed(Reason.CANCELED, theirs=theirs, cost=cost)
    if status == "failed":
        said = verdict.fault(told)
        reason = _CODES.get(said.code, Reason.PROVIDER_FAILED)
        if verdict.about_content(str(said)):
            reason = Reason.CONTENT_REFUSED
        return Failed(reason, str(said), theirs, cost)
    results = _results(told)
    if status != "completed":
        word = wire.unknown_word(told.get("status"))
        return Running(theirs, wire.percent(told.get("progress")), results, cost, word)
    entries = _entries(told)
    if not results and entries is None:
        raise ProviderError(Reason.NO_ANSWER, "completed without an output")
    return Done(results, theirs, cost, failed=max(0, len(entries or ()) - len(results)))


def _entries(told: wire.Json) -> list[object] | None:
    """Whatever stands in its list of outputs, in order; None where there is no list."""
    lists = [told.get(name) for name in ("output_urls", "outputs")]
    return max((listed for listed in lists if isinstance(listed, list)), key=len, default=None)


def _results(told: wire.Json) -> tuple[Promised, ...]:
    """Every picture once, under its place. The single field is the first of them, maybe by another link."""
    links = [wire.object_in(entry).get("url") or entry for entry in _entries(told) or ()]
    listed = [wire.picture(str(place), link) for place, link in enumerate(links)]
    found = listed if any(listed) else [wire.picture("0", told.get("output_url"))]
    return tuple(picture for picture in found if picture)


def _read_balance(answer: Answer) -> Balance:
    if not 200 <= answer.status < 300:
        raise verdict.unanswered(answer)
    dollars = wire.decimal(wire.decode_object(answer.body).get("balance_usd"))
    if dollars is None:
        raise ProviderError(Reason.NO_ANSWER, "no balance_usd")
    return Balance(dollars, "USD", wire.micros(dollars))
