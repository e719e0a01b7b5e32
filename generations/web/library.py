"""Finding pictures again: words, gateway, person, kind; and the trash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.actions import as_uuid, project_where
from accounts.models import Project, Role, User
from accounts.principal import Principal
from accounts.web.doorway import is_fragment, signed_in
from generations.models import Asset, Kind
from generations.models.asset import AssetQuerySet
from providers import registry

PAGE = 60
FILTERS = ("project", "q", "provider", "kind", "user")


@dataclass(frozen=True)
class Search:
    """What is looked for; it lives in the address. Values that mean nothing are left out."""

    principal: Principal
    said: dict[str, str]

    @classmethod
    def of(cls, principal: Principal, address: QueryDict) -> Search:
        said = {name: address.get(name, "").replace("\x00", "").strip() for name in FILTERS}
        for name in ("project", "user"):
            found = as_uuid(said[name]) if said[name] else None
            said[name] = str(found) if found else ""
        if said["kind"] not in Kind.values:
            said["kind"] = ""
        return cls(principal, {name: text for name, text in said.items() if text})

    @property
    def address(self) -> str:
        return urlencode(self.said)

    @property
    def narrowed(self) -> bool:
        return bool(set(self.said) - {"project"})

    def rows(self) -> AssetQuerySet:
        """Pictures that match, in no order yet. Raises NotFound for a project that is not mine."""
        rows = Asset.objects.visible_to(self.principal)
        if project_id := self.said.get("project"):
            rows = rows.filter(
                project=project_where(principal=self.principal, project_id=project_id, role=Role.VIEWER)
            )
        exact = {"provider": "provider", "kind": "kind", "user": "user_id"}
        rows = rows.filter(**{column: self.said[name] for name, column in exact.items() if name in self.said})
        return rows.with_words(self.said["q"]) if "q" in self.said else rows

    def neighbours(self, asset: Asset) -> tuple[Asset | None, Asset | None]:
        """The newer and the older picture beside this one."""
        rows = self.rows().kept()
        newer = rows.filter(id__gt=asset.id).order_by("id").first()
        return newer, rows.filter(id__lt=asset.id).order_by("-id").first()


@require_safe
@signed_in
def library(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """Everything I may see, newest first."""
    search = Search.of(principal, request.GET)
    context = _page(search, search.rows().kept(), request)
    if is_fragment(request) and "before" in request.GET:
        return render(request, "_fragments/grid.html", context)
    if is_fragment(request) and not request.headers.get("HX-History-Restore-Request"):
        return render(request, "_fragments/found.html", context)
    projects = Project.objects.visible_to(principal).order_by("name", "id")
    people = User.objects.filter(memberships__project__in=projects).distinct().order_by("name", "email")
    context |= {"projects": projects, "people": people, "profiles": registry.profiles(), "kinds": Kind}
    return render(request, "library.html", context)


@require_safe
@signed_in
def trash(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """What was thrown away in the last thirty days."""
    search = Search.of(principal, request.GET)
    context = _page(search, search.rows().filter(trashed_at__isnull=False), request)
    mine = Project.objects.where_may(principal, Role.EDITOR).values_list("id", flat=True)
    return render(request, "trash.html", context | {"editable": set(mine)})


def _page(search: Search, rows: AssetQuerySet, request: HttpRequest) -> dict[str, Any]:
    before: UUID | None = as_uuid(request.GET.get("before", ""))
    if before is not None:
        rows = rows.filter(id__lt=before)
    found = list(rows.order_by("-id")[: PAGE + 1])
    return {
        "assets": found[:PAGE],
        "older": found[PAGE - 1].id if len(found) > PAGE else None,
        "search": search,
        "before": before,
    }
