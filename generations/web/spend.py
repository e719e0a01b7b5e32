"""What was spent: by whom, for which project, where, on what and when, down to the pictures it paid for."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Sum
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.actions import as_uuid
from accounts.errors import Invalid, wrong
from accounts.models import Project, User
from accounts.principal import Principal
from accounts.web.doorway import REFUSED, came_from, signed_in, staff_only
from billing import budgets
from billing.budgets import Standing
from billing.models import Every, Subject, Transfer, TransferKind
from billing.money import dollars
from generations.models import Generation
from generations.models.spending import SUMS
from generations.states import GenerationStatus
from generations.web import filters, periods, sums
from generations.web.charts import GAP, STEP, bars
from generations.web.periods import Period
from generations.web.sums import MOST_SLICES, Asked

MOST_CHOICES = 500
"""People, and projects, to choose from; with more of them, the admin finds any."""
_CSV = ("day", "person", "project", "gateway", "model", "pictures", "charged", "gateway_cost", "sandbox")


@require_safe
@signed_in
def spend(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    return spend_page(request, principal, {})


def spend_page(
    request: HttpRequest, principal: Principal, errors: Mapping[str, list[str]]
) -> HttpResponseBase:
    """The page, with what is wrong in a form that was sent from it."""
    asked, strange = sums.read(request.GET)
    total, cuts = sums.told(principal, asked)
    days = {day: one.charged for day, one in cuts["day"].items()}
    before = replace(asked, period=asked.period.before)
    shown = {"from": f"{asked.period.first}", "to": f"{asked.period.last}"}
    staff = principal.user.is_staff
    context = {
        "asked": asked,
        "typed": {**(request.GET.dict() if strange else shown), **request.POST.dict()},
        "errors": {**strange, **errors},
        "total": total,
        "before": before,
        "earlier": before.rows(principal).aggregate(sum=SUMS["charged"])["sum"],
        "cuts": [sums.cut(asked, name, found) for name, found in cuts.items() if not asked.says(name)],
        "chips": [
            (_named(principal, name, value), asked.without(name)) for name, value in asked.only.items()
        ],
        "bars": bars(days, asked.period.first, asked.period.days),
        "width": asked.period.days * STEP - GAP,
        "periods": [(label, replace(asked, period=period)) for label, period in periods.usual()],
        "unpaid": _unpaid(asked.period) if staff and not asked.only else None,
        "limits": _limits(principal, asked),
        "limitable": _limitable(asked) if staff else [],
        "every": Every.choices,
    }
    return render(request, "spend.html", context, status=REFUSED if strange or errors else 200)


@require_safe
@signed_in
def export(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """The same as comma-separated values, with a line for each day, person, project, gateway and model."""
    asked, strange = sums.read(request.GET)
    if strange:
        return spend_page(request, principal, {})
    rows = asked.counted(principal)  # all of them before it is sent: a slow reader holds no connection
    names = {name: sums.labels(name, {row[f"by_{name}"] for row in rows}) for name in ("user", "project")}
    answer = StreamingHttpResponse(_csv(rows, names), content_type="text/csv; charset=utf-8")
    name = f"seedbank-spend-{asked.period.first}-{asked.period.last}.csv"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@require_POST
@staff_only
def set_budget(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    scope, _colon, subject = request.POST.get("whom", "").partition(":")
    try:
        if (subject_id := as_uuid(subject)) is None:
            raise wrong("whom", _("must be a person or a project; choose one."))
        budgets.put(
            principal=principal,
            scope=scope,
            subject_id=subject_id,
            every=request.POST.get("every", ""),
            amount=request.POST.get("amount", ""),
        )
    except Invalid as refusal:
        return spend_page(request, principal, refusal.fields)
    messages.success(request, _("The budget is set."))
    return redirect(came_from(request, otherwise="/spend"))


@require_POST
@staff_only
def remove_budget(request: HttpRequest, principal: Principal, budget_id: UUID) -> HttpResponseBase:
    budgets.remove(principal=principal, budget_id=budget_id)
    messages.success(request, _("The budget is lifted."))
    return redirect(came_from(request, otherwise="/spend"))


def _named(principal: Principal, name: str, value: str) -> str:
    """What the page is narrowed to: anybody may say any id, and its name is not everybody's to know."""
    labels = (
        sums.labels(name, [value]) if principal.user.is_staff else filters.labels(principal, name, [value])
    )
    return labels[value]


def _limits(principal: Principal, asked: Asked) -> list[tuple[str, Standing]]:
    """The budgets of whom the page is about, by name; those that are used up first."""
    found = budgets.visible_to(principal)
    about = {"user": Subject.PERSON, "project": Subject.PROJECT}
    for name in set(asked.only) & set(about):
        found = found.filter(scope=about[name], subject_id=asked.only[name])
    standings = budgets.standings(list(found.order_by("-id")[:MOST_SLICES]))
    names: dict[str, Mapping[UUID, str]] = {
        scope: sums.labels(name, [one.budget.subject_id for one in standings if one.budget.scope == scope])
        for name, scope in (*about.items(), ("key", Subject.KEY))
    }
    told = [(names[one.budget.scope][one.budget.subject_id], one) for one in standings]
    return sorted(told, key=lambda each: each[1].left > 0)


def _limitable(asked: Asked) -> list[tuple[str, list[tuple[str, str, bool]]]]:
    """Whom staff may limit: what a choice says, its name, and whether the page is about them."""
    people = User.objects.filter(is_active=True, erased_at=None).order_by("email")[:MOST_CHOICES]
    projects = Project.objects.filter(archived_at=None).order_by("name", "id")[:MOST_CHOICES]
    return [
        (_("People"), [(f"person:{one.id}", _whom(one), asked.is_about("user", one.id)) for one in people]),
        (
            _("Projects"),
            [(f"project:{one.id}", one.name, asked.is_about("project", one.id)) for one in projects],
        ),
    ]


def _whom(person: User) -> str:
    return f"{person.display_name} ({person.email})"


def _unpaid(period: Period) -> dict[str, int]:
    """What nobody was charged for: paid by the platform, and still being looked up."""
    absorbed = Transfer.objects.filter(
        kind=TransferKind.ABSORB, created_at__gte=period.since, created_at__lt=period.until
    )
    return {
        "absorbed": absorbed.aggregate(sum=Sum("amount", default=0))["sum"],
        "unresolved": Generation.objects.filter(status=GenerationStatus.UNRESOLVED).count(),
    }


class _Echo:
    """A file for ``csv`` that hands back each line."""

    def write(self, line: str) -> str:
        return line


def _csv(rows: list[dict[str, Any]], names: Mapping[str, Mapping[UUID, str]]) -> Iterator[str]:
    write = csv.writer(_Echo()).writerow
    yield "\ufeff"  # so that spreadsheets read names in every script
    yield write(_CSV)
    for row in rows:
        yield write(
            [
                row["by_day"],
                _plain(names["user"][row["by_user"]]),
                _plain(names["project"][row["by_project"]]),
                row["by_provider"],
                row["by_model"],
                row["images"],
                *(dollars(row[name]) for name in ("charged", "cost", "sandbox")),
            ]
        )


def _plain(name: str) -> str:
    """No formula, whatever a spreadsheet takes for the beginning of one."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name
