"""The page of notices, and what the bell in the bar asks now and then."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.actions import as_uuid
from accounts.principal import Principal
from accounts.web.doorway import came_from, signed_in
from generations.actions import notices
from generations.actions.notices import Said

PAGE = 50
NEWEST = 5


@require_safe
@signed_in
def page(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    told = notices.mine(principal).order_by("-id")
    edge = as_uuid(request.GET.get("before", ""))
    if edge is not None:
        told = told.filter(id__lt=edge)
    found = list(told[: PAGE + 1])
    context = {
        "told": notices.said(principal, found[:PAGE]),
        "older": found[PAGE - 1].id if len(found) > PAGE else None,
        "later": edge is not None,
        "unread": notices.unread(principal),
    }
    return render(request, "notices.html", context)


@require_POST
@signed_in
def read(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """One (``id``), or all. With ``open``, on to what it is about."""
    said = request.POST.get("id", "")
    one = as_uuid(said)
    notices.mark_read(principal=principal, ids=[one] if one else [] if said else None)
    if not said:
        messages.success(request, _("All notices are read."))
        return redirect("notices")
    found = list(notices.mine(principal).filter(id=one)) if one else []
    path = notices.said(principal, found)[0].path if found else ""
    return redirect(path or came_from(request, otherwise="/notices"))


@never_cache
@require_safe
@signed_in
def news(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """How many are not read, the newest of those in words, and which of the works named are over."""
    newest = list(notices.mine(principal).filter(read_at=None).order_by("-id")[:NEWEST])
    named = [one for one in map(as_uuid, request.GET.getlist("work")) if one]
    over, waiting = notices.waited_for(principal, named)
    return JsonResponse(
        {
            "unread": notices.unread(principal),
            "newest": _briefly(notices.said(principal, newest)),
            "ended": _briefly(over),
            "waiting": waiting,
        }
    )


def _briefly(told: list[Said]) -> list[dict[str, str]]:
    return [{"id": str(one.id), "sentence": one.sentence, "path": one.path} for one in told]
