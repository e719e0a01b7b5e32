"""The net worker's loop: every call, poll and download of this process, awaited together.

One event loop in one thread; the database is reached through a few threads beside it.
A message, a notification or the clock only makes it look for due rows.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from typing import Any, TypeVar
from uuid import UUID

from django.db import Error, InterfaceError, InternalError, OperationalError

from generations.engine import (
    alarm,
    calling,
    claiming,
    fetching,
    keeping,
    killing,
    listening,
    persistence,
    reading,
)
from generations.engine.claiming import Claim
from generations.engine.exchanging import Questions
from generations.states import ResultState
from generations.storage import StorageError
from providers.door import Door

log = logging.getLogger(__name__)

T = TypeVar("T")
DB_THREADS = 6
STORE_THREADS = 16
"""Threads of their own: while a store hangs, answers are still recorded."""
MOST_CALLS = 2_000
MOST_FETCHES = 64
BATCH = 200
LOOK_EVERY = killing.look(1.0)
BREATH = 0.02
"""Seconds between two looks: the first comes at once, the next serves all that was heard meanwhile."""


class Net:
    """Claims due submissions and results and works on all of them at once, until stopped."""

    def __init__(
        self,
        *,
        calls: int = MOST_CALLS,
        fetches: int = MOST_FETCHES,
        died: Callable[[], None] | None = None,
    ) -> None:
        """``died`` is called if the loop ends without having been asked to."""
        self.owner = claiming.owner()
        self.questions = Questions()
        self._most = {"submission": calls, "result": fetches}
        self._held: dict[str, set[UUID]] = {"submission": set(), "result": set()}
        self._missed: dict[UUID, Claim] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._died = died
        self._stopping = False  # plain, because signal handlers set them
        self._hurrying = False
        self._thread = threading.Thread(target=self._run, name="net", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._bell: asyncio.Event | None = None
        self._threads = ThreadPoolExecutor(DB_THREADS, thread_name_prefix="net-db")
        self._stores = ThreadPoolExecutor(STORE_THREADS, thread_name_prefix="net-store")
        self._heart = ThreadPoolExecutor(1, thread_name_prefix="net-heart")

    def start(self) -> None:
        alarm.hang(self.ring)
        self._thread.start()

    def ring(self) -> None:
        """Look for due rows now; callable from any thread, even after the loop has ended."""
        if self._loop is not None and self._bell is not None:
            with suppress(RuntimeError):  # it has ended, maybe this very moment
                self._loop.call_soon_threadsafe(self._bell.set)

    def stop(self, timeout: float | None = None) -> None:
        """Claim nothing more and wait for the calls on the wire. ``hurry`` cuts the wait short."""
        self.close()
        self._thread.join(timeout)

    def close(self) -> None:
        """Claim nothing more; what is on the wire goes on. Waits for nothing."""
        self._stopping = True
        self.ring()

    def hurry(self) -> None:
        """Give up waiting: what is on the wire becomes unknown when its lease ends."""
        self._hurrying = True
        self.close()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            keeping.tidy_scratch()
            with suppress(StorageError):
                keeping.see_the_mark()
            asyncio.run(self._main())
        finally:
            for threads in (self._threads, self._stores, self._heart):
                threads.shutdown(wait=False, cancel_futures=True)
            if self._died is not None and not self._stopping:
                self._died()

    async def _main(self) -> None:
        self._loop, self._bell = asyncio.get_running_loop(), asyncio.Event()
        async with Door() as door:
            self.door = door
            pulse = asyncio.create_task(self._beat())
            ears = asyncio.create_task(listening.listen(self._bell.set))
            while not self._stopping:
                await self._look()
                await asyncio.sleep(BREATH)
                await self._wait(LOOK_EVERY)
            ears.cancel()  # nothing said from now on is for us
            while self._tasks and not self._hurrying:
                await self._wait(0.5)
            left = [ears, pulse, *self._tasks]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _wait(self, seconds: float) -> None:
        assert self._bell is not None
        try:
            await asyncio.wait_for(self._bell.wait(), seconds)
        except TimeoutError:
            return
        self._bell.clear()

    async def _look(self) -> None:
        """Claim until nothing more is due or there is no room."""
        try:
            while not self._stopping:
                claims = await self.db(claiming.claim_submissions, self.owner, self._room("submission"))
                if claims:
                    await killing.moment_on_loop("after_claim")
                    submissions = self._read(reading.submissions, claims)
                for claim in claims:
                    self._take("submission", claim, calling.advance(self, claim, submissions))
                fetches = await self.db(
                    claiming.claim_results, self.owner, ResultState.PENDING.value, self._room("result")
                )
                if fetches:
                    results = self._read(reading.results, fetches)
                for claim in fetches:
                    self._take("result", claim, fetching.fetch(self, claim, results))
                if len(claims) < BATCH and len(fetches) < BATCH:
                    return
        except Error as error:
            log.warning("nothing could be claimed: %s", error)

    def _read(self, rows: Callable[[list[Claim]], T], claims: list[Claim]) -> asyncio.Task[T]:
        """Read together what was claimed together; each piece of work waits for it."""
        return asyncio.create_task(self.db(rows, claims))

    def _room(self, kind: str) -> int:
        return max(0, min(BATCH, self._most[kind] - len(self._held[kind])))

    def _take(self, kind: str, claim: Claim, work: Coroutine[Any, Any, None]) -> None:
        if claim.id in self._held[kind]:
            # It was due again before its task had quite ended, or its lease ended while the database was
            # away: the task that has it in hand goes on with it.
            work.close()
            self._missed[claim.id] = claim
            return
        self._held[kind].add(claim.id)
        task = self._spawn(work)

        def over(done: asyncio.Task[None]) -> None:
            self._held[kind].discard(claim.id)
            if missed := self._missed.pop(claim.id, None):
                self._spawn(self.db_surely(claiming.release, f"generations_{kind}", missed))
            if not done.cancelled() and (error := done.exception()) is not None:
                log.error("%s %s: %s", kind, claim.id, type(error).__name__, exc_info=error)
                # A flaw of ours keeps its row until the lease ends; a database that was away need not.
                if isinstance(error, Error) and not self._hurrying:
                    self._spawn(self.db_surely(claiming.release, f"generations_{kind}", claim))
            elif self._bell is not None:
                self._bell.set()

        task.add_done_callback(over)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _beat(self) -> None:
        """Extend the leases of everything that is going on."""
        while True:
            await asyncio.sleep(claiming.HEARTBEAT)
            for kind in ("submission", "result"):
                table, held = f"generations_{kind}", list(self._held[kind])
                try:
                    await self._in(self._heart, _with_connection, claiming.extend, self.owner, table, held)
                except Error as error:
                    log.warning("leases not extended: %s", error)
                except Exception:  # a flaw of ours; but no lease would ever be extended again
                    log.exception("leases not extended")

    async def db(self, work: Callable[..., T], *args: object) -> T:
        """Run database work in a thread beside the loop."""
        return await self._in(self._threads, _with_connection, work, *args)

    async def store(self, work: Callable[..., T], *args: object) -> T:
        """Run work on the store of pictures, which may take minutes, in a thread kept for that."""
        return await self._in(self._stores, work, *args)

    async def _in(self, threads: ThreadPoolExecutor, work: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(threads, work, *args)

    async def db_surely(self, work: Callable[..., T], *args: object) -> T:
        """The same for what must not be lost (an answer): wait for a database that is away."""
        for attempt in count():
            try:
                return await self.db(work, *args)
            except (OperationalError, InterfaceError, InternalError) as error:
                if not persistence.passing(error):
                    raise
                log.warning("waiting for the database with an answer in hand: %s", type(error).__name__)
                await asyncio.sleep(min(5.0, 0.2 * 2 ** min(attempt, 5)))
        raise AssertionError("unreachable")


def _with_connection(work: Callable[..., T], *args: object) -> T:
    """The connection goes back to the pool, which checks it before it is used again."""
    broken: Error | None = None
    try:
        return work(*args)
    except Error as error:
        broken = error
        raise
    finally:
        persistence.forget_connection(broken)
