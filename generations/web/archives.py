"""Pictures taken home: those that were chosen, or all that a search finds, as one ZIP."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.actions import as_uuid
from accounts.errors import Invalid
from accounts.principal import Principal
from accounts.web.doorway import signed_in
from generations.actions import archiving
from generations.api.archives import zip_response
from generations.models.search import Search


@require_http_methods(["GET", "POST"])
@signed_in
def download(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """By link: what the address finds. By form: ``ids`` separated by commas or spaces, or ``search``."""
    if request.method == "GET":
        return zip_response(archiving.archive(principal=principal, search=Search.of(request.GET)))
    if "search" in request.POST:
        search = Search.of(QueryDict(request.POST["search"]))
        return zip_response(archiving.archive(principal=principal, search=search))
    said = " ".join(request.POST.getlist("ids")).replace(",", " ").split()
    ids = [as_uuid(one) for one in said]
    if not ids or None in ids:
        raise Invalid(_("ids is missing; choose the pictures you want, then download them."))
    return zip_response(archiving.archive(principal=principal, ids=[one for one in ids if one]))
