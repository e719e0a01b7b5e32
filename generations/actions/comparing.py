"""One prompt over several gateways or set-ups: priced, held and queued together, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actions import audit
from accounts.errors import Invalid, NotFound, wrong
from accounts.models import Project
from accounts.principal import Principal
from billing.errors import PriceAboveMax
from generations.actions import asking, generate, idempotency, together
from generations.actions.asking import Asked
from generations.actions.idempotency import Outcome
from generations.engine.routing import Quote
from generations.models import Asset, Comparison, Generation

FEWEST, MOST = 2, 8
"""Columns of one comparison."""
MOST_PICTURES = 4
"""In each column."""
OF_A_COLUMN = frozenset(
    {
        "model",
        "provider",
        "aspect_ratio",
        "resolution",
        "width",
        "height",
        "seed",
        "negative_prompt",
        "safety_check",
        "prompt_optimization",
    }
)
"""What may differ from column to column."""
_NOT_HERE = {
    "strategy": gettext_lazy("every column names its gateway; leave it out."),
    "upload_urls": gettext_lazy("is not a field of a comparison; leave it out."),
    "sequential": gettext_lazy(
        "is not a field of a comparison; its columns are compared picture by picture."
    ),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A comparison as it was asked for. ``max_price`` is micro-dollars for the whole."""

    columns: tuple[Asked, ...]
    max_price: int | None

    @property
    def first(self) -> Asked:
        """What all columns share can be read from any."""
        return self.columns[0]


def read(body: Mapping[str, Any]) -> Wanted:
    """The body of POST /comparisons as values. Raises Invalid naming each field and its remedy."""
    for name, sentence in _NOT_HERE.items():
        if body.get(name):
            raise wrong(name, str(sentence))
    shared = {name: value for name, value in body.items() if name != "columns"}
    asked = tuple(_column(shared, number, one) for number, one in enumerate(_given(body), start=1))
    if asked[0].request.count > MOST_PICTURES:
        raise wrong("count", _("may be at most %(most)s in each column.") % {"most": MOST_PICTURES})
    for number, one in enumerate(asked, start=1):
        if any(
            one.request == other.request and one.provider == other.provider for other in asked[: number - 1]
        ):
            raise wrong(
                "columns",
                _("number %(number)s is the same as another; change it or leave it out.")
                % {"number": number},
            )
    return Wanted(tuple(replace(one, max_price=None) for one in asked), asked[0].max_price)


def _given(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    columns = body.get("columns")
    if not isinstance(columns, list | tuple) or not all(isinstance(one, Mapping) for one in columns):
        raise wrong("columns", _("must be a list of objects, each with a provider."))
    if not FEWEST <= len(columns) <= MOST:
        raise wrong(
            "columns",
            _("must be %(fewest)s to %(most)s; choose more gateways or sizes, or fewer.")
            % {"fewest": FEWEST, "most": MOST},
        )
    return list(columns)


def _column(shared: Mapping[str, Any], number: int, one: Mapping[str, Any]) -> Asked:
    if strange := sorted(map(str, set(one) - OF_A_COLUMN)):
        known = ", ".join(sorted(OF_A_COLUMN))
        raise wrong(
            "columns",
            _("number %(number)s: %(strange)s cannot differ; what can is: %(known)s.")
            % {"number": number, "strange": repr(strange[0][:40]), "known": known},
        )
    try:
        asked = asking.read({**shared, **one})
    except Invalid as refusal:
        if not set(refusal.fields) & set(one):
            raise
        raise wrong(
            "columns", _("number %(number)s: %(message)s") % {"number": number, "message": refusal.message}
        ) from None
    if asked.provider == "auto":
        raise wrong(
            "columns",
            _("number %(number)s must name its provider, so that it is what it says.") % {"number": number},
        )
    return asked


def priced(wanted: Wanted) -> list[Quote]:
    """The offer of each column. Raises as ``generate.priced`` does, and PriceAboveMax for the whole."""
    found = []
    for number, one in enumerate(wanted.columns, start=1):
        try:
            found.append(generate.priced(one))
        except Invalid as refusal:
            raise wrong(
                "columns",
                _("number %(number)s: %(message)s") % {"number": number, "message": refusal.message},
                code=refusal.code,
            ) from None
    price = together.total(found)
    if wanted.max_price is not None and price > wanted.max_price:
        raise PriceAboveMax(price=price, max_price=wanted.max_price)
    return found


def compare(
    *,
    principal: Principal,
    wanted: Wanted,
    render: Callable[[Comparison], dict[str, Any]],
    key: idempotency.Key | None = None,
) -> Outcome:
    """Hold the exact quote of every column and queue them all in one transaction, or refuse and hold nothing.

    ``render`` makes the answer that is kept for the idempotency key. Raises Refusal.
    """

    def begin() -> Outcome:
        return together.submit(
            principal=principal,
            asked=wanted.first,
            priced=lambda: priced(wanted),
            write=partial(_write, principal, wanted),
            render=render,
            key=key,
            whole=Comparison,
            fewest=FEWEST,
        )

    return generate.answered_once(key, begin, early=True)


def _write(
    principal: Principal, wanted: Wanted, project: Project, quotes: Sequence[Quote], pictures: list[Asset]
) -> tuple[Comparison, list[Generation]]:
    prompt = wanted.first.request.prompt
    comparison = Comparison.objects.create(project=project, user=principal.user, prompt=prompt)
    made = [
        generate.make(principal, project, asked, quote, pictures, comparison=comparison)
        for asked, quote in zip(wanted.columns, quotes, strict=True)
    ]
    audit(principal.user, "compare", comparison.id, project.id, prompt=prompt[:200], columns=len(made))
    return comparison, made


def visible(principal: Principal, comparison_id: UUID) -> Comparison:
    """Raises NotFound."""
    found = Comparison.objects.visible_to(principal).filter(id=comparison_id)
    comparison = found.select_related("project", "user").first()
    if comparison is None:
        raise NotFound(_("There is no such comparison."), code="comparison_not_found")
    return comparison
