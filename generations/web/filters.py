"""What narrows the library, in words for people: chips for what is chosen, menus for what may be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actions import as_uuid
from accounts.models import Project, User
from accounts.principal import Principal
from generations.models import AssetKind, Collection
from generations.models.facets import Count, Facets
from generations.models.search import Search
from generations.web.details import model_name, provider_name

MENUS = {
    "project": gettext_lazy("Project"),
    "user": gettext_lazy("Person"),
    "provider": gettext_lazy("Gateway"),
    "model": gettext_lazy("Model"),
    "tag": gettext_lazy("Tag"),
    "collection": gettext_lazy("Collection"),
    "rating": gettext_lazy("Rating"),
    "aspect": gettext_lazy("Shape"),
    "kind": gettext_lazy("Kind"),
}
"""In the order in which they stand."""
MOST_SHOWN = 25
"""Values in one menu; the words of the search find the rest."""
_LATELY = (
    (1, gettext_lazy("Since yesterday")),
    (7, gettext_lazy("Last 7 days")),
    (30, gettext_lazy("Last 30 days")),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """One value: how many pictures have it, and where choosing it (or taking it away) leads."""

    label: str
    address: str
    pictures: Count | None = None
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Menu:
    name: str
    label: str
    choices: list[Choice]

    @property
    def chosen(self) -> bool:
        return any(choice.chosen for choice in self.choices)


def chips(principal: Principal, search: Search) -> list[Choice]:
    """What is chosen, each with the address of the search without it."""
    said = {"project": search.said.get("project", []), **{chip.name: [] for chip in search.chips}}
    for chip in search.chips:
        said[chip.name].append(chip.value)
    named = {name: labels(principal, name, values) for name, values in said.items()}
    return [
        Choice(f"{_prefix(name)}{named[name][value]}", search.without(name, value).address, chosen=True)
        for name, values in said.items()
        for value in values
    ]


def menus(principal: Principal, found: Facets) -> list[Menu]:
    """Each facet with its values, the most frequent first, what is chosen always among them."""
    shown = []
    for name, label in MENUS.items():
        values = [one for one in found.values.get(name, []) if one.pictures.number or one.chosen]
        values = sorted(values[:MOST_SHOWN] + [one for one in values[MOST_SHOWN:] if one.chosen], key=_order)
        named = labels(principal, name, [one.value for one in values])
        choices = [Choice(named[one.value], one.address, one.pictures, one.chosen) for one in values]
        if choices:
            shown.append(Menu(name, str(label), choices))
    return shown


def lately(search: Search) -> list[Choice]:
    """Days back from today, as addresses."""
    today = timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    since = [(today - timedelta(days=days), label) for days, label in _LATELY]
    return [
        Choice(
            str(label),
            search.changed(created_after=moment, created_before=None).address,
            chosen=search.created_after == moment,
        )
        for moment, label in since
    ]


def labels(principal: Principal, name: str, values: Iterable[str]) -> dict[str, str]:
    """Each value as people call it. Whose name is not ours to tell stays nameless."""
    wanted = list(values)
    names: dict[str, str] = {}
    ids = [found for value in wanted if (found := as_uuid(value))] if wanted else []
    if name == "project" and ids:
        mine = Project.objects.visible_to(principal).filter(id__in=ids)
        names = {str(one.id): one.name for one in mine}
    elif name == "collection" and ids:
        held = Collection.objects.visible_to(principal).filter(id__in=ids)
        names = {str(one.id): one.name for one in held}
    elif name == "user" and ids:
        mine = Project.objects.visible_to(principal)
        people = User.objects.filter(
            Q(memberships__project__in=mine) | Q(assets__project__in=mine), id__in=ids
        )
        names = {str(one.id): one.display_name for one in people.distinct()}
    return {value: names.get(value) or _plain(name, value) for value in wanted}


def _plain(name: str, value: str) -> str:
    match name:
        case "provider":
            return provider_name(value)
        case "model":
            return model_name(value)
        case "kind":
            return str(AssetKind(value).label)
        case "rating":
            return "★" * int(value) + ("" if value == "5" else _(" and more"))
        case "favorite":
            return _("My favourites")
        case "aspect" if value == "other":
            return _("Other")
        case "created_after" | "created_before":
            return date_format(datetime.fromisoformat(value), "DATE_FORMAT")
        case "project" | "collection" | "user":
            return _("Unknown")
    return value


def _prefix(name: str) -> str:
    if name == "seed":
        return _("Seed") + " "
    if name == "created_after":
        return _("Since") + " "
    return _("Before") + " " if name == "created_before" else ""


def _order(value: object) -> bool:
    """What is chosen stands first; the rest keep their order."""
    return not getattr(value, "chosen", False)
