"""Presets: kept from the composer, put into it, and looked after on a page of their own."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.actions import as_uuid, project_where
from accounts.errors import Invalid, NotAllowed, Refusal
from accounts.models import Project, Role
from accounts.principal import Principal
from accounts.web.doorway import REFUSED, UNDO, came_from, is_fragment, signed_in
from generations.actions import presets as verbs
from generations.models import Preset
from generations.web import composer, create


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def presets(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """All that I may use, and what I may change; a POST keeps what the composer shows."""
    if request.method == "POST":
        return _save(request, principal)
    found = Preset.objects.visible_to(principal).kept().select_related("project", "user")
    wanted = as_uuid(request.GET.get("project", ""))
    shared = found.exclude(project=None)
    context = {
        "mine": found.filter(project=None).order_by("name", "id"),
        "shared": (shared.filter(project=wanted) if wanted else shared).order_by(
            "project__name", "name", "id"
        ),
        "project": Project.objects.visible_to(principal).filter(id=wanted).first() if wanted else None,
        "editable": _with_role(principal, Role.EDITOR),
        "owned": _with_role(principal, Role.OWNER),
    }
    return render(request, "presets.html", context)


@require_POST
@signed_in
def apply(request: HttpRequest, principal: Principal, preset_id: UUID) -> HttpResponseBase:
    """The composer with the preset's set-up; the words typed stay, unless it brings its own."""
    project = project_where(principal=principal, project_id=request.POST.get("project", ""), role=Role.EDITOR)
    preset = verbs.visible(principal, preset_id)
    if not is_fragment(request):
        return redirect(f"{reverse('home')}?project={project.id}&preset={preset.id}")
    form = composer.with_preset(composer.from_form(principal, project, request.POST), preset)
    return render(request, "_fragments/composer.html", {"composer": form, "project": project})


@require_POST
@signed_in
def update(request: HttpRequest, principal: Principal, preset_id: UUID) -> HttpResponseBase:
    """Another name, another set-up (from the composer), or what the project's composer opens with."""
    said = request.POST
    if "keep" in said:
        return _keep_anew(request, principal, preset_id)
    preset = verbs.update(
        principal=principal,
        preset_id=preset_id,
        name=said.get("name") if "name" in said else None,
        is_default=said["is_default"] == "true" if "is_default" in said else None,
    )
    if not is_fragment(request):
        return redirect(came_from(request, otherwise=reverse("presets")))
    project = project_where(principal=principal, project_id=said.get("project", ""), role=Role.EDITOR)
    opens, rests = _("The composer opens with %(name)s now."), _("%(name)s is no longer the default.")
    sentence = opens if preset.is_default else rests
    return _shown(request, composer.from_form(principal, project, said), project, preset, sentence)


@require_POST
@signed_in
def delete(request: HttpRequest, principal: Principal, preset_id: UUID) -> HttpResponseBase:
    """Done at once; the message that says so can undo it."""
    preset = verbs.delete(principal=principal, preset_id=preset_id)
    undo = reverse("restore_preset", args=[preset.id])
    said = _("The preset %(name)s is deleted.") % {"name": preset.name}
    messages.success(request, said, extra_tags=f"{UNDO} {undo}")
    return redirect(came_from(request, otherwise=reverse("presets")))


@require_POST
@signed_in
def restore(request: HttpRequest, principal: Principal, preset_id: UUID) -> HttpResponseBase:
    verbs.restore(principal=principal, preset_id=preset_id)
    messages.success(request, _("The preset is back."))
    return redirect(came_from(request, otherwise=reverse("presets")))


def _save(request: HttpRequest, principal: Principal) -> HttpResponse:
    project = project_where(principal=principal, project_id=request.POST.get("project", ""), role=Role.EDITOR)
    form = composer.from_form(principal, project, request.POST)
    keeps_words = bool(request.POST.get("preset_prompt"))
    body = {name: value for name, value in form.body.items() if name != "prompt" or keeps_words}
    try:
        preset = verbs.save(
            principal=principal,
            name=request.POST.get("preset_name", ""),
            body=body,
            project_id=project.id if request.POST.get("preset_shared") else None,
        )
    except NotAllowed:
        raise
    except Refusal as refusal:
        sentence = _("Give the preset a name of at most 100 characters.")
        return _again(request, form, project, refusal, {"name": ("preset_name", sentence)})
    return _shown(request, form, project, preset, _("The preset %(name)s is kept."))


def _keep_anew(request: HttpRequest, principal: Principal, preset_id: UUID) -> HttpResponse:
    project = project_where(principal=principal, project_id=request.POST.get("project", ""), role=Role.EDITOR)
    form = composer.from_form(principal, project, request.POST)
    had_words = "prompt" in verbs.visible(principal, preset_id).body
    body = {name: value for name, value in form.body.items() if name != "prompt" or had_words}
    try:
        preset = verbs.update(principal=principal, preset_id=preset_id, body=body)
    except Invalid as refusal:
        return _again(request, form, project, refusal, {})
    return _shown(request, form, project, preset, _("The preset %(name)s is kept."))


def _shown(
    request: HttpRequest, form: composer.Composer, project: Project, preset: Preset, sentence: str
) -> HttpResponse:
    messages.success(request, sentence % {"name": preset.name})
    if not is_fragment(request):
        return redirect(f"{reverse('home')}?project={project.id}&preset={preset.id}")
    fresh = composer.Composer(
        form.principal, project, {**form.typed, "preset": str(preset.id)}, form.references
    )
    context = {"composer": fresh, "project": project, "say": True}
    return render(request, "_fragments/composer.html", context)


def _again(
    request: HttpRequest,
    form: composer.Composer,
    project: Project,
    refusal: Refusal,
    beside: dict[str, tuple[str, str]],
) -> HttpResponse:
    """What to mend, beside its field; nothing typed is lost."""
    form.complain(refusal)
    for name in set(beside) & set(refusal.fields):
        place, sentence = beside[name]
        form.errors = {place: [sentence]}
    named = {"preset_name": request.POST.get("preset_name", "")}
    if not is_fragment(request):
        return create.home_page(request, form.principal, project, form, status=REFUSED, **named)
    context = {"composer": form, "project": project, **named}
    answer = render(request, "_fragments/composer.html", context, status=REFUSED)
    answer["HX-Retarget"], answer["HX-Reswap"] = "#composer", "outerHTML"
    return answer


def _with_role(principal: Principal, role: Role) -> set[UUID]:
    return set(Project.objects.where_may(principal, role).values_list("id", flat=True))
