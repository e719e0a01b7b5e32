"""Many threads at once, each with a database connection of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Barrier
from typing import Generic, TypeVar

from django.db import connection

T = TypeVar("T")


@dataclass
class Answers(Generic[T]):
    """What the threads brought back, and what they were refused with."""

    made: list[T] = field(default_factory=list)
    refused: list[BaseException] = field(default_factory=list)


def crowd(size: int, work: Callable[[int], T], *, refusals: tuple[type[Exception], ...] = ()) -> Answers[T]:
    """Run ``work`` in every thread at the same moment. Anything raised but ``refusals`` is raised here."""
    start = Barrier(size)

    def one(number: int) -> T:
        try:
            connection.ensure_connection()
            start.wait(60)
            return work(number)
        finally:
            connection.close()

    with _room_for(size), ThreadPoolExecutor(size) as threads:
        futures = [threads.submit(one, number) for number in range(size)]
    return _sorted_out(futures, refusals)


def _sorted_out(futures: list[Future[T]], refusals: tuple[type[Exception], ...]) -> Answers[T]:
    answers: Answers[T] = Answers()
    for future in futures:
        error = future.exception()
        if error is None:
            answers.made.append(future.result())
        elif isinstance(error, refusals):
            answers.refused.append(error)
        else:
            raise error
    return answers


@contextmanager
def _room_for(size: int) -> Iterator[None]:
    """And time for so many to connect at once, on however slow a machine."""
    pool = connection.settings_dict["OPTIONS"]["pool"]
    before = {**pool}
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]
    pool.update(max_size=size + 4, timeout=60)
    try:
        yield
    finally:
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]
        pool.update(before)
