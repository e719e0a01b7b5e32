"""The home page: ask for pictures on the left, watch them come on the right."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.actions import as_uuid, project_where
from accounts.errors import Conflict, NotAllowed, Refusal
from accounts.models import Project, Role
from accounts.principal import Principal
from accounts.web.doorway import REFUSED, is_fragment, signed_in
from billing.errors import PriceAboveMax
from billing.money import dollars
from generations.actions import generate, uploads
from generations.actions.asking import Asked
from generations.actions.idempotency import Key
from generations.models import Asset, Generation
from generations.web import composer, stream
from generations.web.composer import Composer

MOST_WATCHED = 60
"""How many running works one page asks about at once."""


@require_safe
@signed_in
def home(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    project = _project_of(request, principal)
    if project is None:
        return render(request, "home_empty.html")
    editable = may_make(principal, project)
    form = composer.from_address(principal, project, request.GET) if editable else None
    return _home(request, principal, project, form)


@require_safe
@signed_in
def older(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """The next page of the stream, to be put below."""
    project = _project_of(request, principal)
    if project is None:
        raise Http404
    return render(request, "_fragments/stream.html", _stream(request, principal, project))


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def ask(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """Take the wish, hold its price, and clear the way for the next one."""
    if request.method != "POST":
        return redirect("home")  # the address of a form that was to be mended, opened again
    project = _editable(principal, request.POST.get("project", ""))
    form = composer.from_form(principal, project, request.POST)
    try:
        form.references += [f"asset:{kept.id}" for kept in _kept(request, principal, project)]
        asked = _at_the_price_shown(form, request.POST.get("shown", ""))
        outcome = generate.submit(
            principal=principal,
            asked=asked,
            render=lambda made: {"id": str(made.id)},
            key=Key(principal.user, _token(form, asked), request.path, dict(form.body)),
        )
    except NotAllowed:
        raise
    except Refusal as refusal:
        form.complain(refusal)
        return _again(request, principal, project, form)
    assert outcome.subject_id is not None
    if not is_fragment(request):
        return redirect(f"{reverse('home')}?project={project.id}#generation-{outcome.subject_id}")
    if outcome.replayed:
        return HttpResponse(status=204)
    return _taken(request, principal, project, outcome.subject_id, form)


@require_POST
@signed_in
def quote(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """What the form as it stands would cost at every gateway."""
    project = _editable(principal, request.POST.get("project", ""))
    form = composer.from_form(principal, project, request.POST)
    return render(request, "_fragments/quoted.html", {"composer": form})


@require_POST
@signed_in
def add_references(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """Pictures brought by drag, paste or choice: kept at once, and put into the tray."""
    project = _editable(principal, request.POST.get("project", ""))
    try:
        kept = _kept(request, principal, project)
    except NotAllowed:
        raise
    except Refusal as refusal:
        context = {"name": "references", "sentences": [refusal.message]}
        answer = render(request, "_fragments/field_error.html", context, status=REFUSED)
        answer["HX-Retarget"], answer["HX-Reswap"] = "#error-references", "outerHTML"
        return answer
    return render(request, "_fragments/references.html", {"references": kept, "clear_error": True})


@require_safe
@signed_in
def live(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """What changed among the works a page is showing: one question for all of them."""
    pairs = (text.partition(":") for text in request.GET.getlist("seen")[:MOST_WATCHED])
    seen = [(found, version) for text, _colon, version in pairs if (found := as_uuid(text))]
    mine = Project.objects.where_may(principal, Role.EDITOR).filter(archived_at=None)
    works = stream.changed(principal, seen, set(mine.values_list("id", flat=True)))
    if not works:
        return HttpResponse(status=204)
    return render(request, "_fragments/changed.html", {"works": works})


def may_make(principal: Principal, project: Project) -> bool:
    """Whether the person may ask for pictures there."""
    mine = Project.objects.where_may(principal, Role.EDITOR).filter(id=project.id, archived_at=None)
    return mine.exists()


def _project_of(request: HttpRequest, principal: Principal) -> Project | None:
    """The project in the address, else where work goes by default, else any I can see."""
    if wanted := request.GET.get("project"):
        return project_where(principal=principal, project_id=wanted, role=Role.VIEWER)
    try:
        return generate.default_project(principal)
    except NotAllowed:
        return Project.objects.visible_to(principal).order_by("archived_at", "id").first()


def _editable(principal: Principal, project_id: str) -> Project:
    return project_where(principal=principal, project_id=project_id, role=Role.EDITOR)


def _token(form: Composer, asked: Asked) -> str:
    """The same button pressed twice is one wish; the same page with other words is another."""
    words = Key(form.principal.user, "", "", dict(asked.body) | {"prompt": asked.request.prompt, **form.body})
    return f"web-{form.token[:64]}-{words.body_sha256}"


def _at_the_price_shown(form: Composer, shown: str) -> Asked:
    """The wish, never above the price that stood on the button. Raises Refusal."""
    asked = form.read()
    price = form.prices.price
    if price is None:
        return asked  # submit says why none can
    if asked.max_price is not None and price > asked.max_price:
        raise PriceAboveMax(price=price, max_price=asked.max_price)
    if not shown.isdecimal() or price > int(shown):
        raise Conflict(
            _("This costs $%(price)s. Press Generate again if that is right.") % {"price": dollars(price)}
        )
    return replace(
        asked, max_price=int(shown) if asked.max_price is None else min(int(shown), asked.max_price)
    )


def _kept(request: HttpRequest, principal: Principal, project: Project) -> list[Asset]:
    files = [file for file in request.FILES.getlist("file") if isinstance(file, UploadedFile)]
    return [
        uploads.upload(
            principal=principal, project_id=project.id, chunks=file.chunks(), name=file.name or "reference"
        )
        for file in files
    ]


def _taken(
    request: HttpRequest, principal: Principal, project: Project, generation_id: UUID, form: Composer
) -> HttpResponse:
    generation = Generation.objects.select_related("user").get(id=generation_id)
    fresh = Composer(principal, project, form.typed, form.references)
    context = {"work": stream.with_pictures([generation])[0], "composer": fresh, "project": project}
    return render(request, "_fragments/taken.html", context)


def _again(request: HttpRequest, principal: Principal, project: Project, form: Composer) -> HttpResponse:
    """The form as it was, with what to mend; nothing typed is lost."""
    if not is_fragment(request):
        return _home(request, principal, project, form, status=REFUSED)
    context = {"composer": form, "project": project}
    answer = render(request, "_fragments/composer.html", context, status=REFUSED)
    answer["HX-Retarget"], answer["HX-Reswap"] = "#composer", "outerHTML"
    return answer


def _home(
    request: HttpRequest, principal: Principal, project: Project, form: Composer | None, *, status: int = 200
) -> HttpResponse:
    context = {**_stream(request, principal, project), "composer": form}
    return render(request, "home.html", context, status=status)


def _stream(request: HttpRequest, principal: Principal, project: Project) -> dict[str, Any]:
    before = as_uuid(request.GET.get("before", ""))
    editable = may_make(principal, project)
    found = stream.page(principal, project, before=before, editable=editable)
    return {"project": project, "stream": found, "editable": editable, "before": before}
