"""Advisory locks on files: held by an open descriptor, so they end with the last process that has it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def take(path: Path, *, shared: bool = False, wait: bool = True) -> int | None:
    """Lock a file and return its descriptor (close it to let go), or None if it is taken and `wait` is off.

    Opened for reading only: a lock made by root must not shut out the folder's owner.
    """
    handle = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    if lock(handle, shared=shared, wait=wait):
        return handle
    os.close(handle)
    return None


def lock(handle: int, *, shared: bool = False, wait: bool = True) -> bool:
    """Lock, or change the lock of, a file that is already open. False if it is taken and `wait` is off."""
    kind = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
    try:
        fcntl.flock(handle, kind)
    except BlockingIOError:
        return False
    return True


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Wait for a file's exclusive lock and hold it."""
    handle = take(path)
    assert handle is not None
    try:
        yield
    finally:
        os.close(handle)
