"""Where a picture came from: dropped, pasted or chosen, and found in the library; and what is like one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.errors import Invalid
from accounts.principal import Principal
from accounts.web.doorway import REFUSED, is_fragment, signed_in
from generations import imaging
from generations.actions import assets, finding
from generations.actions.finding import LIKENESS, WORDS, Finding
from generations.storage import StorageError


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def find(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """The page; with a picture, what was found of it. Nothing that is shown here is kept."""
    context: dict[str, Any] = {}
    if request.method == "POST":
        try:
            context = _found(_shown(request, principal))
        except Invalid as refusal:
            context = {"sentence": refusal.message}
        except (imaging.Crashed, StorageError):
            context = {"sentence": _("The picture cannot be looked at just now; try it again in a moment.")}
    status = REFUSED if "sentence" in context else 200
    name = "_fragments/findings.html" if is_fragment(request) else "find.html"
    answer = render(request, name, context, status=status)
    patch_vary_headers(answer, ["HX-Request"])
    return answer


@require_safe
@signed_in
def similar(request: HttpRequest, principal: Principal, asset_id: UUID) -> HttpResponseBase:
    """Pictures like this one, as a part of its page; by itself where somebody opens its address."""
    asset = assets.visible(principal, asset_id)
    matches = finding.similar(principal=principal, asset_id=asset_id)
    context = {
        "asset": asset,
        "alike": [match for match in matches if match.by == LIKENESS],
        "worded": [match for match in matches if match.by == WORDS],
    }
    return render(request, "_fragments/similar.html" if is_fragment(request) else "similar.html", context)


def _shown(request: HttpRequest, principal: Principal) -> Finding:
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile):
        raise Invalid(_("file is missing; choose a picture, drop one, or paste one."))
    return finding.find(principal=principal, chunks=file.chunks())


def _found(found: Finding) -> dict[str, Any]:
    prefetch_related_objects([match.asset for match in found.matches], "project")
    return {
        "finding": found,
        "sure": [match for match in found.matches if match.by != LIKENESS],
        "alike": [match for match in found.matches if match.by == LIKENESS],
    }
