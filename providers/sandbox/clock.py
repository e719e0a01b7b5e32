"""One clock for everything that expires, progresses or is limited, and it can be moved forward."""

import asyncio
import time
from datetime import UTC, datetime


class Clock:
    def __init__(self) -> None:
        self._ahead = 0.0
        self._moved = asyncio.Event()

    def now(self) -> float:
        """Seconds since 1970, plus what was skipped."""
        return time.time() + self._ahead

    def stamp(self) -> str:
        """RFC 3339 in UTC, whole seconds, with a Z."""
        return datetime.fromtimestamp(self.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def advance(self, seconds: float) -> None:
        """Skip seconds, and wake whoever sleeps on this clock."""
        self._ahead += seconds
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def sleep(self, seconds: float) -> None:
        """Sleep by this clock: returns early in real time when the clock is advanced."""
        until = self.now() + seconds
        while (left := until - self.now()) > 0:
            try:
                async with asyncio.timeout(left):
                    await self._moved.wait()
            except TimeoutError:
                continue
