"""The home page: ask for pictures on the left, watch them come on the right."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.actions import as_uuid
from accounts.errors import Conflict, NotAllowed, Refusal
from accounts.models import Project, Role
from accounts.principal import Principal
from accounts.web.doorway import REFUSED, is_fragment, signed_in
from billing.errors import PriceAboveMax
from generations.actions import asking, batches, generate
from generations.actions.asking import Asked
from generations.models import Generation
from generations.web import batches as batch_pages
from generations.web import composer, desk, finals, references, stream
from generations.web.composer import Composer
from generations.web.stream import may_make

MOST_WATCHED = 60
"""How many running works one page asks about at once."""


@require_safe
@signed_in
def home(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    project = desk.project_of(request, principal)
    if project is None:
        return render(request, "home_empty.html")
    editable = may_make(principal, project)
    form = composer.from_address(principal, project, request.GET) if editable else None
    return home_page(request, principal, project, form)


@require_safe
@signed_in
def older(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """The next page of the stream, to be put below."""
    project = desk.project_of(request, principal)
    if project is None:
        raise Http404
    return render(request, "_fragments/stream.html", _stream(request, principal, project))


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def ask(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """Take the wish, hold its price, and clear the way for the next one."""
    if request.method != "POST":
        return redirect("home")  # the address of a form that was to be mended, opened again
    project = desk.editable(principal, request.POST.get("project", ""))
    form = composer.from_form(principal, project, request.POST)
    try:
        form.references += [f"asset:{kept.id}" for kept in references.kept(request, principal, project)]
        if form.many:
            return _run(request, principal, form)
        asked = _drafts(form, request) if "drafts" in request.POST else _asked(form, request)
        words = {**form.body, **asked.body, "prompt": asked.request.prompt}
        outcome = generate.submit(
            principal=principal,
            asked=asked,
            render=lambda made: {"id": str(made.id)},
            key=desk.key_of(request, principal, form.token, words),
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
    project = desk.editable(principal, request.POST.get("project", ""))
    form = composer.from_form(principal, project, request.POST)
    return render(request, "_fragments/quoted.html", {"composer": form})


@require_POST
@signed_in
def mode(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """The composer as it stands, for one prompt or, with ``as=many``, for a list of them."""
    project = desk.editable(principal, request.POST.get("project", ""))
    typed = request.POST.copy()
    typed["many"] = "1" if request.GET.get("as") == "many" else ""
    form = composer.from_form(principal, project, typed)
    return render(request, "_fragments/composer.html", {"composer": form, "project": project})


@require_safe
@signed_in
def live(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """What changed among the works a page is showing: one question for all of them."""
    pairs = (text.partition(":") for text in request.GET.getlist("seen")[:MOST_WATCHED])
    seen = [(found, version) for text, _colon, version in pairs if (found := as_uuid(text))]
    mine = Project.objects.where_may(principal, Role.EDITOR).filter(archived_at=None)
    works = stream.changed(principal, seen, set(mine.values_list("id", flat=True)))
    finals.price(works)
    going = batch_pages.changed(principal, request.GET.get("batch", ""))
    if not works and going is None:
        return HttpResponse(status=204)
    return render(request, "_fragments/changed.html", {"works": works, "going": going})


def _run(request: HttpRequest, principal: Principal, form: Composer) -> HttpResponse:
    """All prompts as one batch, and off to its page. Raises Refusal."""
    wanted = batches.read(form.batch_body)
    price = wanted.price(batches.priced(wanted))
    desk.check_shown(price, request.POST.get("shown", ""))
    body = form.batch_body
    outcome = batches.run(
        principal=principal,
        wanted=replace(wanted, max_price=price),
        render=lambda made: {"id": str(made.id)},
        key=desk.key_of(request, principal, form.token, body),
    )
    assert outcome.subject_id is not None
    there = reverse("batch", args=[outcome.subject_id])
    return HttpResponse(headers={"HX-Redirect": there}) if is_fragment(request) else redirect(there)


def _asked(form: Composer, request: HttpRequest) -> Asked:
    """The wish, never above the price that stood on the button. Raises Refusal."""
    asked = form.read()
    price = form.prices.price
    if price is None:
        return asked  # submit says why none can
    if asked.max_price is not None and price > asked.max_price:
        raise PriceAboveMax(price=price, max_price=asked.max_price)
    shown = desk.check_shown(price, request.POST.get("shown", ""))
    return replace(asked, max_price=shown if asked.max_price is None else min(shown, asked.max_price))


def _drafts(form: Composer, request: HttpRequest) -> Asked:
    """Ten drafts of it, never above the price that stood on their button. Raises Refusal."""
    form.read()  # says what is wrong with what was typed
    found = form.drafts
    if found is None:
        raise Conflict(_("No gateway makes drafts of this; leave some of it out, or press Generate."))
    body, price = found
    shown = desk.check_shown(price, request.POST.get("shown_drafts", ""))
    return replace(asking.read(body), max_price=shown)


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
        return home_page(request, principal, project, form, status=REFUSED)
    context = {"composer": form, "project": project}
    answer = render(request, "_fragments/composer.html", context, status=REFUSED)
    answer["HX-Retarget"], answer["HX-Reswap"] = "#composer", "outerHTML"
    return answer


def home_page(
    request: HttpRequest,
    principal: Principal,
    project: Project,
    form: Composer | None,
    *,
    status: int = 200,
    **more: str,
) -> HttpResponse:
    """The page of a project: the form, if there is one, and the stream of its work."""
    context = {**_stream(request, principal, project), "composer": form, **more}
    context["under_way"] = batch_pages.under_way(principal, project)
    return render(request, "home.html", context, status=status)


def _stream(request: HttpRequest, principal: Principal, project: Project) -> dict[str, Any]:
    before = as_uuid(request.GET.get("before", ""))
    editable = may_make(principal, project)
    found = stream.page(principal, project, before=before, editable=editable)
    finals.price(found.works)
    return {"project": project, "stream": found, "editable": editable, "before": before}
