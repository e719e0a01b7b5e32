"""Projects and the people in them."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, F
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import actions, inviting
from accounts.errors import Conflict, Invalid
from accounts.models import Invitation, Membership, Project, Role
from accounts.principal import Principal
from accounts.web.doorway import REFUSED, UNDO, signed_in


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
        .order_by(F("project__archived_at").asc(nulls_first=True), "project__name", "id")
    )
    context = {"memberships": mine, "errors": errors, "typed": request.POST}
    return render(request, "projects.html", context, status=REFUSED if errors else 200)


@require_safe
@signed_in
def project(request: HttpRequest, principal: Principal, project_id: UUID) -> HttpResponseBase:
    return project_page(request, principal, project_id)


@require_POST
@signed_in
def rename(request: HttpRequest, principal: Principal, project_id: UUID) -> HttpResponseBase:
    try:
        actions.update_project(principal=principal, project_id=project_id, name=request.POST.get("name", ""))
    except Invalid as refusal:
        return project_page(request, principal, project_id, errors=refusal.fields)
    messages.success(request, _("The project has its new name."))
    return redirect("project", project_id)


@require_POST
@signed_in
def set_member(request: HttpRequest, principal: Principal, project_id: UUID) -> HttpResponseBase:
    """Another role; or, from an undo's address, the one somebody had."""
    said = request.POST if "role" in request.POST else request.GET
    email, role = said.get("email", ""), said.get("role", "")
    try:
        member = actions.set_member(principal=principal, project_id=project_id, email=email, role=role)
    except (Invalid, Conflict) as refusal:
        return project_page(
            request, principal, project_id, errors=refusal.fields or {"email": [refusal.message]}
        )
    messages.success(
        request, _("%(who)s is now %(role)s.") % {"who": member.user, "role": Role(member.role).label.lower()}
    )
    return redirect("project", project_id)


@require_POST
@signed_in
def remove_member(
    request: HttpRequest, principal: Principal, project_id: UUID, user_id: UUID
) -> HttpResponseBase:
    gone = actions.remove_member(principal=principal, project_id=project_id, user_id=user_id)
    if user_id == principal.user.id:
        messages.success(request, _("You have left the project. Your pictures stay in it."))
        return redirect("projects")
    had = urlencode({"email": gone.user.email, "role": gone.role})
    messages.success(
        request,
        _("They are no longer in the project. Their pictures stay."),
        extra_tags=f"{UNDO} {reverse('set_member', args=[project_id])}?{had}",
    )
    return redirect("project", project_id)


@require_POST
@signed_in
def archive(request: HttpRequest, principal: Principal, project_id: UUID) -> HttpResponseBase:
    actions.archive_project(principal=principal, project_id=project_id)
    undo = reverse("unarchive_project", args=[project_id])
    sentence = _("The project is archived. Its pictures and records of money are kept.")
    messages.success(request, sentence, extra_tags=f"{UNDO} {undo}")
    return redirect("projects")


@require_POST
@signed_in
def unarchive(request: HttpRequest, principal: Principal, project_id: UUID) -> HttpResponseBase:
    actions.unarchive_project(principal=principal, project_id=project_id)
    messages.success(request, _("The project is in use again."))
    return redirect("project", project_id)


@require_POST
@signed_in
def choose_prompts(request: HttpRequest, principal: Principal, project_id: UUID) -> HttpResponseBase:
    """Whether downloads of this project's pictures say what was asked for."""
    wanted = request.POST.get("prompts_in_pictures") == "1"
    actions.update_project(principal=principal, project_id=project_id, prompts_in_pictures=wanted)
    messages.success(
        request,
        _("Downloads now carry their prompt.") if wanted else _("Downloads no longer carry their prompt."),
    )
    return redirect("project", project_id)


def project_page(
    request: HttpRequest,
    principal: Principal,
    project_id: UUID,
    *,
    errors: dict[str, list[str]] | None = None,
    made: Invitation | None = None,
) -> HttpResponseBase:
    """A project, its people and, for its owners, what they manage; ``made``: an invitation to hand over."""
    found: Project = actions.project_where(principal=principal, project_id=project_id, role=Role.VIEWER)
    members = found.memberships.select_related("user").order_by("created_at", "id")
    mine = next((member for member in members if member.user_id == principal.user.id), None)
    owner = mine is not None and mine.role == Role.OWNER
    opened = inviting.open_ones(principal=principal, project_id=project_id) if owner else ()
    context = {
        "project": found,
        "members": members,
        "owner": owner,
        "only_owner": owner and sum(member.role == Role.OWNER for member in members) == 1,
        "invitations": [(one, inviting.address(one)) for one in opened],
        "made": made and inviting.address(made),
        "roles": Role,
        "errors": errors or {},
        "typed": request.POST,
    }
    return render(request, "project.html", context, status=REFUSED if errors else 200)
