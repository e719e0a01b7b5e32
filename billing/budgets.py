"""Limits on spending: reserved with the hold, used with the capture, in the same transaction.

A hold counts in the period in which it was opened, also when it is settled after that.
"""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from django.db.models import F, Q

from accounts import rows
from billing.errors import BudgetExhausted
from billing.models import Budget, BudgetPeriod, Every, Hold, Scope

_EVER = date(1970, 1, 1)


def reserve(hold: Hold, *, user_id: UUID, key_id: UUID | None) -> None:
    """Reserve the hold, which is written after this, in every budget that limits it. Raises BudgetExhausted.

    Budgets are taken in the order of their ids, before the wallet, so that nobody waits in a circle.
    """
    whose = Q(scope=Scope.PERSON, subject_id=user_id) | Q(scope=Scope.PROJECT, subject_id=hold.project_id)
    if key_id is not None:
        whose |= Q(scope=Scope.KEY, subject_id=key_id)
    for budget in Budget.objects.filter(whose).order_by("id"):
        period, _ = BudgetPeriod.objects.get_or_create(budget=budget, starts_on=begins(budget.every))
        room = budget.amount - hold.amount
        if not BudgetPeriod.objects.filter(id=period.id, reserved__lte=room - F("used")).update(
            reserved=F("reserved") + hold.amount
        ):
            period.refresh_from_db()
            raise BudgetExhausted(
                scope=budget.scope,
                every=budget.every,
                needed=hold.amount,
                left=max(0, budget.amount - period.used - period.reserved),
                held=period.reserved,
                resets=resets(budget.every),
            )
        period.holds.add(hold.id)  # type: ignore[arg-type]  # the stubs know numbers only


def settle(hold: Hold, captured: int) -> None:
    """Turn what was reserved into what was used."""
    for period in BudgetPeriod.objects.filter(holds=hold).order_by("budget_id"):
        BudgetPeriod.objects.filter(id=period.id).update(
            reserved=F("reserved") - hold.amount, used=F("used") + captured
        )


def give_back(hold_id: UUID, amount: int) -> None:
    """A refund makes room again in the period it was spent in."""
    for period in BudgetPeriod.objects.filter(holds=hold_id).order_by("budget_id"):
        BudgetPeriod.objects.filter(id=period.id).update(used=F("used") - amount)


def of_key(key_id: UUID) -> list[Budget]:
    """The budgets that limit one key."""
    return list(Budget.objects.filter(scope=Scope.KEY, subject_id=key_id).order_by("id"))


def left(budget: Budget) -> tuple[int, int]:
    """What is left of its present period, and what running work holds of it."""
    period = BudgetPeriod.objects.filter(budget=budget, starts_on=begins(budget.every)).first()
    if period is None:
        return budget.amount, 0
    return max(0, budget.amount - period.used - period.reserved), period.reserved


def begins(every: str) -> date:
    """The first day of the present period, by the database's clock: all machines agree on it."""
    today: date = rows.read("SELECT (statement_timestamp() AT TIME ZONE 'UTC')::date")[0][0]
    return {Every.DAY.value: today, Every.MONTH.value: today.replace(day=1)}.get(every, _EVER)


def resets(every: str) -> date | None:
    """The first day of the next period; None for a budget that never begins anew."""
    first = begins(every)
    if every == Every.DAY:
        return first + timedelta(days=1)
    return (first + timedelta(days=32)).replace(day=1) if every == Every.MONTH else None
