"""Transactions that are tried again where the database asks for it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import (
    InterfaceError,
    InternalError,
    OperationalError,
    close_old_connections,
    connection,
    transaction,
)

T = TypeVar("T")

_AGAIN = {"40001", "40P01", "55P03"}
_IDLE_TOO_LONG = "25P03"
"""Idle in a transaction, as a worker is that was stopped in the middle of one."""
_READS_ONLY = "25006"
"""What a server says that is only another's replica by now: whoever writes must connect anew."""
TOOK_TOO_LONG = "57014"
"""One statement was cut short, and the connection lives."""
TRIES = 4
READ_AGAIN_FOR = 20.0
"""Seconds to wait for a database that went away just when it was told to commit."""


def in_transaction(work: Callable[[], T], *, landed: Callable[[], T | None] | None = None) -> T:
    """Run in a transaction of its own; what surely took no effect is tried again.

    That is so after a deadlock, a lock time-out and a connection cut on the way. One that is cut at
    COMMIT leaves that open. With ``landed`` it is then looked up, in a transaction of its own: what the
    work gave if it took effect, None if it did not. ``landed`` must first lock a row that the work had
    locked, for the cut transaction may still be on its way to its end.
    """
    for attempt in range(TRIES):
        finished = False
        try:
            with transaction.atomic(durable=False):
                given = work()
                finished = True
            return given
        except (OperationalError, InterfaceError, InternalError) as error:
            if gone(error) and finished:
                if landed is None:
                    raise
                if (found := read_again(landed)) is not None:
                    return found
            elif gone(error) and sqlstate(error) != TOOK_TOO_LONG:
                forget_connection(error)  # and with it whatever was done
            elif sqlstate(error) not in _AGAIN:
                raise
            if attempt == TRIES - 1:
                raise
            step_aside(attempt)
    raise AssertionError("unreachable")


def step_aside(attempt: int) -> None:
    """Let whoever was in the way go first: wait a moment that grows with each attempt, at random."""
    time.sleep(random.uniform(0.01, 0.05 * 2**attempt))


def read_again(landed: Callable[[], T | None]) -> T | None:
    """Ask as soon as the database can be asked. Raises what it raises if it stays away."""
    end = time.monotonic() + READ_AGAIN_FOR
    while True:
        forget_connection()
        try:
            with transaction.atomic(durable=False):
                return landed()
        except (OperationalError, InterfaceError, InternalError) as error:
            if not passing(error) or time.monotonic() > end:
                raise
            forget_connection(error)
            time.sleep(0.2)


def sqlstate(error: Exception) -> str:
    return str(getattr(error.__cause__, "sqlstate", "") or "")


def gone(error: Exception) -> bool:
    """Whether the database itself is away for a moment: restarting, or the connection was cut."""
    if isinstance(error, InternalError):
        return sqlstate(error) in {_IDLE_TOO_LONG, _READS_ONLY}
    return isinstance(error, InterfaceError) or (
        isinstance(error, OperationalError) and sqlstate(error)[:2] in {"", "08", "57", "53"}
    )


def passing(error: Exception) -> bool:
    """Whether the same may go well later: the database is away, or somebody holds what is wanted."""
    return gone(error) or (isinstance(error, OperationalError) and sqlstate(error) in _AGAIN)


def forget_connection(error: Exception | None = None) -> None:
    """Give a broken connection back, so that the next statement opens a fresh one.

    One that only reads looks sound, and the pool would hand it out again for ever: it is closed.
    """
    if error is not None and sqlstate(error) == _READS_ONLY and connection.connection is not None:
        connection.connection.close()
    close_old_connections()
