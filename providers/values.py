"""What crosses a provider's border: frozen values, in and out.

Sizes are pixels, times are seconds, money is whole micro-dollars (1 USD = 1,000,000).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from providers.errors import Reason

ASPECTS: dict[str, tuple[int, int] | None] = {
    "auto": None,
    "1:1": (1, 1),
    "4:3": (4, 3),
    "3:4": (3, 4),
    "16:9": (16, 9),
    "9:16": (9, 16),
    "3:2": (3, 2),
    "2:3": (2, 3),
    "21:9": (21, 9),
}
RESOLUTIONS = ("1K", "2K", "3K")
STRATEGIES = ("cheapest", "fastest")
FORMATS = ("png", "jpeg", "webp", "avif")
DELIVERIES = ("sync", "poll", "webhook")
OUTPUTS = ("url", "base64", "data_uri")
OPTIMIZATIONS = ("standard", "fast")


@dataclass(frozen=True, slots=True)
class Reference:
    """A picture the request builds on: checked bytes, true type (``image/png``, …), width and height."""

    data: bytes = field(repr=False)
    media_type: str
    size: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """What is asked, for one submission: every field as in the REST API, absent ones None.

    0 and False are values. ``references`` may hold empty bytes where only their number
    matters (quotes); an adapter is always handed full ones.
    """

    prompt: str
    model: str = "seedream-5-lite"
    negative_prompt: str | None = None
    count: int = 1
    aspect_ratio: str | None = None
    resolution: str | None = None
    width: int | None = None
    height: int | None = None
    seed: int | None = None
    references: tuple[Reference, ...] = ()
    sequential: int | None = None
    output_format: str | None = None
    output_quality: int | None = None
    safety_check: bool | None = None
    prompt_optimization: str | None = None
    delivery: str | None = None
    output: str | None = None
    ttl: int | None = None
    include_cost: bool = True
    upload_url: str | None = None
    webhook_url: str | None = None
    """Where the provider may tell us the end; set by the engine, never by a person."""

    @property
    def pictures(self) -> int:
        """The most pictures this request can bring."""
        return self.count * (self.sequential or 1)


@dataclass(frozen=True, slots=True)
class Account:
    """Credentials and settings for one provider. ``settings`` are the adapter's own switches."""

    base_url: str
    api_key: str = field(repr=False)
    settings: Mapping[str, object] = field(repr=False, default_factory=dict)

    @property
    def origin(self) -> str:
        """Scheme, host and port of the base URL, as links on the same server begin."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, capped. Header names are lower-case. Not ``whole``: it broke off before its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Cost:
    """What the provider says it took: its own words, and whole micro-dollars where they can be read.

    ``final`` is False for an estimate or a template figure, which is recorded and not believed.
    """

    raw: str
    micros: int | None = None
    final: bool = True


@dataclass(frozen=True, slots=True)
class Promised:
    """One picture a provider hands over: a link that dies, or the bytes themselves.

    ``key`` is stable between polls and unique within the submission. ``spare`` is a second address of
    the same picture, for where the first is dead.
    """

    key: str
    url: str | None = field(default=None, repr=False)
    data: bytes | None = field(default=None, repr=False)
    seed: int | None = None
    revised_prompt: str | None = None
    flagged: bool = False
    spare: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the work on. ``theirs`` is its id for it, to ask by."""

    theirs: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """Still at it. ``results`` are pictures that are ready before the rest.

    ``word`` is a status that nobody here knows, and that may mean something else.
    """

    theirs: str | None = None
    progress: int | None = None
    results: tuple[Promised, ...] = ()
    cost: Cost | None = None
    word: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """Finished: these pictures and no more will come. May be fewer than asked, even none.

    ``failed`` counts the pictures that the provider says it could not make.
    """

    results: tuple[Promised, ...]
    theirs: str | None = None
    cost: Cost | None = None
    request_id: str | None = None
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Failed:
    """The provider's answer is no. ``detail`` are its words, for staff."""

    reason: Reason
    detail: str = ""
    theirs: str | None = None
    cost: Cost | None = None
    retry_after: float | None = None
    request_id: str | None = None


ReadT = TypeVar("ReadT", covariant=True)
Report = Accepted | Running | Done | Failed


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account has left: the provider's number in its own unit, and micro-dollars if known."""

    amount: Decimal
    unit: str
    micros: int | None = None


@dataclass(frozen=True, slots=True)
class Exchange(Generic[ReadT]):
    """An HTTP request as a value, and how to read its answer.

    ``timeout`` is wall-clock seconds for the whole exchange. ``read`` returns what the
    answer says or raises ProviderError; it is pure.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)
    timeout: float
    read: Callable[[Answer], ReadT] = field(repr=False)
