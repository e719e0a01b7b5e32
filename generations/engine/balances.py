"""Asking a provider what an account has left: the test that a connection works."""

from __future__ import annotations

from providers import sealing
from providers.door import DoorError, send_once
from providers.errors import ProviderError, Reason
from providers.models import ProviderAccount
from providers.values import Balance


def ask(account: ProviderAccount) -> Balance:
    """The balance, asked now. Raises ProviderError with a reason that staff may see."""
    try:
        exchange = account.adapter().balance()
    except sealing.Unreadable as error:
        raise ProviderError(Reason.KEY_REFUSED, f"the key cannot be opened: {error}") from None
    if exchange is None:
        raise ProviderError(Reason.NOT_OFFERED, "this provider does not tell a balance")
    try:
        return exchange.read(send_once(exchange))
    except DoorError as error:
        raise ProviderError(Reason.UNREACHABLE, error.kind) from None
