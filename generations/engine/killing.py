"""Named moments at which a test may have this process killed, to prove that nothing depends on its life.

``SEEDBANK_KILL_AT`` names the moment. With ``SEEDBANK_KILL_CROWD`` so many have to get there: the
earlier ones wait at it for the last, so that one kill cuts each of them off exactly there. With
``SEEDBANK_KILL_ONCE``, a file, only the first to get so far is killed. ``SEEDBANK_KILL_BY`` names another
signal: a process stopped with SIGSTOP resumes from there. ``SEEDBANK_LEASE`` shortens leases,
``SEEDBANK_LOOK`` the time between two looks for work. All of it is for tests (``SEEDBANK_TESTING``);
elsewhere every moment passes unnoticed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from itertools import count
from pathlib import Path

_TESTING = bool(os.environ.get("SEEDBANK_TESTING"))
_MOMENT = os.environ.get("SEEDBANK_KILL_AT", "") if _TESTING else ""
_CROWD = int(os.environ.get("SEEDBANK_KILL_CROWD") or 1)
_ONCE = os.environ.get("SEEDBANK_KILL_ONCE", "")
_BLOW = signal.Signals[os.environ.get("SEEDBANK_KILL_BY") or "SIGKILL"]
_arrivals = count(1)


def moment(name: str) -> None:
    """Stop here with the chosen signal, if a test asked for this moment."""
    if name == _MOMENT and _waits_for_the_last():
        threading.Event().wait()


async def moment_on_loop(name: str) -> None:
    """The same in a coroutine: while one waits here, the others go on."""
    if name == _MOMENT and _waits_for_the_last():
        await asyncio.Event().wait()


def lease(seconds: int) -> int:
    """How long a claim is good for; a test need not wait as long for a dead worker's."""
    return int(os.environ.get("SEEDBANK_LEASE") or seconds) if _TESTING else seconds


def look(seconds: float) -> float:
    """How long a worker that nobody wakes waits until it looks for due rows again."""
    return float(os.environ.get("SEEDBANK_LOOK") or seconds) if _TESTING else seconds


def _waits_for_the_last() -> bool:
    if _ONCE and Path(_ONCE).exists():
        return False
    if next(_arrivals) < _CROWD:
        return True
    if _ONCE:
        Path(_ONCE).touch()
    os.kill(os.getpid(), _BLOW)
    return _BLOW == signal.SIGKILL
