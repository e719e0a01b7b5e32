"""Projects and the people in them."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import actions
from accounts.errors import Conflict, Invalid
from accounts.models import Membership, Project, Role
from accounts.principal import Principal
from accounts.web.doorway import REFUSED, signed_in


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def projects(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """Every project I am in; a POST makes another."""
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        try:
            made = actions.create_project(principal=principal, name=request.POST.get("name", ""))
        except Invalid as refusal:
            errors = refusal.fields
        else:
            return redirect(f"{reverse('home')}?project={made.id}")
    mine = (
        Membership.objects.filter(user=principal.user)
        .select_related("project")
        .annotate(people=Count("project__memberships"))
        .order_by("project__archived_at", "project__name", "id")
    )
    context = {"memberships": mine, "errors": errors, "typed": request.POST}
    return render(request, "projects.html", context, status=REFUSED if errors else 200)


@require_safe
@signed_in
def project(request: HttpRequest, principal: Principal, project_id: UUID) -> HttpResponseBase:
    return _page(request, principal, project_id)


@require_POST
@signed_in
def rename(request: HttpRequest, principal: Principal, project_id: UUID) -> HttpResponseBase:
    try:
        actions.update_project(principal=principal, project_id=project_id, name=request.POST.get("name", ""))
    except Invalid as refusal:
        return _page(request, principal, project_id, errors=refusal.fields)
    messages.success(request, _("The project has its new name."))
    return redirect("project", project_id)


@require_POST
@signed_in
def set_member(request: HttpRequest, principal: Principal, project_id: UUID) -> HttpResponseBase:
    email, role = request.POST.get("email", ""), request.POST.get("role", "")
    try:
        member = actions.set_member(principal=principal, project_id=project_id, email=email, role=role)
    except (Invalid, Conflict) as refusal:
        return _page(request, principal, project_id, errors=refusal.fields or {"email": [refusal.message]})
    messages.success(
        request, _("%(who)s is now %(role)s.") % {"who": member.user, "role": Role(member.role).label.lower()}
    )
    return redirect("project", project_id)


@require_POST
@signed_in
def remove_member(
    request: HttpRequest, principal: Principal, project_id: UUID, user_id: UUID
) -> HttpResponseBase:
    actions.remove_member(principal=principal, project_id=project_id, user_id=user_id)
    if user_id == principal.user.id:
        messages.success(request, _("You have left the project. Your pictures stay in it."))
        return redirect("projects")
    messages.success(request, _("They are no longer in the project. Their pictures stay."))
    return redirect("project", project_id)


@require_POST
@signed_in
def archive(request: HttpRequest, principal: Principal, project_id: UUID) -> HttpResponseBase:
    actions.archive_project(principal=principal, project_id=project_id)
    messages.success(request, _("The project is archived. Its pictures and books are kept."))
    return redirect("projects")


def _page(
    request: HttpRequest,
    principal: Principal,
    project_id: UUID,
    *,
    errors: dict[str, list[str]] | None = None,
) -> HttpResponseBase:
    found: Project = actions.project_where(principal=principal, project_id=project_id, role=Role.VIEWER)
    members = found.memberships.select_related("user").order_by("created_at", "id")
    mine = next((member for member in members if member.user_id == principal.user.id), None)
    context = {
        "project": found,
        "members": members,
        "owner": mine is not None and mine.role == Role.OWNER,
        "roles": Role,
        "errors": errors or {},
        "typed": request.POST,
    }
    return render(request, "project.html", context, status=REFUSED if errors else 200)
