"""What is done to one picture from its page: judged, tagged, collected; each at once, with a way back.

A script is answered with the part of the page that changed; a form without one is led back.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts.actions import as_uuid
from accounts.errors import Conflict, Invalid, NotAllowed, NotFound
from accounts.models import Project, Role
from accounts.principal import Principal
from accounts.web.doorway import REFUSED, UNDO, Page, came_from, is_fragment, say, signed_in
from generations.actions import assets, collecting, organise
from generations.actions.organise import Deed, Done
from generations.models import Asset, Collection
from generations.models.facets import suggest
from generations.models.search import Search

MOST_COLLECTIONS = 200
VERBS = ("rate", "favorite", "unfavorite", "tag", "untag", "collect", "uncollect")
_UNDOABLE = {
    "untag": gettext_lazy("The tag is off."),
    "uncollect": gettext_lazy("Taken out of the collection."),
}
"""What takes something away, and says so with a way back."""


def verb(page: Page[...]) -> Callable[..., HttpResponseBase]:
    """A verb of the picture's page. Whatever it refuses is said beside the picture, with the way back."""

    @wraps(page)
    def answer(request: HttpRequest, principal: Principal, /, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return page(request, principal, *args, **kwargs)
        except NotFound as refusal:
            if not is_fragment(request):
                raise
            sentence = _("%(what)s It was deleted, or you are no longer a member.") % {
                "what": refusal.message
            }
            if refusal.code == "asset_not_found":
                return _told(request, sentence, reverse("library"), _("To the library"))
            return _told(request, sentence, _here(kwargs), _("Look again"))
        except NotAllowed as refusal:
            if not is_fragment(request):
                raise
            return say(request, refusal.message)
        except Conflict as refusal:
            if refusal.code != "asset_in_trash" or not is_fragment(request):
                raise
            return _told(request, refusal.message, _here(kwargs), _("Open it there"))

    return require_POST(signed_in(answer))


@verb
def change(request: HttpRequest, principal: Principal, asset_id: UUID) -> HttpResponseBase:
    """One verb of ``organise`` on this picture; what it needs comes from the form, or an undo's address."""
    assets.kept(principal, asset_id)
    said = request.POST if "verb" in request.POST else request.GET
    if name := request.POST.get("new", "").strip():
        held = collecting.create(principal=principal, project_id=_project(principal, asset_id), name=name)
        asked = Deed(verb="collect", collection=held.id)
    else:
        stars = said.get("rating", "")
        if said.get("verb") not in VERBS:
            raise Invalid(_("verb must be one of %(known)s.") % {"known": ", ".join(VERBS)})
        asked = Deed(
            verb=said["verb"],
            tags=[*said.getlist("tags"), *filter(None, said.get("typed", "").split(","))],
            rating=int(stars) if stars.isdecimal() else None,
            collection=as_uuid(said.get("collection", "")),
            ranks=_ranks(asset_id, said.get("rank", "")),
        )
    done = organise.bulk(principal=principal, asked=asked, ids=[asset_id], search=None)
    return _changed(request, principal, asset_id, asked, done)


@require_safe
@signed_in
def tag_choices(request: HttpRequest, principal: Principal, asset_id: UUID) -> HttpResponseBase:
    """Tags of the picture's project that begin with what was typed after the last comma."""
    asset = assets.visible(principal, asset_id)
    typed = request.GET.get("typed", "").rpartition(",")[2]
    found = suggest(principal, Search(project=asset.project_id), typed)
    mine = set(asset.tags)
    return render(
        request, "_fragments/tag_choices.html", {"tags": [tag for tag, _n in found if tag not in mine]}
    )


def context(principal: Principal, asset: Asset) -> dict[str, Any]:
    """What the fragment needs."""
    held = Collection.objects.visible_to(principal).filter(project=asset.project_id)
    inside = list(held.filter(items__asset=asset).order_by("name", "id"))
    others = held.exclude(items__asset=asset).order_by("name", "id")
    return {
        "asset": asset,
        "stars": range(1, 6),
        "favorite": principal.user.id in asset.favorite_of,
        "may_edit": may_edit(principal, asset),
        "collections": inside,
        "other_collections": list(others[:MOST_COLLECTIONS]),
    }


def may_edit(principal: Principal, asset: Asset) -> bool:
    return Project.objects.where_may(principal, Role.EDITOR).filter(id=asset.project_id).exists()


def _project(principal: Principal, asset_id: UUID) -> UUID:
    return assets.visible(principal, asset_id).project_id


def _changed(
    request: HttpRequest, principal: Principal, asset_id: UUID, asked: Deed, done: Done
) -> HttpResponseBase:
    undo = _way_back(asset_id, done) if asked.verb in _UNDOABLE else ""
    sentence = str(_UNDOABLE.get(asked.verb, ""))
    if is_fragment(request):
        said = {"sentence": sentence, "tags": f"{UNDO} {undo}"} if undo else {}
        shown = context(principal, assets.visible(principal, asset_id))
        return render(request, "_fragments/judging.html", {**shown, "said": said})
    if undo:
        messages.success(request, sentence, extra_tags=f"{UNDO} {undo}")
    return redirect(came_from(request, otherwise=reverse("picture", args=[asset_id])))


def _way_back(asset_id: UUID, done: Done) -> str:
    """The address that takes it back when it is posted to; empty if nothing changed."""
    if not done.undo:
        return ""
    call = {name: value for name, value in done.undo[0].items() if name != "ids"}
    if stood := call.pop("ranks", None):
        call["rank"] = stood[str(asset_id)]
    return f"{reverse('change_picture', args=[asset_id])}?{urlencode(call, doseq=True)}"


def _ranks(asset_id: UUID, rank: str) -> dict[str, float]:
    """Where it stood in a collection, as an undo's address says it."""
    try:
        return {str(asset_id): float(rank)}
    except ValueError:
        return {}


def _here(named: dict[str, Any]) -> str:
    return reverse("picture", kwargs={"asset_id": named["asset_id"]})


def _told(request: HttpRequest, sentence: str, link: str, link_text: str) -> HttpResponse:
    context = {"sentence": sentence, "link": link, "link_text": link_text}
    answer = render(request, "_fragments/notice.html", context, status=REFUSED)
    answer["HX-Retarget"], answer["HX-Reswap"] = "#notices", "beforeend"
    return answer
