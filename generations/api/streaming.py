"""Server-sent events, for as long as somebody listens."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from uuid import UUID

from django.http import StreamingHttpResponse

from generations import waiting
from generations.waiting import Watch


def streamed(
    events: Callable[[Watch], Generator[str]], generation_id: UUID | None = None, *, wide: bool = False
) -> StreamingHttpResponse:
    """The events as an answer, from a waiter's seat. Raises TooManyWaiting."""
    with ExitStack() as seat:
        watch = seat.enter_context(waiting.watching(generation_id, wide=wide))
        stream = _Stream(events(watch), seat.pop_all())
    return StreamingHttpResponse(
        stream,
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


class _Stream:
    """The events; closing it gives the seat back, begun or not."""

    def __init__(self, events: Generator[str], seat: ExitStack) -> None:
        self._events = events
        self._seat = seat

    def __iter__(self) -> Iterator[str]:
        return self._events

    def close(self) -> None:
        self._events.close()
        self._seat.close()
