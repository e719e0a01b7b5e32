"""What members say of a picture, on its page."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from accounts.errors import Invalid
from accounts.principal import Principal
from accounts.web.doorway import REFUSED, came_from, is_fragment
from generations.actions import assets, commenting
from generations.models import Asset, Comment
from generations.web.beside import verb

SHOWN = 100
"""The newest of so many; who wants older ones asks for all."""


def context(principal: Principal, asset: Asset, *, everything: bool = False) -> dict[str, Any]:
    """What the fragment needs: oldest first, as people talk."""
    rows = Comment.objects.visible_to(principal).filter(asset=asset).select_related("user").order_by("-id")
    found = list(rows if everything else rows[: SHOWN + 1])
    earlier = not everything and len(found) > SHOWN
    return {
        "asset": asset,
        "comments": found[SHOWN - 1 :: -1] if earlier else found[::-1],
        "earlier": earlier,
        "me": principal.user,
        "owner": commenting.owns(principal, asset.project_id),
        "longest": commenting.LONGEST,
    }


@verb
def say(request: HttpRequest, principal: Principal, asset_id: UUID) -> HttpResponseBase:
    text = request.POST.get("text", "")
    try:
        commenting.say(principal=principal, asset_id=asset_id, text=text)
    except Invalid as refusal:
        return _again(request, principal, asset_id, refusal, typed=text)
    return _shown(request, principal, asset_id)


@verb
def edit(request: HttpRequest, principal: Principal, asset_id: UUID, comment_id: UUID) -> HttpResponseBase:
    text = request.POST.get("text", "")
    try:
        commenting.edit(principal=principal, comment_id=comment_id, text=text)
    except Invalid as refusal:
        return _again(request, principal, asset_id, refusal, editing=comment_id, typed=text)
    return _shown(request, principal, asset_id)


@verb
def delete(request: HttpRequest, principal: Principal, asset_id: UUID, comment_id: UUID) -> HttpResponseBase:
    """For good, and therefore behind a second press."""
    commenting.delete(principal=principal, comment_id=comment_id)
    return _shown(request, principal, asset_id)


def _shown(request: HttpRequest, principal: Principal, asset_id: UUID) -> HttpResponseBase:
    if is_fragment(request):
        asset = assets.visible(principal, asset_id)
        return render(request, "_fragments/comments.html", context(principal, asset))
    return redirect(came_from(request, otherwise=reverse("picture", args=[asset_id])))


def _again(
    request: HttpRequest, principal: Principal, asset_id: UUID, refusal: Invalid, **typed: Any
) -> HttpResponse:
    """The form as it was, with what to mend beside it."""
    if not is_fragment(request):
        raise refusal
    asset = assets.visible(principal, asset_id)
    said = {**context(principal, asset), **typed, "errors": refusal.fields.get("text", [refusal.message])}
    return render(request, "_fragments/comments.html", said, status=REFUSED)
