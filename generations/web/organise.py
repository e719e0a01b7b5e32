"""What people do to pictures on the library's page: one verb over many of them, undo, bringing files.

A script asks and is answered in JSON, with a sentence to show; a form without one is led back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase, JsonResponse, QueryDict
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, ngettext_lazy
from django.views.decorators.http import require_POST
from uuid6 import uuid7

from accounts.actions import as_uuid
from accounts.endpoint import refuse_unkeepable
from accounts.errors import Invalid, NotAllowed, NotFound, Refusal, wrong
from accounts.principal import Principal
from accounts.web.doorway import REFUSED, Page, came_from, signed_in
from generations.actions import organise, uploads
from generations.actions.organise import Deed
from generations.models import Asset
from generations.models.search import Search

_SENTENCES = {
    "tag": ngettext_lazy("%(n)d picture tagged.", "%(n)d pictures tagged.", "n"),
    "untag": ngettext_lazy("%(n)d picture untagged.", "%(n)d pictures untagged.", "n"),
    "rate": ngettext_lazy("%(n)d picture rated.", "%(n)d pictures rated.", "n"),
    "favorite": ngettext_lazy(
        "Added %(n)d picture to your favourites.", "Added %(n)d pictures to your favourites.", "n"
    ),
    "unfavorite": ngettext_lazy(
        "Removed %(n)d picture from your favourites.", "Removed %(n)d pictures from your favourites.", "n"
    ),
    "move": ngettext_lazy("%(n)d picture moved.", "%(n)d pictures moved.", "n"),
    "copy": ngettext_lazy(
        "%(n)d copy is made; it appears within seconds.",
        "%(n)d copies are made; they appear within seconds.",
        "n",
    ),
    "collect": ngettext_lazy("%(n)d picture collected.", "%(n)d pictures collected.", "n"),
    "uncollect": ngettext_lazy(
        "%(n)d picture taken out of the collection.", "%(n)d pictures taken out of the collection.", "n"
    ),
    "trash": ngettext_lazy(
        "%(n)d picture moved to the trash, where it stays for 30 days.",
        "%(n)d pictures moved to the trash, where they stay for 30 days.",
        "n",
    ),
    "restore": ngettext_lazy("%(n)d picture restored.", "%(n)d pictures restored.", "n"),
}


def answering(page: Page[...]) -> Callable[..., HttpResponseBase]:
    """A refusal said in JSON to a script that asked in JSON; everybody else sees a page."""

    def answer(request: HttpRequest, principal: Principal, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return page(request, principal, *args, **kwargs)
        except Refusal as refusal:
            if not is_script(request):
                raise
            status = (
                404 if isinstance(refusal, NotFound) else 403 if isinstance(refusal, NotAllowed) else REFUSED
            )
            return JsonResponse({"error": refusal.message}, status=status)

    return require_POST(signed_in(answer))


def is_script(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")


@answering
def bulk(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """One verb over the pictures that were chosen: what changed, and the calls that take it back."""
    body = body_in(request)
    done = organise.bulk(principal=principal, asked=_asked(body), **_which(body))
    lost = len(done.not_found)
    sentence = said(str(body.get("verb")), len(done.changed), lost)
    changed, gone = [str(one) for one in done.changed], [str(one) for one in done.not_found]
    return JsonResponse({"sentence": sentence, "changed": changed, "not_found": gone, "undo": done.undo})


@answering
def undo(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """Take back what a verb did, by the calls it answered with, in their order: all of it, or nothing."""
    calls = body_in(request).get("undo")
    if not isinstance(calls, list) or len(calls) > organise.MOST_FOUND:
        raise Invalid(_("undo must be the calls that a verb answered with."))
    changed: list[str] = []
    with transaction.atomic():
        for call in calls:
            changed += _taken_back(principal, call if isinstance(call, dict) else {})
    return JsonResponse({"sentence": _("Taken back."), "changed": changed})


def _taken_back(principal: Principal, call: Mapping[str, Any]) -> list[str]:
    asked, ids = _asked(call), _which({"ids": call.get("ids")})["ids"]
    changed: list[str] = []
    for start in range(0, len(ids), organise.MOST_IDS):
        try:
            done = organise.bulk(principal=principal, asked=asked, ids=ids[start : start + organise.MOST_IDS])
        except NotFound as refusal:
            if refusal.code != "collection_not_found":
                raise
            break  # somebody deleted it meanwhile; the pictures themselves come back all the same
        changed += [str(one) for one in done.changed]
    return changed


@answering
def bring(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """Files from a computer into a project: one at a time from a script, many from a form."""
    project = as_uuid(named := request.POST.get("project", ""))
    if named and project is None:
        raise wrong("project", _("must be the id of a project."))
    files = [file for file in request.FILES.getlist("file") if isinstance(file, UploadedFile)]
    if not files:
        raise Invalid(_("file is missing; choose one or more pictures."))
    if len(files) > 1 and is_script(request):
        raise wrong("file", _("must be one picture; send each by itself."))
    brought = []
    refused: list[str] = []
    for file in files:
        mark = uuid7()  # ids sort by time: a picture with a lesser one was here already
        try:
            asset = uploads.upload(
                principal=principal, project_id=project, chunks=file.chunks(), name=file.name or ""
            )
        except Invalid as refusal:
            if is_script(request):
                raise
            refused.append(f"{uploads.clean_name(file.name or '')}: {refusal.message}")
        else:
            brought.append((asset, asset.id < mark))
    if is_script(request):
        asset, known = brought[0]
        return JsonResponse(_brought(request, asset, known), status=200 if known else 201)
    for sentence in refused:
        messages.error(request, sentence)
    new = sum(not known for _asset, known in brought)
    if brought:
        messages.success(request, _brought_sentence(new, len(brought) - new))
    return redirect(came_from(request, otherwise=reverse("library")))


@answering
def restore(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """The pictures that were ticked in the trash, all of them, taken back."""
    ids = [found for text in request.POST.getlist("id") if (found := as_uuid(text))]
    if not ids:
        raise Invalid(_("Tick the pictures that are to come back, then try again."))
    done = organise.bulk(principal=principal, asked=Deed("restore"), ids=ids)
    messages.success(request, said("restore", len(done.changed), len(done.not_found)))
    return redirect(came_from(request, otherwise=reverse("trash")))


def said(verb: str, changed: int, lost: int) -> str:
    """What was done, and what could not be because it is not there any more."""
    sentences = [str(_SENTENCES[verb] % {"n": changed})] if changed or not lost else []
    if lost:
        sentences.append(
            ngettext(
                "%(n)d picture is not here any more; somebody deleted or moved it.",
                "%(n)d pictures are not here any more; somebody deleted or moved them.",
                lost,
            )
            % {"n": lost}
        )
    return " ".join(sentences)


def _brought(request: HttpRequest, asset: Asset, known: bool) -> dict[str, Any]:
    tile = render_to_string("_fragments/shelf_tile.html", {"asset": asset}, request)
    page = reverse("picture", args=[asset.id])
    return {"id": str(asset.id), "name": asset.name, "known": known, "address": page, "tile": tile}


def _brought_sentence(new: int, known: int) -> str:
    sentence = ngettext("%(n)d picture uploaded.", "%(n)d pictures uploaded.", new) % {"n": new}
    if known:
        more = ngettext("%(n)d was here already.", "%(n)d were here already.", known)
        sentence = f"{sentence} {more % {'n': known}}"
    return sentence


def body_in(request: HttpRequest) -> dict[str, Any]:
    """The JSON object that a script sent. Raises Invalid."""
    try:
        body = json.loads(request.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Invalid(_("The body must be a JSON object."))
    refuse_unkeepable(body)
    return body


def _asked(body: Mapping[str, Any]) -> Deed:
    tags = body.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise Invalid(_("tags must be a list of texts."), fields={"tags": [_("Must be a list of texts.")]})
    return Deed(
        verb=str(body.get("verb", "")),
        tags=tags,
        rating=body.get("rating"),
        project=_id(body, "project"),
        collection=_id(body, "collection"),
        ranks=body.get("ranks", {}),
    )


def _which(body: Mapping[str, Any]) -> dict[str, Any]:
    if "search" in body:
        return {"search": Search.of(QueryDict(str(body["search"])))}
    ids = body.get("ids", [])
    found = (
        [as_uuid(one) if isinstance(one, str) else None for one in ids] if isinstance(ids, list) else [None]
    )
    if None in found:
        raise Invalid(_("ids must be a list of ids."), fields={"ids": [_("Must be ids.")]})
    return {"ids": found}


def _id(body: Mapping[str, Any], name: str) -> Any:
    value = body.get(name)
    if not value:
        return None
    found = as_uuid(value) if isinstance(value, str) else None
    if found is None:
        raise Invalid(_("%(name)s must be an id.") % {"name": name}, fields={name: [_("Must be an id.")]})
    return found
