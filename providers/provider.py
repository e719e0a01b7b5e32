"""The interface every gateway's adapter fulfils: values in, values out, no network.

An adapter says what to send and reads what came back; the door sends. It holds no state
besides its account, uses no clock and no randomness: the same call gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from providers.errors import ProviderError, Reason
from providers.offer import Offer
from providers.values import Account, Balance, Cost, Exchange, ImageRequest, Report


@dataclass(frozen=True, slots=True)
class Traits:
    """How a gateway behaves where its manners matter to the engine. Times are seconds.

    ``keeps_our_key``: for how long a second POST with our id is the same request (0: never).
    ``longest``: after this a call that began has ended, one way or the other.
    ``unbilled``: statuses the gateway promises not to bill; the hold may go at once.
    ``busy``: statuses that surely mean "not taken on, come back later".
    ``pace``: the first and the widest gap between two polls of one task.
    ``grows``: how long a list shorter than was asked for may still grow (0: a word says when a task ended).
    ``paid_elsewhere``: the calls are billed to a key of ours attached at the gateway, not to its account.
    ``rpm``/``in_flight``: the published limits of an ordinary account (None: none);
    ``polls_counted``: whether a poll counts against ``rpm`` as well.
    """

    link_life: int
    keeps_our_key: int = 0
    longest: int = 180
    unbilled: frozenset[int] = frozenset()
    busy: frozenset[int] = frozenset({429})
    pace: tuple[float, float] = (1.0, 10.0)
    grows: int = 0
    finds: bool = False
    webhook: bool = False
    paid_elsewhere: bool = False
    rpm: int | None = None
    polls_counted: bool = False
    in_flight: int = 100


@dataclass(frozen=True, slots=True)
class Setting:
    """A switch of one account: its name, its default, and why one would turn it.

    A ``secret`` one is kept like the key: sealed, and never shown again.
    """

    name: str
    default: bool | str
    help: str
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a provider before any account exists."""

    slug: str
    name: str
    base_url: str
    offers: tuple[Offer, ...]
    settings: tuple[Setting, ...] = field(default=())


class Provider(Protocol):
    """One gateway, through one account. What an adapter leaves out, its gateway cannot do."""

    profile: Profile

    def __init__(self, account: Account) -> None: ...

    @property
    def traits(self) -> Traits:
        """May depend on the account's settings (a tasks API switched on keeps our key)."""
        ...

    def submit(self, request: ImageRequest, ours: UUID) -> Exchange[Report]:
        """The paid request. ``ours`` is a random UUID v4 stored before this is sent."""
        ...

    def poll(self, theirs: str) -> Exchange[Report] | None:
        """How a task we know the provider's id of is getting on; None if it cannot be asked."""
        return None

    def find(self, ours: UUID) -> Exchange[Report] | None:
        """What became of a request whose answer was lost; None if nobody can tell."""
        return None

    def cancel(self, theirs: str) -> Exchange[Report] | None:
        """Ask the provider to stop; None if it cannot be asked."""
        return None

    def balance(self) -> Exchange[Balance] | None:
        """What the account has left."""
        return None

    def quote(self, request: ImageRequest, ours: UUID) -> Exchange[Cost] | None:
        """What a request would take, without making or charging anything; None if it cannot be asked."""
        return None

    def read_webhook(
        self,
        headers: Mapping[str, str],
        body: bytes,
    ) -> tuple[str | None, Report]:
        """The provider's id and what it says. Raises ProviderError for what is not its hand."""
        raise ProviderError(Reason.NO_ANSWER, f"{self.profile.name} sends no webhooks")
