"""Which providers there are: a plain table. Adding one is a line here (docs/adding-a-gateway.md)."""

from __future__ import annotations

from difflib import get_close_matches

from providers.adapters.aigateway import AIgateway
from providers.adapters.bytespike import Bytespike
from providers.adapters.prospolabs import Prospolabs
from providers.adapters.runware import Runware
from providers.adapters.threedai import ThreeDAI
from providers.provider import Profile, Provider
from providers.values import Account

ADAPTERS: dict[str, type[Provider]] = {
    "aigateway": AIgateway,
    "bytespike": Bytespike,
    "threedai": ThreeDAI,
    "runware": Runware,
    "prospolabs": Prospolabs,
}


class UnknownProviderError(LookupError):
    """No provider has this slug; the message says which one was probably meant."""

    def __init__(self, slug: str) -> None:
        close = get_close_matches(slug, ADAPTERS, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(ADAPTERS)}."
        super().__init__(f"There is no provider {slug!r}; {hint}")
        self.slug = slug


def profile(slug: str) -> Profile:
    """What is known of a provider before any account exists. Raises UnknownProviderError."""
    return _adapter(slug).profile


def profiles() -> tuple[Profile, ...]:
    """All of them, in the order in which people see them."""
    return tuple(adapter.profile for adapter in ADAPTERS.values())


def provider(slug: str, account: Account) -> Provider:
    """The adapter, working through this account.

    Raises UnknownProviderError, and ValueError for an account setting the adapter cannot read.
    """
    return _adapter(slug)(account)


def _adapter(slug: str) -> type[Provider]:
    try:
        return ADAPTERS[slug]
    except KeyError:
        raise UnknownProviderError(slug) from None
