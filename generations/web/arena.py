"""Judging blind, pair by pair, and what all the votes say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.actions import as_uuid
from accounts.errors import Invalid
from accounts.models import Project
from accounts.principal import Principal
from accounts.web.doorway import signed_in
from billing import pricing
from generations.actions import voting
from generations.api.arena import projects_of
from generations.models import Asset, Comparison, Vote, figures, ranking
from generations.models.ranking import FEWEST_VOTES, Standing
from generations.web import panes
from generations.web.details import model_name, provider_name
from generations.web.framing import frame_of

ORDERS = {
    "quality": gettext_lazy("By quality"),
    "value": gettext_lazy("By quality per dollar"),
    "seconds": gettext_lazy("By seconds"),
}


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def arena(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """Two pictures of one prompt; a POST says which is better, and who made them is shown above the next."""
    if request.method == "POST":
        return _vote(request, principal)
    project, projects = _within(request, principal)
    after = request.GET.get("after", "")
    pair = voting.next_pair(principal, projects, after=after)
    context = {
        "pair": pair,
        "panes": panes.pair_of(pair) if pair else [],
        "shape": panes.shape_of(frame_of(pair.left.generation.parameters)) if pair else "",
        "verdict": _verdict(principal, request.GET.get("judged", "")),
        "skipped": bool(after),
        "compared": _compared(principal, projects),
        "project": project,
        "here": f"project={project.id}&" if project else "",
    }
    return render(request, "arena.html", context)


@require_POST
@signed_in
def judge(request: HttpRequest, principal: Principal, comparison_id: UUID) -> HttpResponseBase:
    """Which column of a comparison is the best; then who made which is shown."""
    best = request.POST.get("best", "")
    if not best:
        raise Invalid(_("Say which is best, or that none is."))
    voting.choose_best(
        principal=principal, comparison_id=comparison_id, best=None if best == "none" else best
    )
    messages.success(request, _("Your vote is in."))
    return redirect("comparison", comparison_id)


@require_safe
@signed_in
def standings(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """The team's own ranking: of the projects I see, or of one."""
    project, projects = _within(request, principal)
    order = request.GET.get("by", "")
    order = order if order in ORDERS else "quality"
    found = _with_figures(ranking.standings(principal, projects))
    context = {
        "rows": sorted(found, key=_ORDERED[order]),
        "compared": _compared(principal, projects),
        "votes": sum(one["standing"].votes for one in found) // 2,
        "fewest": FEWEST_VOTES,
        "orders": ORDERS.items(),
        "order": order,
        "project": project,
        "projects": Project.objects.visible_to(principal).order_by("name", "id"),
        "here": f"project={project.id}&" if project else "",
    }
    return render(request, "ranking.html", context)


_ORDERED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "quality": lambda row: (row["standing"].share is None, -(row["standing"].share or 0)),
    "value": lambda row: (row["value"] is None, -(row["value"] or 0)),
    "seconds": lambda row: (row["seconds"] is None, row["seconds"] or 0),
}


def _with_figures(found: list[Standing]) -> list[dict[str, Any]]:
    units = {model: pricing.units(model) for model in {one.model for one in found}}
    measured = figures.measured()
    rows = []
    for one in found:
        unit = units[one.model].get(one.provider)
        here = measured.get((one.model, one.provider))
        rows.append(
            {
                "standing": one,
                "name": provider_name(one.provider),
                "model": model_name(one.model),
                "unit": unit,
                "value": one.share * 1_000_000 / unit if one.share is not None and unit else None,
                "seconds": here.median if here else None,
            }
        )
    return rows


def _vote(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    said = request.POST
    comparison_id = as_uuid(said.get("comparison", ""))
    pair = [said.get("left", ""), said.get("right", "")]
    winners = {"left": pair[0], "right": pair[1], "tie": None}
    if comparison_id is None or said.get("choice") not in winners:
        raise Invalid(_("Say which is better: left, right, or neither."))
    cast = voting.vote(
        principal=principal, comparison_id=comparison_id, pair=pair, winner=winners[said["choice"]]
    )
    kept = {"project": said.get("project", ""), "judged": str(cast.id)}
    return redirect(f"{reverse('arena')}?{urlencode({name: text for name, text in kept.items() if text})}")


def _compared(principal: Principal, projects: list[Project]) -> bool:
    """Whether anything was ever compared there."""
    return Comparison.objects.visible_to(principal).filter(project__in=projects).exists()


def _verdict(principal: Principal, text: str) -> dict[str, Any] | None:
    """Who made the two that were judged last."""
    wanted = as_uuid(text)
    if wanted is None:
        return None
    rows = Vote.objects.visible_to(principal).filter(id=wanted, user=principal.user)
    cast = rows.select_related("one", "other", "comparison").first()
    if cast is None:
        return None
    sides = []
    for made in (cast.one, cast.other):
        asset = Asset.objects.made_by([made]).first()
        sides.append({"made": made, "asset": asset, "won": cast.winner_id == made.id})
    sides.sort(key=lambda side: not side["won"])
    return {"sides": sides, "tie": cast.winner_id is None, "comparison": cast.comparison}


def _within(request: HttpRequest, principal: Principal) -> tuple[Project | None, list[Project]]:
    """The project in the address, if there is one; and where to look."""
    wanted = as_uuid(request.GET.get("project", ""))
    projects = projects_of(principal, wanted)
    return (projects[0] if wanted else None), projects
