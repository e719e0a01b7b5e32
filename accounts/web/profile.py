"""A person's own page: name, appearance, password, API keys."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from allauth.account.forms import ChangePasswordForm
from django.conf import settings as configured
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import actions
from accounts.errors import Refusal
from accounts.models import ApiKey, Project, Scope, User
from accounts.principal import Principal
from accounts.texts import bare
from accounts.web.doorway import REFUSED, came_from, is_fragment, signed_in

THEMES = ("light", "dark")
THEME_COOKIE = "theme"
A_YEAR = 365 * 86400
LIFETIMES = (30, 90, 365)
_LIVES = {str(days): timedelta(days=days) for days in LIFETIMES}


@require_safe
@signed_in
def settings(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    return _page(request, principal)


@require_POST
@signed_in
def rename(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    principal.user.name = bare(request.POST.get("name", ""))[:150]
    principal.user.save(update_fields=["name"])
    messages.success(request, _("Your name is saved."))
    return redirect("settings")


@require_POST
@signed_in
def change_password(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    form = ChangePasswordForm(data=request.POST, user=principal.user)
    if not form.is_valid():
        return _page(
            request, principal, password_errors=form.errors, first=next(iter(form.errors)), status=REFUSED
        )
    form.save()
    update_session_auth_hash(request, principal.user)
    actions.audit(principal.user, "change_password", principal.user.id)
    messages.success(request, _("Your password is changed. Other devices are signed out."))
    return redirect("settings")


@require_POST
@signed_in
def create_key(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """Shows the secret on this one page; a reload cannot show it again."""
    days = request.POST.get("days", "")
    life = _LIVES.get(days, _LIVES[str(min(LIFETIMES))]) if days else None
    try:
        key, secret = actions.create_api_key(
            user=principal.user,
            name=request.POST.get("name", ""),
            scopes=request.POST.getlist("scopes"),
            project_id=request.POST.get("project") or None,
            expires_at=timezone.now() + life if life else None,
            networks=request.POST.get("networks", "").split(","),
        )
    except Refusal as refusal:
        errors = refusal.fields or {"name": [refusal.message]}
        return _page(request, principal, key_errors=errors, first=f"key-{next(iter(errors))}", status=REFUSED)
    answer = _page(request, principal, made=key, secret=secret)
    answer["Cache-Control"] = "no-store"
    return answer


@require_POST
@signed_in
def revoke_key(request: HttpRequest, principal: Principal, key_id: UUID) -> HttpResponseBase:
    actions.revoke_api_key(principal=principal, key_id=key_id)
    messages.success(request, _("The key no longer works."))
    return redirect("settings")


@require_POST
def choose_theme(request: HttpRequest) -> HttpResponseBase:
    """Light, dark, or what the system says; kept in a cookie so that pages arrive in the right colours."""
    answer = HttpResponse(status=204) if is_fragment(request) else redirect(came_from(request))
    wanted = request.POST.get("theme", "")
    if wanted in THEMES:
        answer.set_cookie(
            THEME_COOKIE,
            wanted,
            max_age=A_YEAR,
            samesite="Lax",
            secure=request.is_secure(),
            httponly=True,
        )
    else:
        answer.delete_cookie(THEME_COOKIE, samesite="Lax")
    return answer


@require_POST
def choose_language(request: HttpRequest) -> HttpResponseBase:
    """Kept in a cookie for this browser and, for somebody signed in, for every other and for mails."""
    answer = redirect(came_from(request))
    wanted = request.POST.get("language", "")
    if wanted in dict(configured.LANGUAGES):
        remember_language(answer, wanted)
        if isinstance(request.user, User):
            User.objects.filter(id=request.user.id).update(language=wanted)
    return answer


def remember_language(answer: HttpResponseBase, language: str) -> None:
    answer.set_cookie(
        configured.LANGUAGE_COOKIE_NAME,
        language,
        max_age=A_YEAR,
        samesite="Lax",
        secure=configured.SESSION_COOKIE_SECURE,
        httponly=True,
    )


def _page(
    request: HttpRequest, principal: Principal, *, status: int = 200, **more: object
) -> HttpResponseBase:
    """``first`` of ``more`` is the field that is to be mended first."""
    keys = (
        ApiKey.objects.filter(user=principal.user, revoked_at=None).select_related("project").order_by("-id")
    )
    scopes = [scope for scope in Scope if scope != Scope.ADMIN or principal.user.is_staff]
    context = {
        "keys": keys,
        "scopes": scopes,
        "lifetimes": LIFETIMES,
        "my_projects": Project.objects.visible_to(principal).order_by("name", "id"),
        "typed": request.POST,
        "typed_scopes": request.POST.getlist("scopes"),
        **more,
    }
    return render(request, "settings.html", context, status=status)
