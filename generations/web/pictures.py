"""One picture: large, with everything that is known of it and everything that can be done with it."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.errors import NotFound
from accounts.principal import Principal
from accounts.web.doorway import UNDO, came_from, is_fragment, signed_in
from generations.actions import assets, voting
from generations.api.files import SIZES
from generations.models import Asset, Result
from generations.models.finding import neighbours
from generations.models.search import Search
from generations.web import beside, comments, finals, lineage, shares
from generations.web.details import parameters_of
from generations.web.stream import may_make
from providers.values import FORMATS


@require_safe
@signed_in
def picture(request: HttpRequest, principal: Principal, asset_id: UUID) -> HttpResponseBase:
    """The page; for a script that asks for all of the comments, those."""
    asset = assets.visible(principal, asset_id)
    everything = request.GET.get("comments") == "all"
    said = comments.context(principal, asset, everything=everything)
    if everything and is_fragment(request):
        return render(request, "_fragments/comments.html", said)
    if asset.generation and asset.generation.comparison_id:
        voting.reveal(principal, [asset.generation.id])
    judged = beside.context(principal, asset)
    context = {**said, **judged, **_around(request, principal, asset), **_lineage(principal, asset)}
    if judged["may_edit"] and asset.trashed_at is None:
        context |= shares.context(principal, asset)
    return render(request, "picture.html", context)


@require_POST
@signed_in
def trash(request: HttpRequest, principal: Principal, asset_id: UUID) -> HttpResponseBase:
    """Done at once; the message that says so can undo it. The next picture of the search is shown."""
    search = Search.of(request.GET)
    before = assets.visible(principal, asset_id)
    newer, older = _beside(principal, search, before)
    asset = assets.trash(principal=principal, asset_id=asset_id)
    undo = reverse("restore_picture", args=[asset.id])
    messages.success(
        request, _("Moved to the trash, where it stays for 30 days."), extra_tags=f"{UNDO} {undo}"
    )
    following = older or newer
    if following is None or not request.GET:
        return redirect(f"{reverse('library')}?project={asset.project_id}")
    return redirect(f"{reverse('picture', args=[following.id])}?{search.address}")


@require_POST
@signed_in
def restore(request: HttpRequest, principal: Principal, asset_id: UUID) -> HttpResponseBase:
    """Back to the page of the form; from a picture's page, to this picture."""
    asset = assets.restore(principal=principal, asset_id=asset_id)
    messages.success(request, _("The picture is back."))
    here = reverse("picture", args=[asset.id])
    back = urlsplit(came_from(request, otherwise=here))
    if back.path.startswith("/pictures/"):
        return redirect(here + (f"?{back.query}" if back.query else ""))
    return redirect(back.geturl())


def _around(request: HttpRequest, principal: Principal, asset: Asset) -> dict[str, Any]:
    """The picture itself, its neighbours, its parameters, and what may be done with it."""
    search = Search.of(request.GET)
    newer, older = _beside(principal, search, asset)
    generation = asset.generation
    makes = may_make(principal, asset.project)
    rows = Result.objects.filter(asset_id=asset.id).select_related("submission__account")
    return {
        "project": asset.project,
        "generation": generation,
        "search": search,
        "newer": newer,
        "older": older,
        "parameters": parameters_of(generation) if generation else [],
        "formats": [name for name in FORMATS if name != asset.format],
        "all_formats": FORMATS,
        "smaller": [size for size in reversed(SIZES) if size < max(asset.width, asset.height)],
        "may_make": makes,
        "final_price": finals.price_of(asset) if makes and asset.trashed_at is None else None,
        "result": rows.first() if principal.user.is_staff else None,
        "token": uuid.uuid4(),
    }


def _lineage(principal: Principal, asset: Asset) -> dict[str, Any]:
    return {
        "before": lineage.before(principal, asset),
        "together": lineage.beside(principal, asset),
        "after": lineage.after(principal, asset),
    }


def _beside(principal: Principal, search: Search, asset: Asset) -> tuple[Asset | None, Asset | None]:
    """The pictures before and after this one in the search it was opened from."""
    if asset.trashed_at is not None:
        return None, None
    try:
        newer, older = neighbours(principal, search, asset.id)
    except NotFound:  # somebody else's search came with the link
        return None, None
    found = Asset.objects.visible_to(principal).in_bulk([one for one in (newer, older) if one])
    return found.get(newer), found.get(older)
