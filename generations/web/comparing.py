"""Side by side: one prompt asked of several gateways, or pictures that are there already."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.actions import as_uuid
from accounts.errors import Invalid, NotAllowed, Refusal
from accounts.models import Project
from accounts.principal import Principal
from accounts.web.doorway import REFUSED, is_fragment, signed_in
from generations.actions import asking, comparing, together
from generations.actions.asking import MOST_REFERENCES
from generations.models import Asset, Comparison, Preset
from generations.web import composer, desk, panes, pricing, references
from generations.web.pricing import Line, Prices
from generations.web.stream import may_make
from providers import catalog, registry
from providers.values import ASPECTS, RESOLUTIONS

LISTED = 12
MOST_SETUPS = 12
"""Presets among the columns: each is priced as the form changes."""
_TYPED = ("prompt", "model", "aspect", "count", "seed", "negative_prompt")
_SLOTS = (*_TYPED, "columns", "references")
"""Fields beside which the page has room for a sentence."""
_USUAL = "2K"


@dataclass(frozen=True)
class Cell:
    """One gateway at one resolution: a column that may be ticked, or why not."""

    name: str
    line: Line
    resolution: str
    ticked: bool

    @property
    def able(self) -> bool:
        return self.line.quote.open

    @property
    def price(self) -> int | None:
        return self.line.price


@dataclass(frozen=True)
class Setup:
    """What a preset keeps, as a column that may be ticked, or why not."""

    preset: Preset
    column: dict[str, Any]
    prices: Prices
    ticked: bool

    @property
    def name(self) -> str:
        return f"preset:{self.preset.id}"

    @property
    def able(self) -> bool:
        return self.prices.chosen is not None

    @property
    def price(self) -> int | None:
        return self.prices.price


@dataclass
class Form:
    """Everything its template shows. ``token`` makes a second press of the same button harmless."""

    principal: Principal
    project: Project
    typed: dict[str, str]
    ticked: set[str] | None
    """Columns as ``runware:2K`` or ``preset:<id>``; None: those one would usually want."""
    blind: bool = True
    references: list[str] = field(default_factory=list)
    errors: dict[str, list[str]] = field(default_factory=dict)
    token: str = field(default_factory=lambda: str(uuid.uuid4()))

    aspects = tuple(ASPECTS)
    resolutions = RESOLUTIONS
    models = catalog.models()
    most = comparing.MOST

    def __post_init__(self) -> None:
        shared = self._readable()
        self.rows = self._priced(shared)
        found = Preset.objects.visible_to(self.principal).kept().order_by("name", "id")
        kept = found.filter(Q(project=None) | Q(project=self.project))[:MOST_SETUPS]
        self.setups = [one for one in (self._set_up(shared, preset) for preset in kept) if one]

    @property
    def shared(self) -> dict[str, Any]:
        """What all columns have in common, as the API would be asked."""
        said = {name: self.typed[name] for name in _TYPED if self.typed.get(name, "").strip()}
        said["aspect_ratio"] = said.pop("aspect", "1:1")
        return {**said, "references": self.references, "project": str(self.project.id)}

    @property
    def tray(self) -> list[Asset]:
        """The pictures it builds on, in order; those that are gone or not ours are left out."""
        return composer.pictures_named(self.principal, self.references)

    @property
    def cells(self) -> list[Cell]:
        return [cell for _name, row, _why in self.rows for cell in row]

    @property
    def able(self) -> list[Cell | Setup]:
        columns: list[Cell | Setup] = [*self.cells, *self.setups]
        return [one for one in columns if one.able]

    @property
    def chosen(self) -> list[Cell | Setup]:
        return [one for one in self.able if one.ticked]

    @property
    def price(self) -> int | None:
        """Micro-dollars for all of it; None while there is nothing that could be asked."""
        able = comparing.FEWEST <= len(self.chosen) <= comparing.MOST and not self.errors
        return sum(one.price or 0 for one in self.chosen) if able else None

    @property
    def nothing(self) -> str:
        """Why there is no column to tick; empty if there is one."""
        return "" if self.able else self.reason

    @property
    def least(self) -> int:
        """Micro-dollars for as few of the ticked columns as can be compared."""
        return sum(sorted(one.price or 0 for one in self.chosen)[: comparing.FEWEST])

    def complain(self, refusal: Refusal) -> None:
        """Put a refusal beside its field, else beside the button."""
        said = {name: texts for name, texts in refusal.fields.items() if name in _SLOTS}
        self.errors = said or {"all": [refusal.message]}

    def _readable(self) -> dict[str, Any]:
        """What is shared as far as it can be read; what cannot is noted."""
        shared = {**self.shared, "prompt": self.typed.get("prompt", "").strip() or "…"}
        try:
            asking.read(shared)
        except Invalid as refusal:
            self.errors = dict(refusal.fields)
            return {"prompt": "…", "aspect_ratio": "1:1"}
        return shared

    def _set_up(self, shared: dict[str, Any], preset: Preset) -> Setup | None:
        """With the gateway it would go to; None if it keeps nothing by which columns differ."""
        kept = {name: value for name, value in preset.body.items() if name in comparing.OF_A_COLUMN}
        if not kept:
            return None
        column = {**({"aspect_ratio": None} if "width" in kept else {"resolution": _USUAL}), **kept}
        strategy = preset.body.get("strategy", "cheapest")
        try:
            prices = pricing.prices(asking.read({**shared, "strategy": strategy, **column}))
        except Invalid:
            return None
        if prices.chosen:
            column["provider"] = prices.chosen.provider
        return Setup(preset, column, prices, f"preset:{preset.id}" in (self.ticked or ()))

    def _priced(self, shared: dict[str, Any]) -> list[tuple[str, list[Cell], str]]:
        """A row for each gateway: a cell for each resolution, and what keeps them all from being ticked."""
        lines: dict[str, list[Line]] = {slug: [] for slug in registry.ADAPTERS}
        for resolution in RESOLUTIONS:
            prices = pricing.prices(asking.read({**shared, "resolution": resolution}))
            self.reason = prices.reason
            for line in prices.lines:
                lines[line.quote.provider].append(line)
        return [(found[0].name, *self._row(slug, found)) for slug, found in lines.items() if found]

    def _row(self, slug: str, lines: list[Line]) -> tuple[list[Cell], str]:
        found = []
        for resolution, line in zip(RESOLUTIONS, lines, strict=True):
            name = f"{slug}:{resolution}"
            ticked = resolution == _USUAL if self.ticked is None else name in self.ticked
            found.append(Cell(name, line, resolution, ticked))
        reasons = {"" if cell.able else cell.line.reason for cell in found}
        return found, reasons.pop() if len(reasons) == 1 else ""


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def compare(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """The form, or the pictures that the address names side by side; a POST asks for a comparison."""
    if is_fragment(request):
        return HttpResponse(headers={"HX-Redirect": request.get_full_path()})
    if request.method == "POST":
        return _ask(request, principal)
    if "asset" in request.GET:
        context = panes.beside(principal, request.GET.getlist("asset"))
        return render(request, "compare.html", context)
    project = desk.project_of(request, principal)
    if project is None:
        return render(request, "home_empty.html")
    editable = may_make(principal, project)
    form = _form(principal, project, request.GET) if editable else None
    return _page(request, principal, project, form)


@require_POST
@signed_in
def quote(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """What each column would cost, and all of them."""
    project = desk.editable(principal, request.POST.get("project", ""))
    form = _form(principal, project, request.POST)
    return render(request, "_fragments/columns_quoted.html", {"form": form})


@require_safe
@signed_in
def comparison(request: HttpRequest, principal: Principal, comparison_id: UUID) -> HttpResponseBase:
    """Its columns side by side; with ``blind`` nothing is said of who made which."""
    found = comparing.visible(principal, comparison_id)
    text = request.GET.get("n", "1")
    number = int(text) if text.isdecimal() and len(text) < 3 else 1
    context = panes.of_comparison(principal, found, blind=bool(request.GET.get("blind")), number=number)
    template = "_fragments/comparison_body.html" if is_fragment(request) else "comparison.html"
    return render(request, template, context)


def _ask(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    project = desk.editable(principal, request.POST.get("project", ""))
    form = _form(principal, project, request.POST)
    try:
        form.references += [f"asset:{kept.id}" for kept in references.kept(request, principal, project)]
        body = {**form.shared, "columns": _columns(request.POST, form)}
        wanted = comparing.read(body)
        price = together.total(comparing.priced(wanted))
        desk.check_shown(price, request.POST.get("shown", ""))
        outcome = comparing.compare(
            principal=principal,
            wanted=replace(wanted, max_price=price),
            render=lambda made: {"id": str(made.id)},
            key=desk.key_of(request, principal, form.token, body),
        )
    except NotAllowed:
        raise
    except Refusal as refusal:
        form.complain(refusal)
        return _page(request, principal, project, form, status=REFUSED)
    assert outcome.subject_id is not None
    there = reverse("comparison", args=[outcome.subject_id])
    return redirect(f"{there}?blind=1" if form.blind else there)


def _columns(said: QueryDict, form: Form) -> list[dict[str, Any]]:
    setups = {one.name: one.column for one in form.setups}
    return [setups.get(name) or _cell(name) for name in dict.fromkeys(said.getlist("column"))]


def _cell(name: str) -> dict[str, Any]:
    provider, _colon, resolution = name.partition(":")
    return {"provider": provider, "resolution": resolution}


def _form(principal: Principal, project: Project, said: QueryDict) -> Form:
    posted = "token" in said
    typed = {name: said.get(name, "") for name in _TYPED}
    if typed["aspect"] not in ASPECTS:
        typed["aspect"] = "1:1"
    return Form(
        principal=principal,
        project=project,
        typed=typed,
        ticked=set(said.getlist("column")) if posted or "column" in said else None,
        blind=bool(said.get("blind")) if posted else True,
        references=list(dict.fromkeys(said.getlist("references")))[:MOST_REFERENCES],
        token=said.get("token") or str(uuid.uuid4()),
    )


def _page(
    request: HttpRequest, principal: Principal, project: Project, form: Form | None, *, status: int = 200
) -> HttpResponse:
    rows = Comparison.objects.visible_to(principal).filter(project=project).order_by("-id")
    if before := as_uuid(request.GET.get("before", "")):
        rows = rows.filter(id__lt=before)
    found = list(rows[: LISTED + 1])
    context = {
        "form": form,
        "project": project,
        "comparisons": panes.listed(principal, found[:LISTED]),
        "older": found[LISTED - 1].id if len(found) > LISTED else None,
    }
    return render(request, "compare.html", context, status=status)
