"""Links to a picture: made and revoked on its page; and what somebody sees who follows one.

A visitor needs no sign-in and gets no cookie, but for the pass of whoever knew the password. Every
link that leads nowhere, for whatever reason, is answered by the same page.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from accounts.errors import Invalid
from accounts.principal import Principal
from accounts.web.doorway import REFUSED, came_from, is_fragment
from generations import imaging
from generations.actions import assets, sharing
from generations.actions.sharing import TooManyTries
from generations.api import files
from generations.models import Asset, ShareLink
from generations.storage import StorageError
from generations.web.beside import verb

SIZE = 1024
"""Pixels of the longer side that a link without download shows."""
MOST_SHOWN = 20
PASS = "pass"  # noqa: S105 - the name of a cookie
LIVES = {
    "1h": gettext_lazy("1 hour"),
    "1d": gettext_lazy("1 day"),
    "7d": gettext_lazy("7 days"),
    "30d": gettext_lazy("30 days"),
    "never": gettext_lazy("No end"),
}
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}


def context(principal: Principal, asset: Asset) -> dict[str, Any]:
    """What the fragment needs; for those who may share."""
    found = sharing.of(principal, asset.id)
    alive = set(ShareLink.objects.open().filter(asset=asset).values_list("id", flat=True))
    links = [(link, sharing.address(link)) for link in found.filter(id__in=alive)]
    dead = found.exclude(id__in=alive)[:MOST_SHOWN]
    return {"asset": asset, "links": links, "dead_links": list(dead), "lives": LIVES.items(), "life": "7d"}


@verb
def share(request: HttpRequest, principal: Principal, asset_id: UUID) -> HttpResponseBase:
    typed = {
        "life": request.POST.get("expires_in", ""),
        "password": request.POST.get("password", ""),
        "may_download": bool(request.POST.get("may_download")),
    }
    try:
        link = sharing.share(
            principal=principal,
            asset_id=asset_id,
            expires_in=str(typed["life"]),
            password=str(typed["password"]),
            may_download=bool(typed["may_download"]),
        )
    except Invalid as refusal:
        if not is_fragment(request):
            raise
        shown = context(principal, assets.visible(principal, asset_id))
        said = {**shown, **typed, "errors": refusal.fields}
        return render(request, "_fragments/shares.html", said, status=REFUSED)
    return _shown(request, principal, asset_id, made=link.id)


@verb
def revoke(request: HttpRequest, principal: Principal, asset_id: UUID, share_id: UUID) -> HttpResponseBase:
    sharing.revoke(principal=principal, link_id=share_id)
    return _shown(request, principal, asset_id)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def shared(request: HttpRequest, token: str) -> HttpResponseBase:
    """The picture and nothing but the picture; before it, the password where there is one.

    Without a CSRF token, because that would be a cookie: who forges this form must know the password,
    and gains that somebody else sees the picture.
    """
    link = sharing.follow(token)
    if link is None:
        return _page(request, "shared_nothing.html", status=404)
    if request.method == "POST":
        return _enter(request, link, token)
    if not sharing.admitted(link, request.COOKIES.get(PASS, "")):
        return _page(request, "shared_password.html")
    if request.method == "GET" and "prefetch" not in request.headers.get("Sec-Purpose", ""):
        sharing.count_view(link)
    return _page(request, "shared.html", {"link": link, "asset": link.asset, "token": token})


@require_safe
def shared_picture(request: HttpRequest, token: str) -> HttpResponseBase:
    """The bytes that its page shows."""
    return _bytes(request, token, saved=False)


@require_safe
def shared_download(request: HttpRequest, token: str) -> HttpResponseBase:
    """The original, where the link allows it."""
    return _bytes(request, token, saved=True)


def _bytes(request: HttpRequest, token: str, *, saved: bool) -> HttpResponseBase:
    link = sharing.follow(token)
    open_to_them = link is not None and sharing.admitted(link, request.COOKIES.get(PASS, ""))
    if link is None or not open_to_them or (saved and not link.may_download):
        return _page(request, "shared_nothing.html", status=404)
    size = None if saved else SIZE
    try:
        answer = files.handed(request, link.asset, size, f"{link.id.hex}-{size or 'whole'}", saved=saved)
    except (StorageError, imaging.Crashed):
        return HttpResponse(
            "Try again soon.", status=503, content_type="text/plain", headers={"Retry-After": "5", **_HEADERS}
        )
    for name in ("Referrer-Policy", "X-Robots-Tag"):
        answer[name] = _HEADERS[name]
    return answer


def _enter(request: HttpRequest, link: ShareLink, token: str) -> HttpResponseBase:
    here = reverse("shared", args=[token])
    try:
        admission = sharing.enter(link, request.POST.get("password", "")) if link.password else ""
    except TooManyTries as refusal:
        sentence = _("Too many tries. Wait a minute and try again.")
        answer = _page(request, "shared_password.html", {"error": sentence}, status=429)
        answer["Retry-After"] = str(round(refusal.retry_after or 60))
        return answer
    if admission is None:
        sentence = _("That is not the password. Ask whoever sent you the link.")
        return _page(request, "shared_password.html", {"error": sentence}, status=403)
    answer = redirect(here)
    if admission:
        answer.set_cookie(
            PASS,
            admission,
            max_age=sharing.PASS_SECONDS,
            path=here,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
    return answer


def _page(
    request: HttpRequest, template: str, context: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    answer = render(request, template, context, status=status)
    for name, value in _HEADERS.items():
        answer[name] = value
    return answer


def _shown(
    request: HttpRequest, principal: Principal, asset_id: UUID, *, made: UUID | None = None
) -> HttpResponseBase:
    if is_fragment(request):
        shown = context(principal, assets.visible(principal, asset_id))
        return render(request, "_fragments/shares.html", {**shown, "made": made})
    return redirect(f"{came_from(request, otherwise=reverse('picture', args=[asset_id]))}#shares")
