"""Limits on spending: reserved with the hold, used with the capture, in the same transaction.

A hold counts in the period in which it was opened, also when it is settled after that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Model, Q, QuerySet
from django.utils.translation import gettext as _

from accounts import rows
from accounts.actions import audit
from accounts.errors import NotAllowed, NotFound, wrong
from accounts.models import ApiKey, Membership, Project, Role, Scope, User
from accounts.principal import Principal
from billing.errors import BudgetExhausted
from billing.models import Budget, BudgetPeriod, Every, Hold, Subject
from billing.money import micros

_EVER = date(1970, 1, 1)
_MODELS: dict[str, type[Model]] = {Subject.PERSON: User, Subject.PROJECT: Project, Subject.KEY: ApiKey}


@dataclass(frozen=True, slots=True)
class Standing:
    """A budget in its present period, in micro-dollars; ``resets`` is the next one's first day, if any."""

    budget: Budget
    used: int
    reserved: int
    resets: date | None

    @property
    def taken(self) -> int:
        return self.used + self.reserved

    @property
    def left(self) -> int:
        return max(0, self.budget.amount - self.taken)


def put(*, principal: Principal, scope: str, subject_id: UUID, every: str, amount: str) -> Budget:
    """Set the most that a person, a project or a key may spend in a period: dollars, as people write them.

    One below what is used already lets running work end and stops new work. For staff. Raises NotAllowed,
    Invalid, and NotFound for a subject that does not exist.
    """
    _for_staff(principal)
    for name, value, known in (("scope", scope, Subject.values), ("every", every, Every.values)):
        if value not in known:
            raise wrong(name, _("must be one of %(known)s.") % {"known": ", ".join(known)})
    try:
        most = micros(amount)
    except ValueError as error:
        raise wrong("amount", str(error)) from None
    if most < 0:
        raise wrong("amount", _("must not be negative; 0 stops all spending."))
    if not _MODELS[scope]._default_manager.filter(id=subject_id).exists():
        raise NotFound(_("There is nobody and nothing with this id."), code="subject_not_found")
    with transaction.atomic():
        budget, made = Budget.objects.update_or_create(
            scope=scope, subject_id=subject_id, every=every, defaults={"amount": most}
        )
        if made:
            count_in(budget)
        audit(principal.user, "set_budget", f"{scope} {subject_id}", every=every, amount=most)
    return budget


def count_in(budget: Budget) -> None:
    """Have a new budget count what a person or a project held and spent in its present period before.

    In the caller's transaction, which has written the budget.
    """
    whose = {Subject.PERSON: "wallet__user", Subject.PROJECT: "project_id"}.get(Subject(budget.scope))
    if whose is None:
        return  # holds do not say by which key they were asked for
    with connection.cursor() as cursor:
        # A hold that is settled at this very moment must be seen to be, or to be in the period.
        cursor.execute(f"LOCK TABLE {Hold._meta.db_table} IN SHARE ROW EXCLUSIVE MODE")
    starts_on = begins(budget.every)
    since = datetime.combine(starts_on, time.min, UTC)
    holds = list(Hold.objects.filter(**{whose: budget.subject_id, "opened_at__gte": since}))
    period = BudgetPeriod.objects.create(
        budget=budget,
        starts_on=starts_on,
        reserved=sum(hold.amount for hold in holds if hold.settled_at is None),
        used=sum(hold.captured - hold.refunded for hold in holds),
    )
    period.holds.add(*holds)


def remove(*, principal: Principal, budget_id: UUID) -> None:
    """Lift a limit. For staff. Raises NotAllowed and NotFound."""
    budget = visible_to(principal).filter(id=budget_id).first()
    if budget is None:
        raise NotFound(_("There is no such budget."), code="budget_not_found")
    _for_staff(principal)
    with transaction.atomic():
        budget.delete()
        audit(principal.user, "remove_budget", f"{budget.scope} {budget.subject_id}", every=budget.every)


def _for_staff(principal: Principal) -> None:
    if not principal.user.is_staff:
        raise NotAllowed(_("Budgets are for staff to set. Ask one of them."))
    if not principal.may(Scope.ADMIN):
        raise NotAllowed(
            _("This key lacks the scope %(scope)s.") % {"scope": Scope.ADMIN.value}, code="missing_scope"
        )


def reserve(hold: Hold, *, user_id: UUID, key_id: UUID | None) -> None:
    """Reserve the hold, which is written after this, in every budget that limits it. Raises BudgetExhausted.

    Budgets are taken in the order of their ids, before the wallet, so that nobody waits in a circle.
    """
    whose = Q(scope=Subject.PERSON, subject_id=user_id) | Q(scope=Subject.PROJECT, subject_id=hold.project_id)
    if key_id is not None:
        whose |= Q(scope=Subject.KEY, subject_id=key_id)
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


def visible_to(principal: Principal) -> QuerySet[Budget, Budget]:
    """One's own, those of projects one owns, and for staff all; with a key of one project, its alone."""
    if principal.project_id:
        return Budget.objects.filter(scope=Subject.PROJECT, subject_id=principal.project_id)
    if principal.user.is_staff and principal.may(Scope.ADMIN):
        return Budget.objects.all()
    owned = Membership.objects.filter(user=principal.user, role=Role.OWNER).values("project_id")
    keys = ApiKey.objects.filter(user=principal.user).values("id")
    return Budget.objects.filter(
        Q(scope=Subject.PERSON, subject_id=principal.user.id)
        | Q(scope=Subject.PROJECT, subject_id__in=owned)
        | Q(scope=Subject.KEY, subject_id__in=keys)
    )


def of(user: User, project: Project | None) -> list[Budget]:
    """The budgets that limit what a person spends in a project, but for those of keys."""
    whose = Q(scope=Subject.PERSON, subject_id=user.id)
    if project is not None:
        whose |= Q(scope=Subject.PROJECT, subject_id=project.id)
    return list(Budget.objects.filter(whose).order_by("id"))


def of_key(key_id: UUID) -> list[Budget]:
    """The budgets that limit one key."""
    return list(Budget.objects.filter(scope=Subject.KEY, subject_id=key_id).order_by("id"))


def standings(budgets: Sequence[Budget]) -> list[Standing]:
    """How much of each is used and reserved in its present period."""
    starts = {every: begins(every) for every in {budget.every for budget in budgets}}
    found = BudgetPeriod.objects.filter(budget__in=budgets, starts_on__in=starts.values())
    periods = {(period.budget_id, period.starts_on): period for period in found}
    standing = []
    for budget in budgets:
        period = periods.get((budget.id, starts[budget.every])) or BudgetPeriod()
        standing.append(Standing(budget, period.used, period.reserved, resets(budget.every)))
    return standing


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
