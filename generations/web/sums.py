"""What was spent, as sums: by person, project, gateway, model and day, for some days of some of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actions import as_uuid
from accounts.models import ApiKey, Project, User
from accounts.principal import Principal
from billing.models import Transfer, Wallet
from generations.models.search import Search
from generations.models.spending import SUMS, between, by, spending
from generations.web import periods
from generations.web.details import model_name, provider_name
from generations.web.periods import Period

MOST_SLICES = 50
CUTS = {
    "user": gettext_lazy("By person"),
    "project": gettext_lazy("By project"),
    "provider": gettext_lazy("By gateway"),
    "model": gettext_lazy("By model"),
    "day": gettext_lazy("By day"),
}
"""In the order in which they stand."""
_ORDER = ("day", "user", "project", "provider", "model")
_COLUMNS = {"user": "wallet__user_id", "project": "project_id", "provider": "provider", "model": "model"}


@dataclass(frozen=True, slots=True)
class Asked:
    """Which days, and of which person, project, gateway and model."""

    period: Period
    only: Mapping[str, str]

    @property
    def address(self) -> str:
        return urlencode({"from": self.period.first, "to": self.period.last, **self.only})

    @property
    def pictures(self) -> str:
        """The search in the library that shows what was paid for."""
        days = {"created_after": f"{self.period.first}", "created_before": f"{self.period.until:%Y-%m-%d}"}
        return Search.of({**self.only, **days, "kind": "generated"}).address

    def narrowed(self, name: str, value: Any) -> Asked:
        if name == "day":
            return replace(self, period=Period(value, value))
        return replace(self, only={**self.only, name: str(value)})

    def without(self, name: str) -> Asked:
        return replace(self, only={one: value for one, value in self.only.items() if one != name})

    def says(self, name: str) -> bool:
        """Whether there is only the one."""
        return name in self.only or (name == "day" and self.period.days == 1)

    def is_about(self, name: str, value: UUID) -> bool:
        return self.only.get(name) == str(value)

    def rows(self, principal: Principal) -> QuerySet[Transfer, Transfer]:
        only = {_COLUMNS[name]: value for name, value in self.only.items()}
        return between(spending(principal), self.period.since, self.period.until).filter(**only)

    def counted(self, principal: Principal) -> list[dict[str, Any]]:
        """A row for each day, person, project, gateway and model: everything is a sum of them."""
        columns: Any = by(("wallet", "project", "provider", "model", "day"))
        rows = list(self.rows(principal).annotate(**columns).values(*columns).annotate(**SUMS))
        whose = dict(
            Wallet.objects.filter(id__in={row["by_wallet"] for row in rows}).values_list("id", "user")
        )
        counted: list[dict[str, Any]] = [{**row, "by_user": whose[row["by_wallet"]]} for row in rows]
        return sorted(counted, key=lambda row: tuple(str(row[f"by_{name}"]) for name in _ORDER))


@dataclass(slots=True)
class Sums:
    """Micro-dollars that people were charged, what of them was for samples, and what gateways took."""

    charged: int = 0
    sandbox: int = 0
    cost: int = 0
    images: int = 0
    seen: bool = True
    """Whether the reader may see all the pictures."""

    def add(self, row: Mapping[str, Any], *, seen: bool) -> None:
        self.charged += row["charged"]
        self.sandbox += row["sandbox"]
        self.cost += row["cost"]
        self.images += row["images"]
        self.seen &= seen


@dataclass(frozen=True, slots=True)
class Slice:
    """One person, project, gateway, model or day, and what narrows the page to it."""

    label: str
    sums: Sums
    narrowed: Asked


@dataclass(frozen=True, slots=True)
class Cut:
    label: str
    slices: list[Slice]
    more: int


def read(said: QueryDict) -> tuple[Asked, dict[str, list[str]]]:
    """What the address asks for; a name that means nothing is left out."""
    period, errors = periods.read(said.dict())  # type: ignore[arg-type]  # the last of each name is a text
    only: dict[str, str] = {}
    for name in _COLUMNS:
        value = said.get(name, "").replace("\x00", "")
        if name in {"user", "project"}:
            value = str(as_uuid(value) or "")
        if value:
            only[name] = value
    return Asked(period, only), errors


def told(principal: Principal, asked: Asked) -> tuple[Sums, dict[str, dict[Any, Sums]]]:
    """All of it, and for each of the cuts the sums of each value."""
    mine = set(Project.objects.visible_to(principal).values_list("id", flat=True))
    total, cuts = Sums(), {name: defaultdict[Any, Sums](Sums) for name in CUTS}
    for row in asked.counted(principal):
        seen = row["by_project"] in mine
        total.add(row, seen=seen)
        for name, sums in cuts.items():
            sums[row[f"by_{name}"]].add(row, seen=seen)
    return total, dict(cuts)


def cut(asked: Asked, name: str, found: Mapping[Any, Sums]) -> Cut:
    """The dearest first, but days as they came, the last one first."""
    key = (lambda one: one[0]) if name == "day" else (lambda one: (one[1].charged, one[1].images))
    values = sorted(found.items(), key=key, reverse=True)
    names = labels(name, [value for value, _sums in values[:MOST_SLICES]])
    slices = [Slice(names[value], sums, asked.narrowed(name, value)) for value, sums in values[:MOST_SLICES]]
    return Cut(str(CUTS[name]), slices, max(0, len(values) - MOST_SLICES))


def labels(name: str, values: Iterable[Any]) -> dict[Any, str]:
    """As people call them. Whoever may see the money may know whose it is."""
    wanted = list(values)
    match name:
        case "user":
            people = User.objects.in_bulk(wanted).values()
            names = {str(one.id): one.display_name for one in people}
        case "project":
            names = {str(one.id): one.name for one in Project.objects.in_bulk(wanted).values()}
        case "key":
            keys = ApiKey.objects.in_bulk(wanted).values()
            names = {str(one.id): _("%(name)s (key)") % {"name": one.name} for one in keys}
        case "provider":
            names = {slug: provider_name(slug) for slug in wanted}
        case "model":
            names = {model: model_name(model) for model in wanted}
        case _:
            names = {str(day): date_format(day, "DATE_FORMAT") for day in wanted}
    return {value: names.get(str(value), str(value)) for value in wanted}
