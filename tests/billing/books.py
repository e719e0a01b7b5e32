"""Money in tests: what a wallet says, and whether the books add up."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.db import transaction

from billing import ledger, oversight
from billing.ledger import Line
from billing.models import Hold, Transfer, TransferKind, Wallet
from tests.conftest import Person


def balances(wallet: Wallet) -> tuple[int, int, int, int]:
    """Granted, available, held, spent, as the database has them now."""
    wallet.refresh_from_db()
    return wallet.granted, wallet.available, wallet.held, wallet.spent


def assert_books_add_up() -> None:
    assert list(oversight.differences()) == []


def hold(person: Person, amount: int, generation_id: UUID | None = None, *, sandbox: bool = False) -> Hold:
    """A hold in a transaction of its own, as submitting makes it."""
    with transaction.atomic():
        return ledger.hold(
            user=person.user,
            amount=amount,
            generation_id=generation_id or uuid4(),
            project_id=person.project.id,
            provider="runware",
            model="seedream-5-lite",
            sandbox=sandbox,
        )


def settle(held: Hold, **amounts: int) -> bool:
    """Settle in a transaction of its own, so much for each provider."""
    lines = [Line(provider, "seedream-5-lite", 1, amount) for provider, amount in amounts.items()]
    with transaction.atomic():
        return ledger.settle(generation_id=held.generation_id, lines=lines)


def captured(person: Person, amount: int = 100, **amounts: int) -> Transfer:
    """A capture of the whole amount, or of so much for each provider; the first of them."""
    held = hold(person, amount)
    assert settle(held, **(amounts or {"runware": amount}))
    return Transfer.objects.filter(hold=held, kind=TransferKind.CAPTURE).order_by("id")[0]
