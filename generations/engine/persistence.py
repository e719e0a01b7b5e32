"""Transactions that are tried again where the database asks for it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, close_old_connections, transaction

T = TypeVar("T")

_AGAIN = {"40001", "40P01", "55P03"}
TRIES = 4


def in_transaction(work: Callable[[], T]) -> T:
    """Run in a transaction of its own; a deadlock, lock time-out or serialization failure is tried again."""
    for attempt in range(TRIES):
        try:
            with transaction.atomic(durable=False):
                return work()
        except OperationalError as error:
            if sqlstate(error) not in _AGAIN or attempt == TRIES - 1:
                raise
            time.sleep(random.uniform(0.01, 0.05 * 2**attempt))
    raise AssertionError("unreachable")


def sqlstate(error: Exception) -> str:
    return str(getattr(error.__cause__, "sqlstate", "") or "")


def gone(error: Exception) -> bool:
    """Whether the database itself is away for a moment: restarting, or the connection was cut."""
    return isinstance(error, InterfaceError) or (
        isinstance(error, OperationalError) and sqlstate(error)[:2] in {"", "08", "57", "53"}
    )


def forget_connection() -> None:
    """Give a broken connection back, so that the next statement opens a fresh one."""
    close_old_connections()
