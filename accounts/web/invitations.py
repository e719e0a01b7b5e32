"""Inviting people, on a project's page; coming in is ``generations.web.joining``."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import inviting
from accounts.errors import Conflict, Invalid
from accounts.principal import Principal
from accounts.web.doorway import signed_in
from accounts.web.projects import project_page


@require_POST
@signed_in
def invite(request: HttpRequest, principal: Principal, project_id: UUID) -> HttpResponseBase:
    """The link is shown where no mail went out."""
    email = "" if "link" in request.POST else request.POST.get("email", "").strip()
    if not email and "link" not in request.POST:
        sentence = _("Write an address, or make a link instead.")
        return project_page(request, principal, project_id, errors={"email": [sentence]})
    try:
        made = inviting.invite(
            principal=principal, project_id=project_id, email=email, role=request.POST.get("role", "")
        )
    except (Invalid, Conflict) as refusal:
        errors = refusal.fields or {"email": [refusal.message]}
        return project_page(request, principal, project_id, errors=errors)
    if inviting.send(made):
        messages.success(request, _("The invitation is on its way to %(email)s.") % {"email": email})
        return redirect("project", project_id)
    answer = project_page(request, principal, project_id, made=made)
    answer["Cache-Control"] = "no-store"
    return answer


@require_POST
@signed_in
def revoke(request: HttpRequest, principal: Principal, invitation_id: UUID) -> HttpResponseBase:
    taken_back = inviting.revoke(principal=principal, invitation_id=invitation_id)
    messages.success(request, _("The invitation no longer works."))
    return redirect("project", taken_back.project_id)
