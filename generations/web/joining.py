"""The page behind an invitation: for somebody signed in one click, for anybody else a name and a password."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import inviting
from accounts.authentication import principal_of
from accounts.errors import Conflict, Invalid, NotFound
from accounts.models import Invitation, User
from accounts.web.doorway import REFUSED
from generations.actions import joining


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponseBase:
    try:
        found = inviting.read(token)
        if request.method != "POST":
            return _page(request, found)
        if request.user.is_authenticated:
            return _accept(request, found, token)
        return _join(request, found, token)
    except NotFound as refusal:
        context = {"title": _("This invitation cannot be used"), "sentence": refusal.message}
        return render(request, "account/invitation_over.html", context, status=404)


def _accept(request: HttpRequest, found: Invitation, token: str) -> HttpResponseBase:
    try:
        joining.accept(principal=principal_of(request), token=token)
    except Conflict as refusal:
        return _page(request, found, refused=refusal.message)
    return _in(request, found)


def _join(request: HttpRequest, found: Invitation, token: str) -> HttpResponseBase:
    typed = {name: request.POST.get(name, "") for name in ("email", "name", "password")}
    try:
        user = joining.join(token=token, **typed)
    except Conflict as refusal:
        if refusal.code != "user_exists":
            return _page(request, found, refused=refusal.message)
        sentence = _("This address already has an account. Sign in with it to accept the invitation.")
        return _page(request, found, errors={"email": [sentence]})
    except Invalid as refusal:
        return _page(request, found, errors=refusal.fields)
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return _in(request, found)


def _in(request: HttpRequest, found: Invitation) -> HttpResponseBase:
    messages.success(request, _("You are in. Welcome to %(project)s.") % {"project": found.project.name})
    return redirect(f"{reverse('home')}?project={found.project_id}")


def _page(request: HttpRequest, found: Invitation, **more: Any) -> HttpResponseBase:
    user = request.user if isinstance(request.user, User) else None
    another = user is not None and found.email not in {"", user.email.lower()}
    known = bool(found.email) and User.objects.filter(email__iexact=found.email).exists()
    context = {
        "invitation": found,
        "another": another,
        "known": known and user is None,
        "typed": request.POST,
        **more,
    }
    status = REFUSED if more else 200
    return render(request, "account/invitation.html", context, status=status)
