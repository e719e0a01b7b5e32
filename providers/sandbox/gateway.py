"""What the five gateways have in common: work that is charged, takes time, ends, and is told."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from aiohttp import web

from providers.sandbox import files
from providers.sandbox.broken import spoil
from providers.sandbox.call import Call, GatewayError, Route
from providers.sandbox.drawing import Picture
from providers.sandbox.faults import Fault, Order, Stage
from providers.sandbox.fields import FieldError
from providers.sandbox.references import LARGEST, Reference, UnreadableError, decode
from providers.sandbox.world import Account, Settings, StoredFile, Task, World

DAY = 86_400.0


class Gateway:
    """One gateway: its addresses, its words for what goes wrong, its price."""

    slug: ClassVar[str]
    name: ClassVar[str]
    price: ClassVar[int]  # micro-dollars a picture
    link_life: ClassVar[float] = DAY
    body_limit: ClassVar[int] = 100_000_000
    refuses_content: ClassVar[tuple[int, str, str] | None] = None  # status, code, message; None: work fails
    optional: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, world: World) -> None:
        self.world = world

    # What each gateway says in its own way

    def routes(self) -> list[Route]:
        raise NotImplementedError

    def error(self, refused: GatewayError, call: Call) -> web.Response:
        raise NotImplementedError

    def invalid(self, problem: FieldError) -> GatewayError:
        raise NotImplementedError

    def expired(self, _file: StoredFile) -> web.Response:
        """What a link answers after its life."""
        return web.Response(
            status=403, text="<Error><Code>AccessDenied</Code></Error>", content_type="application/xml"
        )

    def key(self, call: Call) -> str:
        return call.bearer

    def recognise(self, call: Call) -> None:
        """Set the call's prompt (and where the address does not tell it, its operation) from its body."""
        if isinstance(call.document, dict) and isinstance(call.document.get("prompt"), str):
            call.prompt = call.document["prompt"]
        address = call.request.match_info
        if task := self.tasks.get(address.get("id", "")):
            call.prompt = task.prompt
        if file := self.world.files.get(address.get("token", "")):
            call.prompt = file.picture.prompt

    def headers(self, _call: Call) -> Mapping[str, str]:
        """Headers of every answer that is not a file."""
        return {}

    def pacing(self, wait: float) -> Mapping[str, str]:
        """Headers of a 429 of our own."""
        return {"Retry-After": str(max(1, round(wait)))}

    async def announce(self, task: Task) -> None:
        """Tell whoever asked for it that the work has ended."""

    def counts_to_rate(self, call: Call) -> bool:
        return call.operation == "submit"

    async def nowhere(self, call: Call) -> web.StreamResponse:
        raise GatewayError(404, message=f"There is nothing at {call.request.method} {call.request.path}.")

    # What it knows

    @property
    def settings(self) -> Settings:
        return self.world.settings[self.slug]

    @property
    def tasks(self) -> dict[str, Task]:
        return self.world.tasks[self.slug]

    @property
    def memory(self) -> dict[str, Any]:
        """What only this gateway remembers."""
        return self.world.memory[self.slug]

    @property
    def now(self) -> float:
        return self.world.clock.now()

    # Paid work

    async def reference(self, data: bytes, name: str, largest: int = LARGEST) -> Reference:
        """A reference picture, checked in a thread. Raises FieldError."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self.world.pool, decode, data, largest)
        except UnreadableError as error:
            raise FieldError("invalid", (name,), str(error)) from error

    def begin(
        self, call: Call, pictures: list[Picture], *, their_id: str, our_id: str | None = None, **details: Any
    ) -> Task:
        """Accept and charge. Raises GatewayError where the content, the wallet or a limit forbids it."""
        account = call.payer
        limit = self.settings.in_flight
        if limit is not None and account.running >= limit:
            raise self.too_many_at_once()
        orders = self.world.orders.take_all(Stage.WORK, self.slug, "submit", call.prompt)
        call.note["fault"] = call.note["fault"] or ", ".join(orders) or None
        content = orders.get(Fault.REFUSED_CONTENT)
        if content and self.refuses_content and not content.args.get("late"):
            raise GatewayError(*self.refuses_content)
        pictures, charged = _delivered(pictures, orders)
        price = self.unit(account, orders)
        if account.balance < price * charged:
            raise GatewayError(402)
        if Fault.REUSED_ID in orders:
            theirs = (one.id for one in reversed(self.tasks.values()) if one.account is account)
            their_id = next(theirs, their_id)
        task = Task(
            id=their_id,
            account=account,
            our_id=our_id,
            prompt=call.prompt,
            pictures=pictures,
            started=self.now,
            duration=self.world.duration(self.slug, call.prompt, orders),
            orders=orders,
            line=self.world.charge(account, our_id, their_id, charged, price * charged),
            details=details,
        )
        if Fault.WEBHOOK_EARLY in orders:
            task.duration = 0
        self.tasks[their_id] = task
        account.running += 1
        task.course = self.world.spawn(self.run(task))
        return task

    def too_many_at_once(self) -> GatewayError:
        return GatewayError(429, headers=self.pacing(2))

    async def run(self, task: Task) -> None:
        """The course of some work: time passes, failures are paid back, those who asked are told."""
        try:
            await self.world.clock.sleep(task.duration)
            self.settle(task)
        finally:
            task.account.running -= 1
            task.ended.set()
        await self.tell(task)

    def settle(self, task: Task) -> None:
        failing = task.orders.get(Fault.FAILS)
        if task.fails and not (failing and failing.args.get("charged")):
            self.world.refund(task)

    async def tell(self, task: Task) -> None:
        if not task.announced:
            task.announced = True
            await self.announce(task)

    async def tell_early(self, task: Task) -> None:
        """Where that was ordered: the webhooks overtake the answer to the submit."""
        if Fault.WEBHOOK_EARLY in task.orders:
            await self.tell(task)

    def stop(self, task: Task, *, refund: bool) -> None:
        """Cancel work that has not ended."""
        if task.state(self.now) in ("pending", "running"):
            task.canceled = True
            if task.course:
                task.course.cancel()
            if refund:
                self.world.refund(task)
            self.world.spawn(self.tell(task))  # this is an end too

    def cost(self, task: Task) -> int | None:
        """What one picture of this task is reported to cost, in micro-dollars."""
        if Fault.COST_MISSING in task.orders:
            return None
        return self.unit(task.account, task.orders)

    def pictures(
        self, prompt: str, width: int, height: int, count: int, *, kind: str = "jpeg", **shown: Any
    ) -> list[Picture]:
        """What is going to be drawn for one request; ``shown`` as in Picture."""
        tiny = self.settings.picture == "tiny"
        return [
            Picture(self.slug, prompt, width, height, kind, index=index, count=count, tiny=tiny, **shown)
            for index in range(count)
        ]

    def unit(self, account: Account, orders: Mapping[Fault, Order]) -> int:
        """The price of one picture for this key; nothing where another provider bills it."""
        ordered = orders.get(Fault.COST_PERCENT)
        percent = 100 if ordered is None else ordered.whole("percent", 150)
        return 0 if account.byok else self.price * percent // 100

    async def inline(self, picture: Picture) -> bytes:
        """The bytes of a picture that is answered within the JSON, spoiled as on the file host."""
        order = self.world.orders.take((Stage.FILE,), self.slug, "file", picture.prompt)
        loop = asyncio.get_running_loop()
        made = await loop.run_in_executor(self.world.pool, spoil, picture, order) if order else None
        return made[0] if made else await self.world.draw(picture)

    def link(self, task: Task, index: int, *, life: float | None = None, fresh: bool = False) -> str:
        """The address of one picture; the same one each time unless a fresh one is wanted."""
        elsewhere, dead = task.orders.get(Fault.LINK_TO), task.orders.get(Fault.DEAD_LINK)
        if elsewhere and elsewhere.whole("index", 0) == index:
            return elsewhere.text("url")
        if fresh or index not in task.links:
            status = dead.whole("status", 404) if dead and dead.whole("index", 0) == index else None
            picture = task.pictures[index]
            file = self.world.store(self.slug, picture, self.link_life if life is None else life, status)
            task.links[index] = self.world.origins[self.slug] + files.path(file)
        return task.links[index]


def _delivered(pictures: list[Picture], orders: Mapping[Fault, Order]) -> tuple[list[Picture], int]:
    """The pictures that will come, and how many are charged."""
    asked = len(pictures)
    if none := orders.get(Fault.NO_PICTURES):
        return [], asked if none.args.get("charged") else 0
    if fewer := orders.get(Fault.FEWER):
        pictures = pictures[: max(0, asked - fewer.whole("missing", 1))]
    if Fault.MORE in orders:
        pictures = [*pictures, replace(pictures[-1], index=asked)]
    return pictures, len(pictures) - (1 if Fault.ENTRY_ERROR in orders and pictures else 0)
