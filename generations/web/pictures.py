"""One picture: large, with everything that is known of it and everything that can be done with it."""

from __future__ import annotations

import uuid
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Project, Role
from accounts.principal import Principal
from accounts.web.doorway import came_from, signed_in
from generations.actions import assets
from generations.models import Asset, Generation, Result
from generations.web.create import may_make
from generations.web.details import parameters_of
from generations.web.library import Search
from providers.values import FORMATS

MOST_RELATED = 60
UNDO = "undo"


@require_safe
@signed_in
def picture(request: HttpRequest, principal: Principal, asset_id: UUID) -> HttpResponseBase:
    asset = assets.visible(principal, asset_id)
    search = Search.of(principal, request.GET)
    newer, older = search.neighbours(asset) if asset.trashed_at is None else (None, None)
    generation = asset.generation
    visible = Asset.objects.visible_to(principal).kept()
    context = {
        "asset": asset,
        "project": asset.project,
        "generation": generation,
        "search": search,
        "newer": newer,
        "older": older,
        "parameters": parameters_of(generation) if generation else [],
        "formats": [name for name in FORMATS if name != asset.format],
        "may_make": may_make(principal, asset.project),
        "may_edit": Project.objects.where_may(principal, Role.EDITOR).filter(id=asset.project_id).exists(),
        "came_from": _came_from(principal, generation),
        "led_to": visible.filter(generation__reference_uses__asset=asset).order_by("id")[:MOST_RELATED],
        "siblings": visible.filter(generation=generation).exclude(id=asset.id).order_by("id")[:MOST_RELATED]
        if generation
        else [],
        "result": Result.objects.filter(asset_id=asset.id).select_related("submission__account").first()
        if principal.user.is_staff
        else None,
        "token": uuid.uuid4(),
    }
    return render(request, "picture.html", context)


@require_POST
@signed_in
def trash(request: HttpRequest, principal: Principal, asset_id: UUID) -> HttpResponseBase:
    """Done at once; the message that says so can undo it."""
    asset = assets.trash(principal=principal, asset_id=asset_id)
    undo = reverse("restore_picture", args=[asset.id])
    messages.success(
        request, _("Moved to the trash, where it stays for 30 days."), extra_tags=f"{UNDO} {undo}"
    )
    return redirect(f"{reverse('library')}?project={asset.project_id}")


@require_POST
@signed_in
def restore(request: HttpRequest, principal: Principal, asset_id: UUID) -> HttpResponseBase:
    asset = assets.restore(principal=principal, asset_id=asset_id)
    messages.success(request, _("The picture is back."))
    return redirect(came_from(request, otherwise=reverse("picture", args=[asset.id])))


def _came_from(principal: Principal, generation: Generation | None) -> list[Asset]:
    """The pictures it was made from, in order, as far as I may see them."""
    if generation is None:
        return []
    rows = Asset.objects.visible_to(principal).kept().filter(uses__generation=generation)
    return list(rows.order_by("uses__position").distinct())
