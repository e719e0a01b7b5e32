"""Collections and saved searches: their pages, and what people do with them."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.actions import as_uuid
from accounts.errors import Invalid, wrong
from accounts.models import Project, Role
from accounts.principal import Principal
from accounts.texts import bare
from accounts.web.doorway import UNDO, came_from, signed_in
from generations.actions import collecting, searches
from generations.models import Collection
from generations.models.search import Search
from generations.web.library import covers
from generations.web.organise import answering, body_in, is_script

PAGE = 60
MOST_PLACED = 200


@require_safe
@signed_in
def collections(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """Every collection I may see, by name, with its cover."""
    held = Collection.objects.visible_to(principal).order_by("name", "id")
    if project := as_uuid(request.GET.get("project", "")):
        held = held.filter(project=project)
    after = bare(request.GET.get("after", ""))[:200]
    if last := as_uuid(request.GET.get("beyond", "")):
        held = held.filter(name__gte=after).exclude(name=after, id__lte=last)
    found = covers(principal, held, PAGE + 1)
    mine = Project.objects.where_may(principal, Role.EDITOR).filter(archived_at=None)
    context = {
        "collections": found[:PAGE],
        "more": found[PAGE - 1] if len(found) > PAGE else None,
        "fillable": list(mine.order_by("name", "id")),
        "chosen": project,
    }
    return render(request, "collections.html", context)


@answering
def create(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    project = as_uuid(request.POST.get("project", ""))
    if project is None:
        raise Invalid(_("project is missing; choose the project whose pictures it will hold."))
    held = collecting.create(principal=principal, project_id=project, name=request.POST.get("name", ""))
    if is_script(request):
        return JsonResponse(
            {"id": str(held.id), "name": held.name, "project": str(held.project_id)}, status=201
        )
    return redirect(_page_of(held))


@answering
def rename(request: HttpRequest, principal: Principal, collection_id: UUID) -> HttpResponseBase:
    name = request.POST.get("name", "")
    held = collecting.update(principal=principal, collection_id=collection_id, name=name)
    return redirect(_page_of(held))


@answering
def delete(request: HttpRequest, principal: Principal, collection_id: UUID) -> HttpResponseBase:
    held = collecting.delete(principal=principal, collection_id=collection_id)
    undo = reverse("restore_collection", args=[held.id])
    sentence = _("The collection is gone. Its pictures are all still in the library.")
    messages.success(request, sentence, extra_tags=f"{UNDO} {undo}")
    return redirect("collections")


@answering
def restore(request: HttpRequest, principal: Principal, collection_id: UUID) -> HttpResponseBase:
    held = collecting.restore(principal=principal, collection_id=collection_id)
    messages.success(request, _("The collection is back."))
    return redirect(_page_of(held))


@answering
def choose_cover(request: HttpRequest, principal: Principal, collection_id: UUID) -> HttpResponseBase:
    cover = as_uuid(request.POST.get("asset", ""))
    if cover is None:
        raise Invalid(_("asset is missing; choose one of the collection's pictures."))
    collecting.update(principal=principal, collection_id=collection_id, cover=cover)
    if is_script(request):
        return JsonResponse({"sentence": _("This is the cover now.")})
    return redirect(came_from(request, otherwise=reverse("collections")))


@answering
def place(request: HttpRequest, principal: Principal, collection_id: UUID) -> HttpResponseBase:
    """Pictures to another place in the collection's order: ``ids``, just ``before`` or ``after`` one."""
    body = body_in(request)
    if not isinstance(body.get("ids"), list):
        raise Invalid(_("ids must be a list of ids."), fields={"ids": [_("Must be a list of ids.")]})
    if len(body["ids"]) > MOST_PLACED:
        raise wrong("ids", _("may be at most %(most)s; send them in parts.") % {"most": MOST_PLACED})
    ids = [as_uuid(str(one)) for one in body["ids"]]
    before, after = (as_uuid(str(body.get(name) or "")) for name in ("before", "after"))
    with transaction.atomic():  # all of them, or none
        for asset_id in ids:
            if asset_id is None:
                raise Invalid(_("ids must be ids."), fields={"ids": [_("Must be ids.")]})
            collecting.place(
                principal=principal,
                collection_id=collection_id,
                asset_id=asset_id,
                before=before,
                after=after,
            )
            before, after = None, asset_id  # the next one stands behind it
    return JsonResponse({"sentence": _("Order saved.")})


@answering
def save_search(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """Keep the search of the page, or of an undo's address; with ``project``, for everybody there."""
    said = request.POST if "name" in request.POST else request.GET
    search = Search.of(QueryDict(said.get("search", "")))
    project = as_uuid(said.get("project", ""))
    saved = searches.save(principal=principal, name=said.get("name", ""), search=search, project_id=project)
    messages.success(request, _("Search saved as “%(name)s”.") % {"name": saved.name})
    return redirect(f"{reverse('library')}?{saved.address}")


@answering
def rename_search(request: HttpRequest, principal: Principal, search_id: UUID) -> HttpResponseBase:
    searches.update(principal=principal, search_id=search_id, name=request.POST.get("name", ""))
    return redirect(came_from(request, otherwise=reverse("library")))


@answering
def delete_search(request: HttpRequest, principal: Principal, search_id: UUID) -> HttpResponseBase:
    saved = searches.visible(principal, search_id)
    searches.delete(principal=principal, search_id=search_id)
    call = {"name": saved.name, "search": saved.address, "project": saved.project_id or ""}
    undo = f"{reverse('save_search')}?{urlencode(call)}"
    messages.success(request, _("Search deleted."), extra_tags=f"{UNDO} {undo}")
    return redirect(came_from(request, otherwise=reverse("library")))


def _page_of(held: Collection) -> str:
    return f"{reverse('library')}?collection={held.id}"
