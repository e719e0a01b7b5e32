"""From a draft to its final: the button with its price on every tile, and what pressing it does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.errors import Conflict, Refusal
from accounts.principal import Principal
from accounts.web.doorway import signed_in
from billing.errors import PriceAboveMax
from billing.money import dollars
from generations.actions import assets, drafting, generate
from generations.actions.idempotency import Key
from generations.actions.references import MOST_BYTES
from generations.models import Asset
from generations.web.stream import Work


def price(works: Sequence[Work]) -> None:
    """Say of each work what a final of one of its pictures costs; alike ones are asked about once.

    Not of a column of a comparison: the price would say who made it. Its picture's own page has it.
    """
    known: dict[str, int | None] = {}
    prefetch_related_objects([work.generation for work in works], "reference_uses")
    for work in works:
        if work.generation.comparison_id or not (work.editable and work.pictures):
            continue
        if not drafting.may_be_final(work.generation):
            continue
        asset, said = work.pictures[0], work.generation.parameters
        alike = [work.generation.model, said, asset.provider, asset.seed is None]
        shape = [drafting.nearest_aspect(asset.width, asset.height), asset.bytes > MOST_BYTES]
        key = json.dumps([*alike, *shape, len(work.generation.reference_uses.all())], sort_keys=True)
        if key not in known:
            known[key] = price_of(asset)
        work.final_price = known[key]


def price_of(asset: Asset) -> int | None:
    """Micro-dollars for rendering this picture in full; None if that cannot be, or would change nothing."""
    if asset.generation is None or not drafting.may_be_final(asset.generation):
        return None
    try:
        return drafting.final(asset).price
    except Refusal:
        return None


@require_POST
@signed_in
def make(request: HttpRequest, principal: Principal, asset_id: UUID) -> HttpResponseBase:
    """Render a picture again in full, for no more than the price on the button."""
    asset = assets.visible(principal, asset_id)
    wanted = drafting.final(asset)
    shown = request.POST.get("shown", "")
    token = request.POST.get("token", "")[:64]
    try:
        outcome = generate.submit(
            principal=principal,
            asked=replace(wanted.asked, max_price=int(shown) if shown.isdecimal() else 0),
            render=lambda made: {"id": str(made.id)},
            key=Key(principal.user, f"web-final-{asset.id}-{token}", request.path, {"token": token}),
        )
    except PriceAboveMax as refusal:
        raise Conflict(
            _("A final costs $%(price)s now, more than the $%(shown)s shown; nothing was spent.")
            % {"price": refusal.extra["price"], "shown": dollars(int(shown) if shown.isdecimal() else 0)}
        ) from None
    return redirect(f"{reverse('home')}?project={asset.project_id}#generation-{outcome.subject_id}")
