"""Asking a provider what an account has left and what a picture takes: the test that a connection works."""

from __future__ import annotations

from uuid import uuid4

from providers import registry
from providers.door import DoorError, send_once
from providers.errors import ProviderError, Reason, Unusable
from providers.models import ProviderAccount
from providers.provider import Provider
from providers.values import Balance, Cost, Exchange, ImageRequest, ReadT


def ask(account: ProviderAccount) -> Balance:
    """The balance, asked now. Raises ProviderError with a reason that staff may see."""
    exchange = _adapter(account).balance()
    if exchange is None:
        raise ProviderError(Reason.NOT_OFFERED, "this provider does not tell a balance")
    return _answer(exchange)


def price(account: ProviderAccount) -> Cost | None:
    """What one picture would take, asked without making any; None where that cannot be asked.

    Raises ProviderError with a reason that staff may see.
    """
    offer = registry.profile(account.provider).offers[0]
    request = ImageRequest("A question of price", model=offer.model, resolution="2K")
    exchange = _adapter(account).quote(request, uuid4())
    return None if exchange is None else _answer(exchange)


def _adapter(account: ProviderAccount) -> Provider:
    try:
        return account.adapter()
    except Unusable as error:
        raise ProviderError(Reason.NOT_OFFERED, str(error)) from None


def _answer(exchange: Exchange[ReadT]) -> ReadT:
    try:
        return exchange.read(send_once(exchange))
    except DoorError as error:
        raise ProviderError(Reason.UNREACHABLE, error.kind) from None
