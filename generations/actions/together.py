"""Several generations asked for as one: written, held and queued in one transaction, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from accounts.models import Project
from accounts.principal import Principal
from billing import ledger
from billing.errors import BudgetExhausted, InsufficientCredit
from generations.actions import generate, idempotency, references
from generations.actions.asking import Asked
from generations.actions.idempotency import Outcome
from generations.engine import killing
from generations.engine.routing import Quote
from generations.models import Asset, Batch, Comparison, Generation

Whole = TypeVar("Whole", Batch, Comparison)
Write = Callable[[Project, Sequence[Quote], list[Asset]], tuple[Whole, list[Generation]]]


def submit(
    *,
    principal: Principal,
    asked: Asked,
    priced: Callable[[], Sequence[Quote]],
    write: Write[Whole],
    render: Callable[[Whole], dict[str, Any]],
    key: idempotency.Key | None,
    whole: type[Whole],
    fewest: int = 1,
) -> Outcome:
    """Hold every quote and queue what ``write`` makes, one generation for each, or refuse and hold nothing.

    ``asked`` stands for all of them in what they share; ``fewest`` is how many it takes at the least.
    ``render`` makes the answer that is kept for the idempotency key. Raises Refusal.
    """
    project = generate.project_for(principal, asked)
    quotes = priced()
    generate.check_source(principal, asked)
    least = sum(sorted(quote.unit or 0 for quote in quotes)[:fewest])
    _check_credit(principal, total(quotes), least)
    pictures = references.resolve(principal=principal, project=project, wanted=asked.references)
    made: list[Generation] = []

    def work() -> Outcome:
        row, made[:] = write(project, quotes, pictures)
        return Outcome(202, render(row), row.id, replayed=False)

    def pay(_outcome: Outcome) -> None:
        _hold_all(principal, project, quotes, made, least)
        killing.moment("after_hold")

    return generate.taken_on(principal, key, work, pay, kind=whole)


def total(quotes: Sequence[Quote]) -> int:
    """Micro-dollars for all of it."""
    return sum(quote.price or 0 for quote in quotes)


def _check_credit(principal: Principal, price: int, least: int) -> None:
    """Refuse what is clearly too much before hundreds of rows are written; the holds decide."""
    wallet = ledger.wallet_of(principal.user)
    if wallet.available < price:
        raise InsufficientCredit(needed=price, available=wallet.available, held=wallet.held, least=least)


def _hold_all(
    principal: Principal, project: Project, quotes: Sequence[Quote], made: list[Generation], least: int
) -> None:
    price, done = total(quotes), 0
    try:
        for quote, generation in zip(quotes, made, strict=True):
            generate.hold(principal, project, quote, generation.id)
            done += generation.quoted
    except InsufficientCredit:
        wallet = ledger.wallet_of(principal.user)  # still with what was held a moment ago and is undone
        raise InsufficientCredit(
            needed=price, available=wallet.available + done, held=wallet.held - done, least=least
        ) from None
    except BudgetExhausted as refusal:
        told = refusal.facts  # with what was held a moment ago and is undone
        mended = {"left": told["left"] + done, "held": told["held"] - done}
        raise BudgetExhausted(needed=price, **{**told, **mended}) from None
