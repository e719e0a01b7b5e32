"""The verbs of money, and the only writer of wallets, holds and transfers.

Each verb belongs in the transaction of the change it pays for. The transfer is inserted
first and the wallet is updated conditionally and last, so a hot wallet is locked for one
statement; zero rows means the money is not there. Amounts are whole micro-dollars.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _
from uuid6 import uuid7

from accounts import rows
from accounts.errors import Conflict, Invalid, wrong
from accounts.models import User
from billing import budgets, settling
from billing.errors import InsufficientCredit
from billing.models import Hold, Transfer, TransferKind, Wallet
from billing.money import MOST, dollars

FUNDING = "funding"
AVAILABLE = "wallet:available"
ABSORBED = "platform:absorbed"


@dataclass(frozen=True, slots=True)
class Line:
    """What one provider delivered for a hold: ``amount`` to capture, and its own cost beside it.

    ``elsewhere_cost`` is what it billed to another purse, by a key attached there.
    """

    provider: str
    model: str
    pictures: int
    amount: int
    provider_cost: int | None = None
    provider_cost_raw: str = ""
    elsewhere_cost: int | None = None


def wallet_of(user: User) -> Wallet:
    """The person's wallet, made empty on first sight."""
    wallet, _ = Wallet.objects.get_or_create(user=user)
    return wallet


@transaction.atomic
def grant(
    *, user: User, amount: int, memo: str, actor: User | None, key: str | None = None
) -> tuple[Transfer, bool]:
    """Give credits; False beside the transfer if this key was granted before. Raises Invalid, Conflict."""
    _check(amount, memo)
    wallet = wallet_of(user)
    ends = {"kind": TransferKind.GRANT, "source": FUNDING, "target": AVAILABLE}
    transfer, fresh = _credited(ends, wallet, amount, memo, actor, key)
    if fresh:
        Wallet.objects.filter(id=wallet.id).update(
            granted=F("granted") + amount, available=F("available") + amount
        )
    return transfer, fresh


@transaction.atomic
def revoke(
    *, user: User, amount: int, memo: str, actor: User | None, key: str | None = None
) -> tuple[Transfer, bool]:
    """Take back credits that are neither held nor spent; with ``key`` as above. Raises Invalid, Conflict."""
    _check(amount, memo)
    wallet = wallet_of(user)
    ends = {"kind": TransferKind.REVOKE, "source": AVAILABLE, "target": FUNDING}
    transfer, fresh = _credited(ends, wallet, amount, memo, actor, key)
    if fresh and not Wallet.objects.filter(id=wallet.id, available__gte=amount).update(
        granted=F("granted") - amount, available=F("available") - amount
    ):
        wallet.refresh_from_db()
        raise Conflict(
            _("$%(available)s is available; what is held or spent cannot be taken back.")
            % {"available": dollars(wallet.available)},
            code="insufficient_credit",
        )
    return transfer, fresh


def _credited(
    ends: dict[str, Any], wallet: Wallet, amount: int, memo: str, actor: User | None, key: str | None
) -> tuple[Transfer, bool]:
    """The row of credit given or taken back; False beside it if this key made it before."""
    once = _key(ends["kind"], key)
    try:
        with transaction.atomic():
            said = {"amount": amount, "memo": memo.strip()[:500], "actor": actor, "key": once}
            return Transfer.objects.create(wallet=wallet, **ends, **said), True
    except IntegrityError:
        return _made_before(once, wallet_id=wallet.id, amount=amount), False


def hold(
    *,
    user: User,
    amount: int,
    generation_id: UUID,
    project_id: UUID,
    provider: str,
    model: str,
    key_id: UUID | None = None,
    least: int | None = None,
    sandbox: bool = False,
) -> Hold:
    """Set the exact quote aside, or raise InsufficientCredit or BudgetExhausted and hold nothing.

    ``least`` is what less of it would cost, for the refusal's words; the caller's transaction ends with it.
    ``sandbox``: it is for samples, and so is every transfer that follows from it.
    """
    _in_transaction()
    held = Hold(amount=amount, generation_id=generation_id, project_id=project_id)
    values = {
        "user": user.id,
        "project": project_id,
        "key": key_id,
        "hold": held.id,
        "transfer": uuid7(),
        "generation": generation_id,
        "amount": amount,
        "provider": provider,
        "model": model,
        "sandbox": sandbox,
    }
    ((limited, wallet_id, opened_at),) = rows.planned(settling.HELD, {**values, "reserved": False})
    if limited:  # and so nothing was written: budgets come before the wallet
        budgets.reserve(held, user_id=user.id, key_id=key_id)
        ((_, wallet_id, opened_at),) = rows.planned(settling.HELD, {**values, "reserved": True})
    if wallet_id is None:
        _refuse(user, amount, least)
    rows.written(held, wallet_id=wallet_id, opened_at=opened_at)
    return held


def check(*, user: User, amount: int, least: int | None = None) -> None:
    """Raise InsufficientCredit if less is available; a hold decides."""
    if wallet_of(user).available < amount:
        _refuse(user, amount, least)


def settle(*, generation_id: UUID, lines: Sequence[Line]) -> bool:
    """Capture what was delivered, release the rest; False if the hold was settled before.

    One line for each provider; their sum may not exceed the hold: the quote is never exceeded.
    """
    _in_transaction()
    assert all(line.amount >= 0 for line in lines), "a capture gives nothing back; a refund does"
    captured = sum(line.amount for line in lines)
    found = rows.planned(settling.SETTLED, {"generation": generation_id, "captured": captured})
    if not found:
        return False
    ((hold_id, amount, limited),) = found
    if limited:
        budgets.settle(Hold(id=hold_id, amount=amount), captured)
    paid = [line for line in lines if line.amount > 0]
    values = {one.name: [getattr(line, one.name) for line in paid] for one in fields(Line)}
    values |= {"ids": [uuid7() for _ in paid]}
    rows.planned(settling.BOOKED, {**values, "hold": hold_id, "captured": captured, "release": uuid7()})
    return True


@transaction.atomic
def refund(
    *, capture: Transfer, amount: int, memo: str, actor: User | None, key: str | None = None
) -> Transfer:
    """Give back part or all of a capture, in all at most what it took; once per key.

    Raises Conflict (``already_refunded``), Invalid.
    """
    if capture.kind != TransferKind.CAPTURE or amount <= 0:
        raise Invalid(_("Only a capture can be refunded, by an amount above zero."))
    once = _key("refund", key)
    try:
        with transaction.atomic():
            transfer = Transfer.objects.create(
                kind=TransferKind.REFUND,
                wallet_id=capture.wallet_id,
                hold_id=capture.hold_id,
                source=capture.target,
                target=AVAILABLE,
                amount=amount,
                reverses=capture,
                memo=memo[:500],
                actor=actor,
                key=once,
                generation_id=capture.generation_id,
                project_id=capture.project_id,
                provider=capture.provider,
                model=capture.model,
                sandbox=capture.sandbox,
            )
    except IntegrityError:
        return _made_before(once, reverses_id=capture.id, amount=amount)
    _give_back(capture, amount)
    assert capture.wallet_id is not None  # as every capture's
    Wallet.objects.filter(id=capture.wallet_id).update(
        spent=F("spent") - amount, available=F("available") + amount
    )
    return transfer


def _give_back(capture: Transfer, amount: int) -> None:
    """To the hold and its budgets. Raises Conflict if more than the hold, or this capture of it, took."""
    assert capture.hold_id is not None  # as every capture's
    # The hold's row stays locked from here on, so that refunds of its captures are summed one by one.
    noted = Hold.objects.filter(id=capture.hold_id, captured__gte=F("refunded") + amount).update(
        refunded=F("refunded") + amount
    )
    if not noted or sum(capture.reversals.values_list("amount", flat=True)) > capture.amount:
        raise Conflict(_("This was refunded already."), code="already_refunded")
    budgets.give_back(capture.hold_id, amount)


def absorb(
    *,
    key: str,
    amount: int,
    provider: str,
    model: str,
    generation_id: UUID,
    project_id: UUID,
    memo: str,
    sandbox: bool = False,
) -> None:
    """Book to the platform what a provider took and nobody is charged for; once per key."""
    if amount <= 0:
        return
    Transfer.objects.bulk_create(
        [
            Transfer(
                kind=TransferKind.ABSORB,
                source=ABSORBED,
                target=f"spend:{provider}",
                amount=amount,
                provider=provider,
                model=model,
                provider_cost=amount,
                generation_id=generation_id,
                project_id=project_id,
                memo=memo[:500],
                key=f"absorb:{key}",
                sandbox=sandbox,
            )
        ],
        ignore_conflicts=True,
    )


def _check(amount: int, memo: str) -> None:
    if not 0 < amount <= MOST:
        raise wrong("amount", _("must be above zero and at most $1,000,000."))
    if not memo.strip():
        raise Invalid(_("memo must say what this is for."), fields={"memo": [_("Must not be empty.")]})


def _key(verb: str, key: str | None) -> str | None:
    if key and len(key) > 180:
        raise Invalid(_("key may be at most 180 characters."), fields={"key": [_("At most 180 characters.")]})
    return f"{verb}:{key}" if key else None


def _made_before(key: str | None, **same: object) -> Transfer:
    """The transfer that was made under this key. Raises Conflict if it was another one."""
    first = Transfer.objects.get(key=key)
    if any(getattr(first, name) != value for name, value in same.items()):
        raise Conflict(
            _("%(key)s was used for something else; take a new key for something new.") % {"key": key},
            code="idempotency_key_reused",
        )
    return first


def _refuse(user: User, amount: int, least: int | None) -> None:
    wallet = wallet_of(user)
    raise InsufficientCredit(needed=amount, available=wallet.available, held=wallet.held, least=least)


def _in_transaction() -> None:
    assert connection.in_atomic_block, "money moves in the transaction of the change it pays for"
