"""What the five gateways know: keys and balances, paid work, files, the bill, who asked what, and orders.

Money is whole micro-dollars; times are seconds on the sandbox's own clock.
"""

import asyncio
import hashlib
import secrets
from collections import Counter, OrderedDict, deque
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal

import aiohttp

from providers.sandbox.clock import Clock
from providers.sandbox.drawing import Picture, render
from providers.sandbox.faults import Fault, Order, Orders
from providers.sandbox.switches import Switches

SLUGS = ("aigateway", "bytespike", "threedai", "runware", "prospolabs")
BALANCE = 1_000_000_000  # micro-dollars a key starts with
TYPICAL_SECONDS = 2.0
KEPT_REQUESTS = 50_000
KEPT_DRAWINGS = 32

State = Literal["pending", "running", "done", "failed", "canceled"]


@dataclass
class Settings:
    """How one gateway behaves. ``latency`` None is about two seconds; ``rpm`` is per key."""

    latency: float | None = None
    rpm: int | None = None
    in_flight: int | None = None
    picture: Literal["drawn", "tiny"] = "drawn"


@dataclass
class Account:
    """One key at one gateway. ``refused`` is the status every call gets; ``byok`` bills another provider."""

    gateway: str
    key: str
    balance: int = BALANCE
    spent: int = 0
    running: int = 0
    refused: int | None = None
    byok: bool = False
    calls: deque[float] = field(default_factory=deque)


@dataclass
class Line:
    """One line of the bill: what an accepted call cost, and whether that was given back."""

    gateway: str
    key: str
    our_id: str | None
    their_id: str
    pictures: int
    micro_usd: int
    at: float
    refunded: bool = False
    refunded_at: float | None = None


@dataclass
class Task:
    """One piece of paid work: what was asked, how it goes, and what was ordered to go wrong with it."""

    id: str
    account: Account
    our_id: str | None
    prompt: str
    pictures: list[Picture]
    started: float
    duration: float
    orders: dict[Fault, Order]
    line: Line
    details: dict[str, Any]
    links: dict[int, str] = field(default_factory=dict)
    canceled: bool = False
    announced: bool = False
    polls_after_end: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    course: asyncio.Task[None] | None = None

    @property
    def fails(self) -> bool:
        return Fault.FAILS in self.orders or Fault.REFUSED_CONTENT in self.orders

    @property
    def broken(self) -> int | None:
        """The index of the entry that is an error beside good ones."""
        ordered = self.orders.get(Fault.ENTRY_ERROR)
        return None if ordered is None else ordered.whole("index", 0)

    def fraction(self, now: float) -> float:
        """How much is done, 0 to 1."""
        if self.duration == float("inf"):
            return min(0.9, (now - self.started) / 60)
        return 1.0 if now >= self.started + self.duration else (now - self.started) / self.duration

    def state(self, now: float) -> State:
        if self.canceled:
            return "canceled"
        fraction = self.fraction(now)
        if fraction < 1:
            return "pending" if fraction < 0.1 else "running"
        return "failed" if self.fails else "done"

    def told(self, now: float) -> State:
        """The state as a poll is told it: the truth, unless it was ordered to flap."""
        state = self.state(now)
        if state != "done" or Fault.FLAPPING not in self.orders:
            return state
        self.polls_after_end += 1
        return "done" if self.polls_after_end % 2 else "failed"


@dataclass
class StoredFile:
    """A picture behind an unguessable link that dies."""

    token: str
    gateway: str
    picture: Picture
    expires_at: float
    dead: int | None = None


class World:
    """Used from one event loop only; drawing runs in threads."""

    def __init__(self, latency: float | None = None) -> None:
        self.first_latency = latency
        self.clock = Clock()
        self.pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="sandbox-drawing")
        self.http: aiohttp.ClientSession | None = None
        self.origins: dict[str, str] = {}
        self._clear()

    def _clear(self) -> None:
        self.switches = Switches()
        self.settings = {slug: Settings(latency=self.first_latency) for slug in SLUGS}
        self.settings[
            "threedai"
        ].rpm = 3  # 3D AI Studio docs, getting started: 3 requests a minute by default
        self.orders = Orders()
        self.accounts: dict[tuple[str, str], Account] = {}
        self.tasks: dict[str, dict[str, Task]] = {slug: {} for slug in SLUGS}
        self.files: dict[str, StoredFile] = {}
        self.bill: list[Line] = []
        self.requests: deque[dict[str, Any]] = deque(maxlen=KEPT_REQUESTS)
        self.counts: Counter[tuple[str, str, str]] = Counter()
        self.deliveries: list[dict[str, Any]] = []
        self.memory: dict[str, dict[str, Any]] = {slug: {} for slug in SLUGS}
        self._drawn: OrderedDict[Picture, bytes] = OrderedDict()
        self._background: set[asyncio.Task[None]] = set()

    def reset(self) -> None:
        """As at the start: work in progress ends, links die, the clock keeps its time."""
        for task in self._background:
            task.cancel()
        for tasks in self.tasks.values():
            for work in tasks.values():
                work.ended.set()
        self._clear()

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    def account(self, gateway: str, key: str) -> Account:
        """Any key is good until the control endpoint says otherwise."""
        return self.accounts.setdefault((gateway, key), Account(gateway, key))

    def charge(self, account: Account, our_id: str | None, their_id: str, pictures: int, amount: int) -> Line:
        account.balance -= amount
        account.spent += amount
        line = Line(account.gateway, account.key[-4:], our_id, their_id, pictures, amount, self.clock.now())
        self.bill.append(line)
        return line

    def refund(self, task: Task) -> None:
        """Give back the whole line."""
        line = task.line
        line.refunded, line.refunded_at = True, self.clock.now()
        task.account.balance += line.micro_usd
        task.account.spent -= line.micro_usd

    def duration(self, gateway: str, prompt: str, orders: dict[Fault, Order]) -> float:
        """Seconds one call takes: as set, or about two with a spread that is the prompt's own."""
        if Fault.NEVER_FINISHES in orders:
            return float("inf")
        latency = self.settings[gateway].latency
        if latency is not None:
            return latency
        spread = hashlib.sha256(prompt.encode(errors="replace")).digest()[0] / 255
        return TYPICAL_SECONDS * (0.8 + 0.4 * spread)

    def store(self, gateway: str, picture: Picture, life: float, dead: int | None = None) -> StoredFile:
        token = secrets.token_urlsafe(24)
        file = StoredFile(token, gateway, picture, self.clock.now() + life, dead)
        self.files[token] = file
        return file

    async def draw(self, picture: Picture) -> bytes:
        """The picture's bytes, drawn off the loop; the last few are kept."""
        data = self._drawn.get(picture)
        if data is None:
            data = await asyncio.get_running_loop().run_in_executor(self.pool, render, picture)
            self._drawn[picture] = data
            if len(self._drawn) > KEPT_DRAWINGS:
                self._drawn.popitem(last=False)
        return data
