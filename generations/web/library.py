"""The library: every picture I may see, found by words, filters, dates and collections; and the trash."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponseBase, JsonResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.actions import as_uuid
from accounts.errors import Invalid, NotFound
from accounts.models import Project, Role
from accounts.principal import Principal
from accounts.web.doorway import is_fragment, signed_in
from generations.actions import archiving, collecting, organise
from generations.engine.purging import KEPT
from generations.models import Asset, Collection, SavedSearch
from generations.models.collection import CollectionQuerySet
from generations.models.contents import contents
from generations.models.facets import cursor_at, facets, months, suggest
from generations.models.finding import Page, page_of
from generations.models.search import Search
from generations.web import filters

PAGE = 60
FURTHER = 2
"""So many times as many pictures at once for a script that is scrolling."""
MOST_LISTED = 60
"""Collections and saved searches beside the pictures; all collections have a page."""


@require_safe
@signed_in
def library(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """The whole page; for a script, its changing part, or further pictures before or after a cursor."""
    search = Search.of(request.GET).changed(trashed=False)
    context = _pictures(principal, search, request)
    if is_fragment(request) and {"before", "after", "at"} & set(request.GET):
        answer = render(request, "_fragments/grid.html", context)
    else:
        whole = not is_fragment(request) or request.headers.get("HX-History-Restore-Request")
        context |= _around(principal, search)
        answer = render(request, "library.html" if whole else "_fragments/shelf.html", context)
        if _is_typing(request, search):
            answer.headers["HX-Replace-Url"] = request.get_full_path()
    patch_vary_headers(answer, ["HX-Request"])
    return answer


@require_safe
@signed_in
def narrowing(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """One menu with its counts when it is opened, or the total and the months; without a script, all."""
    search = Search.of(request.GET).changed(trashed=False)
    menu = request.GET.get("menu", "") if is_fragment(request) else ""
    names = [] if menu in {"total", "date"} else [menu] if menu in filters.MENUS else list(filters.MENUS)
    found = facets(principal, search, names) if menu != "date" else None
    context = {
        "search": search,
        "menu": menu,
        "total": found and found.total,
        "menus": filters.menus(principal, found) if found else [],
        "lately": filters.lately(search),
        "months": months(principal, search) if menu in {"", "total"} else [],
    }
    answer = render(request, "_fragments/narrowing.html" if menu else "narrowing.html", context)
    patch_vary_headers(answer, ["HX-Request"])
    return answer


@require_safe
@signed_in
def every_id(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """The ids of all that match, in order, as far as one verb may reach; ``more`` if there are others."""
    found = page_of(principal, Search.of(request.GET), limit=organise.MOST_FOUND)
    return JsonResponse({"ids": [str(one) for one in found.ids], "more": found.next is not None})


@require_safe
@signed_in
def tags(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """Tags that begin with what was typed, the most frequent first."""
    search = Search.of(request.GET).plain()
    found = suggest(principal, search, request.GET.get("start", ""))
    return JsonResponse({"tags": [tag for tag, _pictures in found]})


@require_safe
@signed_in
def trash(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """What was thrown away in the last thirty days, and when each is gone for good."""
    search = Search.of(request.GET).changed(trashed=True)
    context = _pictures(principal, search, request)
    now = timezone.now()
    for asset in context["assets"]:
        left = asset.trashed_at + KEPT - now if asset.trashed_at else KEPT
        # What was just thrown away has not lost a day.
        asset.days_left = max(0, (left + timedelta(hours=1)) // timedelta(days=1))
    return render(request, "trash.html", context | {"editable": set(_editable(principal))})


def covers(principal: Principal, held: CollectionQuerySet, most: int) -> list[Collection]:
    """Collections with their picture: the cover, else the first, as ``shown``; and ``contents``."""
    found = list(held.select_related("project")[:most])
    inside = contents([one.id for one in found])
    wanted = [one.cover for one in inside.values() if one.cover]
    pictures = Asset.objects.visible_to(principal).kept().in_bulk(wanted)
    for one in found:
        cover = inside[one.id].cover
        one.shown = pictures.get(cover) if cover else None  # type: ignore[attr-defined]
        one.contents = inside[one.id]  # type: ignore[attr-defined]
    return found


def _is_typing(request: HttpRequest, search: Search) -> bool:
    """Whether it is the page's own search with other words: a pause in typing, no step to go back by."""
    page = Search.of(QueryDict(urlsplit(request.headers.get("HX-Current-URL", "")).query))
    typed = request.headers.get("HX-Trigger") == "filters" and page.q and search.q
    return bool(typed) and page.changed(q=search.q, trashed=False) == search


def _pictures(principal: Principal, search: Search, request: HttpRequest) -> dict[str, Any]:
    page = _page(principal, search, request)
    return {
        "assets": page.assets(),
        "older": page.next,
        "newer": page.previous,
        "search": search,
    }


def _page(principal: Principal, search: Search, request: HttpRequest) -> Page:
    """The part that the address names; a cursor from somewhere else begins anew."""
    asked = {name: request.GET.get(name, "") for name in ("before", "after")}
    if (at := as_uuid(request.GET.get("at", ""))) and not any(asked.values()):
        asked["before"] = cursor_at(search, at)
    limit = PAGE * FURTHER if is_fragment(request) and any(asked.values()) else PAGE
    try:
        return page_of(principal, search, **asked, limit=limit)
    except Invalid:
        return page_of(principal, search, limit=PAGE)


def _around(principal: Principal, search: Search) -> dict[str, Any]:
    """What stands beside the pictures."""
    mine = Project.objects.visible_to(principal)
    editable = set(_editable(principal))
    held = Collection.objects.visible_to(principal).filter(project__archived_at=None)
    saved = SavedSearch.objects.visible_to(principal).select_related("project").order_by("name", "id")
    if search.project:
        held = held.filter(project=search.project)
    projects = list(mine.filter(archived_at=None).order_by("name", "id"))
    collection = _collection(principal, search)
    owned = set(mine.where_may(principal, Role.OWNER).values_list("id", flat=True))
    kept = list(saved[:MOST_LISTED])
    here = next((one for one in kept if one.address == search.address), None)
    return {
        "chips": filters.chips(principal, search),
        "menus": [*filters.MENUS.items(), ("date", _("Date"))],
        "favorites": search.changed(favorite=True).address,
        "collections": list(held.select_related("project").order_by("name", "id")[:MOST_LISTED]),
        "collection": collection,
        "zip_fits": collection is None or archiving.fits(principal, search),
        "most_zipped": archiving.MOST,
        "collection_editable": collection is not None and collection.project_id in editable,
        "saved": kept,
        "kept_here": here,
        "kept_editable": here is not None and (here.user_id == principal.user.id or here.project_id in owned),
        "projects": projects,
        "fillable": [one for one in projects if one.id in editable],
        "may_edit": search.project in editable if search.project else bool(editable),
        "editable": editable,
    }


def _collection(principal: Principal, search: Search) -> Collection | None:
    try:
        return collecting.visible(principal, search.collection) if search.collection else None
    except NotFound:
        return None


def _editable(principal: Principal) -> list[Any]:
    return list(Project.objects.where_may(principal, Role.EDITOR).values_list("id", flat=True))
