"""Who may open a page, and what a page answers where an action refuses."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from accounts.authentication import note_refusal, principal_of
from accounts.errors import NotAllowed, NotFound, Refusal
from accounts.principal import Principal

P = ParamSpec("P")
Page = Callable[Concatenate[HttpRequest, Principal, P], HttpResponseBase]
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
REFUSED = 422
"""What a form that was refused answers; htmx is told to show it like any other page."""
UNDO = "undo"
"""Tags a message that offers a way back, followed by the address to post to."""


def signed_in(page: Page[P]) -> View[P]:
    """A page for people who are signed in; it is handed who asks.

    What is not theirs to see is 404, what is not theirs to do 403, any other refusal is said
    where they were.
    """

    @wraps(page)
    def answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _sign_in_first(request)
        try:
            return page(request, principal_of(request), *args, **kwargs)
        except NotFound as refusal:
            raise Http404(refusal.message) from None
        except NotAllowed as refusal:
            note_refusal(request)
            raise PermissionDenied(refusal.message) from None
        except Refusal as refusal:
            return say(request, refusal.message)

    return answer


def staff_only(page: Page[P]) -> View[P]:
    """A page for staff; everybody else is told so."""

    @wraps(page)
    def answer(
        request: HttpRequest, principal: Principal, /, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponseBase:
        if not principal.user.is_staff:
            raise NotAllowed(_("This page is for staff. Ask one of them if you need to see it."))
        return page(request, principal, *args, **kwargs)

    return signed_in(answer)


def say(request: HttpRequest, sentence: str) -> HttpResponse:
    """Tell a person why nothing was done, on the page they are on."""
    if is_fragment(request):
        answer = render(request, "_fragments/notice.html", {"sentence": sentence}, status=REFUSED)
        answer["HX-Retarget"], answer["HX-Reswap"] = "#notices", "beforeend"
        return answer
    messages.error(request, sentence)
    return redirect(came_from(request))


def came_from(request: HttpRequest, *, otherwise: str = "/") -> str:
    """The page of ours on which a form was, by its ``next`` field or the Referer."""
    for address in (request.POST.get("next", ""), request.headers.get("Referer", "")):
        if address and url_has_allowed_host_and_scheme(
            address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        ):
            return address
    return otherwise


def is_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of a page."""
    return bool(getattr(request, "htmx", False))


def _sign_in_first(request: HttpRequest) -> HttpResponse:
    if not is_fragment(request):
        back = f"?{urlencode({'next': request.get_full_path()})}" if request.method == "GET" else ""
        return redirect(f"{settings.LOGIN_URL}{back}")
    # A part of a page must never be replaced by a sign-in form: what was typed would be gone.
    context: dict[str, Any] = {
        "sentence": _("You are signed out. Nothing you typed is lost."),
        "link": settings.LOGIN_URL,
        "link_text": _("Sign in in a new tab, then go on here."),
    }
    answer = render(request, "_fragments/notice.html", context, status=REFUSED)
    answer["HX-Retarget"], answer["HX-Reswap"] = "#notices", "beforeend"
    return answer
