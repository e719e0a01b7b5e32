"""Many prompts asked for as one: written out, priced as a whole, paid for together, stopped together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

from django.utils.translation import gettext as _

from accounts.actions import audit
from accounts.errors import Invalid
from accounts.models import Project
from accounts.principal import Principal
from billing.errors import PriceAboveMax
from generations.actions import asking, fields, generate, idempotency, together, wildcards
from generations.actions.asking import Asked
from generations.actions.fields import Mistakes
from generations.actions.idempotency import Outcome
from generations.engine.routing import Quote
from generations.models import Asset, Batch, Generation

MOST_WORKS = 500
MOST_PICTURES = 2_000
DEADLINE = timedelta(hours=24)
"""How long each of its works may wait for a gateway that is too busy."""
LONGEST_NAME = 200
LONGEST_TEMPLATE = 64_000
"""Characters of a prompt with its choices still in braces: more than a prompt, for it holds several."""
LONGEST = MOST_WORKS * fields.PROMPT_MAX
"""Characters of all that is sent as prompts: as many as the prompts could have if none had choices."""
_OWN = frozenset({"prompts", "wildcards", "name"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """A batch as it was asked for. ``asked`` is its work with the longest prompt, and stands for each.

    ``max_price`` is micro-dollars for the whole.
    """

    prompts: tuple[str, ...]
    asked: Asked
    name: str
    max_price: int | None

    @property
    def works(self) -> int:
        return len(self.prompts)

    @property
    def pictures(self) -> int:
        return self.works * self.asked.request.pictures

    def price(self, quote: Quote) -> int:
        """Micro-dollars for all of it."""
        assert quote.price is not None
        return self.works * quote.price


def read(body: Mapping[str, Any]) -> Wanted:
    """The body of POST /batches as values. Raises Invalid naming each field and its remedy."""
    mistakes = Mistakes()
    prompts = _prompts(body, mistakes)
    name = fields.optional_text("name", body.get("name"), mistakes) or ""
    if len(name) > LONGEST_NAME:
        mistakes.add("name", _("may be at most %(most)s characters.") % {"most": LONGEST_NAME})
    for one in ("prompt", "upload_urls"):
        if body.get(one):
            remedy = _("give prompts, a list") if one == "prompt" else _("leave it out")
            mistakes.add(one, _("is not a field of a batch; %(remedy)s.") % {"remedy": remedy})
    of_each = {name: value for name, value in body.items() if name not in _OWN | {"prompt", "upload_urls"}}
    try:
        asked = asking.read({**of_each, "prompt": max(prompts, key=len, default="…")})
    except Invalid as refusal:
        said = {name: texts for name, texts in refusal.fields.items() if name != "prompt"}
        mistakes.update(said)
    if not mistakes and len(prompts) * asked.request.pictures > MOST_PICTURES:
        number = len(prompts) * asked.request.pictures
        mistakes.add(
            "count",
            _("would make %(n)s pictures; a batch may make %(most)s. Ask for fewer.")
            % {"n": f"{number:,}", "most": f"{MOST_PICTURES:,}"},
        )
    mistakes.refuse()
    max_price = asked.max_price
    return Wanted(tuple(prompts), replace(asked, max_price=None), name or _first(body["prompts"]), max_price)


def _first(prompts: list[str]) -> str:
    """What an unnamed batch is called: its first line, as it was written."""
    return next(one.strip() for one in prompts if one.strip())[:80]


def _prompts(body: Mapping[str, Any], mistakes: Mistakes) -> list[str]:
    given = body.get("prompts")
    open_up = fields.flag(True)("wildcards", body.get("wildcards"), mistakes)
    if not isinstance(given, list | tuple) or not all(isinstance(one, str) for one in given):
        mistakes.add("prompts", _("must be a list of texts."))
        return []
    lines = {line: text for line, one in enumerate(given, start=1) if (text := one.strip())}
    _note_number(len(lines), mistakes)
    fields.note_length("prompts", sum(map(len, lines.values())), LONGEST, mistakes)
    if "prompts" in mistakes:
        return []
    found: list[str] = []
    number = 0
    for line, text in lines.items():
        noted = Mistakes()
        opened = _opened(text, noted) if open_up else [text]
        for one in opened:
            fields.prompt("prompts", one, noted)
        if noted:
            mistakes.add(
                "prompts", _("number %(line)s %(problem)s") % {"line": line, "problem": noted["prompts"][0]}
            )
        number += len(opened)
        if number <= MOST_WORKS:  # more are counted, and never all held at once
            found += opened
    _note_number(number, mistakes)
    if not found and "prompts" not in mistakes:
        mistakes.add("prompts", _("must not be empty; write one prompt on each line."))
    return found


def _note_number(works: int, mistakes: Mistakes) -> None:
    if works > MOST_WORKS:
        mistakes.add("prompts", _("are %(n)s in all; %(fewer)s") % {"n": f"{works:,}", "fewer": _fewer()})


def _opened(text: str, mistakes: Mistakes) -> list[str]:
    """The prompts that a text stands for; none, with what to mend noted, where they cannot be told."""
    fields.note_length("prompts", len(text), LONGEST_TEMPLATE, mistakes)
    if mistakes:
        return []
    try:
        return wildcards.expand(text, MOST_WORKS)
    except wildcards.Malformed as error:
        mistakes.add("prompts", str(error))
    except wildcards.TooMany as error:
        number = error.args[0]
        if number > wildcards.COUNTED:
            said = _("stands for more than %(n)s prompts; %(fewer)s")
        else:
            said = _("stands for %(n)s prompts; %(fewer)s")
        mistakes.add("prompts", said % {"n": f"{min(number, wildcards.COUNTED):,}", "fewer": _fewer()})
    return []


def _fewer() -> str:
    return _("a batch may have %(most)s. Take some choices or lines away.") % {"most": MOST_WORKS}


def priced(wanted: Wanted) -> Quote:
    """The one offer that will make all of it. Raises as ``generate.priced`` does, and PriceAboveMax."""
    quote = generate.priced(wanted.asked)
    price = wanted.price(quote)
    if wanted.max_price is not None and price > wanted.max_price:
        raise PriceAboveMax(price=price, max_price=wanted.max_price)
    return quote


def run(
    *,
    principal: Principal,
    wanted: Wanted,
    render: Callable[[Batch], dict[str, Any]],
    key: idempotency.Key | None = None,
) -> Outcome:
    """Hold the price of all of it and queue every work in one transaction, or refuse and hold nothing."""

    def begin() -> Outcome:
        return together.submit(
            principal=principal,
            asked=wanted.asked,
            priced=lambda: [priced(wanted)] * wanted.works,
            write=partial(_write, principal, wanted),
            render=render,
            key=key,
            whole=Batch,
        )

    return generate.answered_once(key, begin, early=bool(wanted.asked.references) or wanted.works > 1)


def _write(
    principal: Principal, wanted: Wanted, project: Project, quotes: Sequence[Quote], pictures: list[Asset]
) -> tuple[Batch, list[Generation]]:
    batch = Batch.objects.create(
        project=project,
        user=principal.user,
        name=wanted.name,
        works=wanted.works,
        pictures=wanted.pictures,
        quoted=together.total(quotes),
    )
    made = []
    for prompt, quote in zip(wanted.prompts, quotes, strict=True):
        one = replace(wanted.asked, request=replace(wanted.asked.request, prompt=prompt))
        made.append(generate.make(principal, project, one, quote, pictures, deadline=DEADLINE, batch=batch))
    audit(principal.user, "run_batch", batch.id, project.id, name=batch.name, works=batch.works)
    return batch, made
