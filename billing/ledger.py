"""The verbs of money, and the only writer of wallets, holds and transfers.

Each verb belongs in the transaction of the change it pays for. The transfer is inserted
first and the wallet is updated conditionally and last, so a hot wallet is locked for one
statement; zero rows means the money is not there. Amounts are whole micro-dollars.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from accounts.errors import Conflict, Invalid
from accounts.models import User
from billing import budgets
from billing.errors import InsufficientCredit
from billing.models import Hold, Kind, Transfer, Wallet
from billing.money import MOST, dollars

FUNDING = "funding"
AVAILABLE = "wallet:available"
HELD = "wallet:held"
ABSORBED = "platform:absorbed"


@dataclass(frozen=True, slots=True)
class Line:
    """What one provider delivered for a hold: ``amount`` to capture, and its own cost beside it."""

    provider: str
    model: str
    pictures: int
    amount: int
    provider_cost: int | None = None
    provider_cost_raw: str = ""


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
    once = _key("grant", key)
    try:
        with transaction.atomic():
            transfer = Transfer.objects.create(
                kind=Kind.GRANT,
                wallet=wallet,
                source=FUNDING,
                target=AVAILABLE,
                amount=amount,
                memo=memo.strip()[:500],
                actor=actor,
                key=once,
            )
    except IntegrityError:
        return _made_before(once, wallet_id=wallet.id, amount=amount), False
    Wallet.objects.filter(id=wallet.id).update(
        granted=F("granted") + amount, available=F("available") + amount
    )
    return transfer, True


@transaction.atomic
def revoke(*, user: User, amount: int, memo: str, actor: User | None) -> Transfer:
    """Take back credits that are neither held nor spent. Raises Invalid, Conflict."""
    _check(amount, memo)
    wallet = wallet_of(user)
    transfer = Transfer.objects.create(
        kind=Kind.REVOKE,
        wallet=wallet,
        source=AVAILABLE,
        target=FUNDING,
        amount=amount,
        memo=memo.strip()[:500],
        actor=actor,
    )
    if not Wallet.objects.filter(id=wallet.id, available__gte=amount).update(
        granted=F("granted") - amount, available=F("available") - amount
    ):
        wallet.refresh_from_db()
        raise Conflict(
            f"${dollars(wallet.available)} is available; what is held or spent cannot be taken back.",
            code="insufficient_credit",
        )
    return transfer


def hold(
    *,
    wallet: Wallet,
    amount: int,
    generation_id: UUID,
    project_id: UUID,
    provider: str,
    model: str,
    key_id: UUID | None = None,
) -> Hold:
    """Set the exact quote aside, or raise InsufficientCredit or BudgetExhausted and hold nothing.

    The caller's transaction must not go on after the refusal.
    """
    _in_transaction()
    held = Hold.objects.create(
        wallet=wallet, amount=amount, generation_id=generation_id, project_id=project_id
    )
    Transfer.objects.create(
        kind=Kind.HOLD,
        wallet=wallet,
        hold=held,
        source=AVAILABLE,
        target=HELD,
        amount=amount,
        generation_id=generation_id,
        project_id=project_id,
        provider=provider,
        model=model,
    )
    budgets.reserve(held, user_id=wallet.user_id, key_id=key_id)
    if not Wallet.objects.filter(id=wallet.id, available__gte=amount).update(
        available=F("available") - amount, held=F("held") + amount
    ):
        _refuse(wallet.id, amount)
    return held


def settle(*, generation_id: UUID, lines: Sequence[Line]) -> bool:
    """Capture what was delivered, release the rest; False if the hold was settled before.

    One line for each provider; their sum may not exceed the hold: the quote is never exceeded.
    """
    _in_transaction()
    assert all(line.amount >= 0 for line in lines), "a capture gives nothing back; a refund does"
    captured = sum(line.amount for line in lines)
    if not Hold.objects.filter(generation_id=generation_id, settled_at=None).update(
        settled_at=Now(), captured=captured
    ):
        return False
    held = Hold.objects.get(generation_id=generation_id)
    budgets.settle(held, captured)
    common = {
        "wallet_id": held.wallet_id,
        "hold": held,
        "source": HELD,
        "generation_id": held.generation_id,
        "project_id": held.project_id,
    }
    transfers = [
        Transfer(
            **common,
            kind=Kind.CAPTURE,
            target=f"spend:{line.provider}",
            amount=line.amount,
            provider=line.provider,
            model=line.model,
            pictures=line.pictures,
            provider_cost=line.provider_cost,
            provider_cost_raw=line.provider_cost_raw[:200],
        )
        for line in lines
        if line.amount > 0
    ]
    if held.amount > captured:
        transfers.append(
            Transfer(**common, kind=Kind.RELEASE, target=AVAILABLE, amount=held.amount - captured)
        )
    Transfer.objects.bulk_create(transfers)
    Wallet.objects.filter(id=held.wallet_id).update(
        held=F("held") - held.amount,
        spent=F("spent") + captured,
        available=F("available") + (held.amount - captured),
    )
    return True


@transaction.atomic
def refund(
    *, capture: Transfer, amount: int, memo: str, actor: User | None, key: str | None = None
) -> Transfer:
    """Give back part or all of a capture, in all at most what it took; once per key.

    Raises Conflict (``already_refunded``), Invalid.
    """
    if capture.kind != Kind.CAPTURE or amount <= 0:
        raise Invalid("Only a capture can be refunded, by an amount above zero.")
    once = _key("refund", key)
    try:
        with transaction.atomic():
            transfer = Transfer.objects.create(
                kind=Kind.REFUND,
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
            )
    except IntegrityError:
        return _made_before(once, reverses_id=capture.id, amount=amount)
    assert capture.hold_id is not None and capture.wallet_id is not None  # as every capture's are
    # The hold's row stays locked from here on, so that refunds of its captures are summed one by one.
    if (
        not Hold.objects.filter(id=capture.hold_id, captured__gte=F("refunded") + amount).update(
            refunded=F("refunded") + amount
        )
        or _refunded(capture) > capture.amount
    ):
        raise Conflict("This was refunded already.", code="already_refunded")
    budgets.give_back(capture.hold_id, amount)
    Wallet.objects.filter(id=capture.wallet_id).update(
        spent=F("spent") - amount, available=F("available") + amount
    )
    return transfer


def _refunded(capture: Transfer) -> int:
    return sum(capture.reversals.values_list("amount", flat=True))


def absorb(
    *, key: str, amount: int, provider: str, model: str, generation_id: UUID, project_id: UUID, memo: str
) -> None:
    """Book to the platform what a provider took and nobody is charged for; once per key."""
    if amount <= 0:
        return
    Transfer.objects.bulk_create(
        [
            Transfer(
                kind=Kind.ABSORB,
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
            )
        ],
        ignore_conflicts=True,
    )


def _check(amount: int, memo: str) -> None:
    if not 0 < amount <= MOST:
        sentence = "must be above zero and at most $1,000,000."
        raise Invalid(f"amount {sentence}", fields={"amount": [sentence]})
    if not memo.strip():
        raise Invalid("memo must say what this is for.", fields={"memo": ["Must not be empty."]})


def _key(verb: str, key: str | None) -> str | None:
    if key and len(key) > 180:
        raise Invalid("key may be at most 180 characters.", fields={"key": ["At most 180 characters."]})
    return f"{verb}:{key}" if key else None


def _made_before(key: str | None, **same: object) -> Transfer:
    """The transfer that was made under this key. Raises Conflict if it was another one."""
    first = Transfer.objects.get(key=key)
    if any(getattr(first, name) != value for name, value in same.items()):
        raise Conflict(
            f"{key} was used for something else; take a new key for something new.",
            code="idempotency_key_reused",
        )
    return first


def _refuse(wallet_id: UUID, amount: int) -> None:
    wallet = Wallet.objects.get(id=wallet_id)
    raise InsufficientCredit(needed=amount, available=wallet.available, held=wallet.held)


def _in_transaction() -> None:
    assert connection.in_atomic_block, "money moves in the transaction of the change it pays for"
