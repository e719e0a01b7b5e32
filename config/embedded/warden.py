"""Ends the programs of an `up` that was killed outright, and could not end them itself.

Run as a script with the process groups there are, and its standard input a pipe from `up`. Each line is a
process group: `+123` when it begins, `-123` when it is gone. The end of the pipe means that `up` is no more.
Only the standard library.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable

GRACE_SECONDS = 5.0


def watch(begun: Iterable[str], lines: Iterable[str]) -> set[int]:
    """The process groups that were still there when the lines ended."""
    groups = {int(group) for group in begun}
    for line in lines:
        group = int(line[1:])
        if line.startswith("+"):
            groups.add(group)
        else:
            groups.discard(group)
    return groups


def end(groups: set[int]) -> None:
    """Ask every group to end, then kill what has not ended."""
    groups = {group for group in groups if send(group, signal.SIGTERM)}
    deadline = time.monotonic() + GRACE_SECONDS
    while groups and time.monotonic() < deadline:
        time.sleep(0.05)
        groups = {group for group in groups if send(group, 0)}
    for group in groups:
        send(group, signal.SIGKILL)


def send(group: int, number: int) -> bool:
    """Signal a process group; False if nobody is left in it (macOS says EPERM where only zombies are)."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    end(watch(sys.argv[1:], sys.stdin))
