"""A project's activity, day by day."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.actions import as_uuid, project_where
from accounts.models import Role
from accounts.principal import Principal
from accounts.web.doorway import signed_in
from generations.actions import activity

PAGE = 50


@require_safe
@signed_in
def feed(request: HttpRequest, principal: Principal, project_id: UUID) -> HttpResponseBase:
    project = project_where(principal=principal, project_id=project_id, role=Role.VIEWER)
    edge = as_uuid(request.GET.get("before", ""))
    found = activity.read(project, edge=edge, limit=PAGE)
    context = {
        "project": project,
        "entries": found[:PAGE],
        "older": found[PAGE - 1].id if len(found) > PAGE else None,
        "later": edge is not None,
    }
    return render(request, "activity.html", context)
