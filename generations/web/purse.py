"""What may be spent on one more thing: the wallet's rest, or what the tightest budget leaves of it."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts.models import Project, User
from billing import budgets, ledger
from billing.budgets import Standing
from billing.errors import SPANS
from billing.models import Subject
from billing.money import dollars


@dataclass(frozen=True, slots=True)
class Room:
    """Micro-dollars; ``budget`` is the one that leaves less than the wallet."""

    available: int
    held: int
    budget: Standing | None = None

    @property
    def limit(self) -> str:
        """What is left of the budget, in words."""
        if self.budget is None:
            return ""
        said = _("$%(left)s left of this project's budget of $%(amount)s %(span)s")
        if self.budget.budget.scope == Subject.PERSON:
            said = _("$%(left)s left of your budget of $%(amount)s %(span)s")
        facts = {"left": dollars(self.available), "amount": dollars(self.budget.budget.amount)}
        return said % {**facts, "span": SPANS[self.budget.budget.every]}


def room(user: User, project: Project | None) -> Room:
    wallet = ledger.wallet_of(user)
    limits = budgets.standings(budgets.of(user, project))
    tightest = min(limits, key=lambda one: one.left, default=None)
    if tightest is None or tightest.left >= wallet.available:
        return Room(wallet.available, wallet.held)
    return Room(tightest.left, wallet.held, tightest)
