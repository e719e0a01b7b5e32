"""Pictures to build on: brought from outside, or picked from the library."""

from __future__ import annotations

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.actions import project_where
from accounts.errors import Invalid, NotAllowed, Refusal
from accounts.models import Project, Role
from accounts.principal import Principal
from accounts.web.doorway import REFUSED, signed_in
from generations.actions import uploads
from generations.actions.asking import MOST_REFERENCES
from generations.models import Asset
from generations.models.finding import page_of
from generations.models.search import Search
from generations.web.composer import pictures_named

SHOWN = 40
"""Pictures that the picker shows; more are found by words."""


@require_POST
@signed_in
def add(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """Pictures brought by drag, paste or choice: kept at once, and put into the tray; others are named."""
    project = project_where(principal=principal, project_id=request.POST.get("project", ""), role=Role.EDITOR)
    brought: list[Asset] = []
    refused: list[str] = []
    for file in _files(request):
        try:
            brought.append(_keep(principal, project, file))
        except NotAllowed:
            raise
        except Refusal as refusal:
            refused.append(refusal.message)
    if refused and not brought:
        context = {"name": "file", "sentences": refused}
        answer = render(request, "_fragments/field_error.html", context, status=REFUSED)
        answer["HX-Retarget"], answer["HX-Reswap"] = "#error-file", "outerHTML"
        return answer
    shown = {"references": brought, "clear_error": True, "refused": refused}
    return render(request, "_fragments/references.html", shown)


@require_safe
@signed_in
def tray(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """Pictures of the library as the tray shows them; those that are gone or not ours are left out."""
    named = request.GET.getlist("reference")[:MOST_REFERENCES]
    context = {"references": pictures_named(principal, named), "clear_error": True}
    return render(request, "_fragments/references.html", context)


@require_safe
@signed_in
def pick(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """The newest pictures of the library that have these words, to be picked."""
    search = Search.of({name: request.GET.get(name, "") for name in ("q", "project")})
    found = page_of(principal, search, limit=SHOWN)
    return render(request, "_fragments/picks.html", {"assets": found.assets(), "search": search})


def kept(request: HttpRequest, principal: Principal, project: Project) -> list[Asset]:
    """Each file of a form, in the library. Raises Refusal."""
    return [_keep(principal, project, file) for file in _files(request)]


def _files(request: HttpRequest) -> list[UploadedFile[bytes]]:
    return [file for file in request.FILES.getlist("file") if isinstance(file, UploadedFile)]


def _keep(principal: Principal, project: Project, file: UploadedFile[bytes]) -> Asset:
    """One file, in the library. Raises Refusal; what is wrong with the file names it."""
    name = file.name or "reference"
    try:
        return uploads.upload(principal=principal, project_id=project.id, chunks=file.chunks(), name=name)
    except Invalid as refusal:
        refusal.message = _("“%(name)s”: %(why)s") % {"name": name, "why": capfirst(refusal.message)}
        raise
