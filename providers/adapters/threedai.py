"""3D AI Studio: every picture is a task that is asked for, paid in credits, three submits a minute.

Sources: the Seedream V5 Lite page, and www.3daistudio.com/Platform/API/Documentation (images,
3d-generation, credit-balance, getting-started). Every path ends in a slash.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import partial
from urllib.parse import quote
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

CREDITS_PER_PICTURE = 10
"""Whatever the size."""

_OFFER = Offer(
    model="seedream-5-lite",
    provider="threedai",
    native_model="seedream/v5/lite",
    list_price=40_000,
    sizes=SizeRule(
        names={
            ("auto", "2K"): "auto_2K",
            ("auto", "3K"): "auto_3K",
            ("1:1", "1K"): "square",
            ("1:1", "2K"): "square_hd",
            ("4:3", "2K"): "landscape_4_3",
            ("3:4", "2K"): "portrait_4_3",
            ("16:9", "2K"): "landscape_16_9",
            ("9:16", "2K"): "portrait_16_9",
        },
        default=("auto", "2K"),
    ),
    max_count=6,
    prompt_max=4000,
    retention=24 * 3600,
    seconds=(20, 40),
    max_references=10,
    seed=True,
    seed_max=2**63 - 1,  # "0 or higher"
    safety_check=True,
    deliveries=frozenset({"poll"}),
    notes=("Named sizes are presets: the pixels are the gateway's choice.",),
)

_CODES = {
    "insufficient_credits": Reason.NO_CREDIT,
    "api_key_expired": Reason.KEY_REFUSED,
    "api_key_revoked": Reason.KEY_REFUSED,
}


class ThreeDAI(Provider):
    profile = Profile(
        slug="threedai",
        name="3D AI Studio",
        base_url="https://api.3daistudio.com",
        offers=(_OFFER,),
        settings=(
            Setting("usd_per_credit", "0.004", "What a credit cost you, in dollars; it depends on the plan."),
            Setting("rate_counts_polls", False, "Status requests count against the requests per minute."),
            Setting("wallet_path", "/account/user/wallet/", "The docs also write /user/wallet/."),
        ),
    )

    def __init__(self, account: Account) -> None:
        """Raises ValueError for a ``usd_per_credit`` that is no amount."""
        self.account = account
        self.counts_polls = bool(account.settings.get("rate_counts_polls", False))
        self.wallet_path = str(account.settings.get("wallet_path") or "/account/user/wallet/")
        rate = wire.decimal(account.settings.get("usd_per_credit") or "0.004")
        if rate is None or rate <= 0:
            raise ValueError('usd_per_credit must be an amount of dollars such as "0.004"')
        self.usd_per_credit: Decimal = rate

    @property
    def traits(self) -> Traits:
        return Traits(
            link_life=24 * 3600,
            longest=900,
            pace=(10.0, 15.0),
            rpm=3,
            polls_counted=self.counts_polls,
        )

    def submit(self, request: ImageRequest, ours: UUID) -> Exchange[Report]:
        """It takes no id of ours: a second POST is a second order, and an answer not waited for is lost."""
        fields: dict[str, object] = {
            "prompt": request.prompt,
            "image_size": _OFFER.native_size(request),
            "num_images": request.count,
        }
        if request.seed is not None:
            fields["seed"] = request.seed
        if request.safety_check is not None:
            fields["enable_safety_checker"] = request.safety_check
        if request.references:
            fields["image_urls"] = [wire.data_uri(reference) for reference in request.references]
        return wire.exchange(
            self.account,
            "POST",
            f"/v1/images/seedream/v5/lite/{'edit' if request.references else 'generate'}/",
            _read_submit,
            headers=self._headers(),
            json=fields,
            timeout=wire.LONG,
        )

    def poll(self, theirs: str) -> Exchange[Report]:
        return wire.exchange(
            self.account,
            "GET",
            f"/v1/generation-request/{quote(theirs, safe='')}/status/",
            partial(self._read_status, theirs),
            headers=self._headers(),
        )

    def balance(self) -> Exchange[Balance]:
        return wire.exchange(
            self.account, "GET", self.wallet_path, self._read_balance, headers=self._headers()
        )

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.account.api_key}"}

    def _read_status(self, theirs: str, answer: Answer) -> Report:
        if not 200 <= answer.status < 300:
            raise verdict.unanswered(answer)
        told = wire.decode_object(answer.body)
        status = str(told.get("status")).upper()
        if status == "FAILED":
            words = wire.text(told.get("failure_reason")) or str(verdict.fault(told))
            refused = verdict.about_content(words)
            return Failed(Reason.CONTENT_REFUSED if refused else Reason.PROVIDER_FAILED, words, theirs)
        entries = wire.objects_in(told.get("results"))
        found = [
            _picture(str(place), entry)
            for place, entry in enumerate(entries)
            if str(entry.get("asset_type") or "IMAGE").upper() in ("IMAGE", "EDITED_IMAGE")
        ]
        results = tuple(picture for picture in found if picture)
        if status != "FINISHED":
            return Running(
                theirs,
                wire.percent(told.get("progress")),
                results,
                word=wire.unknown_word(told.get("status")),
            )
        if not isinstance(told.get("results"), list):
            raise ProviderError(Reason.NO_ANSWER, "finished without results")
        made = len(
            {picture.url or picture.key for picture in results}
        )  # one that is listed twice took one price
        return Done(results, theirs, self._cost(made), failed=len(entries) - len(results))

    def _cost(self, pictures: int) -> Cost:
        """Reckoned from the published ten credits a picture: the answer itself names no cost."""
        credits_ = CREDITS_PER_PICTURE * pictures
        return Cost(f"{credits_} credits", wire.micros(credits_ * self.usd_per_credit), final=pictures > 0)

    def _read_balance(self, answer: Answer) -> Balance:
        if not 200 <= answer.status < 300:
            raise verdict.unanswered(answer)
        left = wire.decimal(wire.decode_object(answer.body).get("balance"))
        if left is None:
            raise ProviderError(Reason.NO_ANSWER, "no balance")
        return Balance(left, "credits", wire.micros(left * self.usd_per_credit))


def _picture(key: str, entry: wire.Json) -> Promised | None:
    """At one of two addresses: the asset is on its storage, the asset's URL on its CDN."""
    asset = wire.picture(key, entry.get("asset"))
    shown = wire.picture(key, entry.get("asset_url"))
    return replace(asset, spare=shown.url) if asset and shown else asset or shown


def _read_submit(answer: Answer) -> Report:
    if not 200 <= answer.status < 300:
        with wire.about(wire.named(answer.body, "task_id")):
            return verdict.refusal(answer, _CODES)
    theirs = wire.identifier(wire.decode_order(answer.body, "task_id").get("task_id"))
    if theirs is None:
        raise ProviderError(Reason.NO_ANSWER, "no task_id")
    return Accepted(theirs)
