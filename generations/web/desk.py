"""What the pages that ask for pictures have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts.actions import project_where
from accounts.errors import Conflict, NotAllowed
from accounts.models import Project, Role
from accounts.principal import Principal
from billing.money import dollars
from generations.actions import generate
from generations.actions.idempotency import Key


def project_of(request: HttpRequest, principal: Principal) -> Project | None:
    """The project in the address, else where work goes by default, else any I can see."""
    if wanted := request.GET.get("project"):
        return project_where(principal=principal, project_id=wanted, role=Role.VIEWER)
    try:
        return generate.default_project(principal)
    except NotAllowed:
        return Project.objects.visible_to(principal).order_by("archived_at", "id").first()


def editable(principal: Principal, project_id: str) -> Project:
    """The project that a form names. Raises NotAllowed, NotFound."""
    return project_where(principal=principal, project_id=project_id, role=Role.EDITOR)


def key_of(request: HttpRequest, principal: Principal, token: str, body: Mapping[str, Any]) -> Key:
    """The same button pressed twice is one wish; the same page with other words is another."""
    words = Key(principal.user, "", "", body).body_sha256
    return Key(principal.user, f"web-{token[:64]}-{words}", request.path, body)


def check_shown(price: int, shown: str) -> int:
    """The price that was shown, in micro-dollars. Raises Conflict if this costs more."""
    if not shown.isdecimal() or price > int(shown):
        raise Conflict(_("This costs $%(price)s. Press again if that is right.") % {"price": dollars(price)})
    return int(shown)
