"""Work on hostile bytes in a process of its own, with a limit on its memory and its time.

A *darkroom* is a bare Python process that has imported Pillow and nothing of Django. For
each piece of work it forks a child, which costs a few milliseconds and starts clean. The
standard library's fork server is not used: it imports the caller's main module (Celery, a web
server) again in every child, and does not survive its owner being forked.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, TypeVar

from generations.imaging.flaws import Crashed

GIB = 1024**3
_ROOT = Path(__file__).resolve().parents[2]
_SERVE = "from generations.imaging.darkroom import serve; serve()"
# What a child needs of the environment: no secret among it.
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")

AT_ONCE = max(2, os.cpu_count() or 1)
"""How much a process has done at one time: more than it has cores would take memory and save no time."""

Result = TypeVar("Result")

_idle: list[_Darkroom] = []
_lock = threading.Lock()
_places = threading.BoundedSemaphore(AT_ONCE)


def run_bounded(
    function: Callable[..., Result],
    *args: object,
    memory: int = GIB * 3 // 2,
    seconds: float = 30.0,
) -> Result:
    """``function(*args)`` in a child with at most ``memory`` bytes of address space and ``seconds``.

    The function must be importable by name; paths must be absolute or relative to the
    current folder. Its exceptions are raised here. Raises Crashed, if the child was killed,
    ran out of memory, or took too long. May be called from any thread: more than ``AT_ONCE``
    wait for each other, which does not count towards ``seconds``.
    """
    order = pickle.dumps((function, args, memory, seconds, str(Path.cwd())))
    with _places:
        reply = _developed(order)
    outcome: Any = pickle.loads(reply)  # noqa: S301 - written by our own process
    if isinstance(outcome, BaseException):
        raise outcome
    result: Result = outcome
    return result


def _developed(order: bytes) -> bytes:
    """What an idle helper, or a new one, replies. Given back within its place, so no more are ever kept."""
    with _lock:
        darkroom = _idle.pop() if _idle else None
    darkroom = darkroom or _Darkroom()
    try:
        reply = darkroom.develop(order)
    except BaseException:
        darkroom.close()
        raise
    with _lock:
        _idle.append(darkroom)
    return reply


def write_frame(pipe: IO[bytes], body: bytes) -> None:
    """One message on a pipe: its length in 8 bytes, then itself."""
    pipe.write(len(body).to_bytes(8, "big") + body)
    pipe.flush()


def read_frame(pipe: IO[bytes]) -> bytes | None:
    """The next message, or None at the end."""
    length = pipe.read(8)
    body = pipe.read(int.from_bytes(length, "big"))
    return body if len(length) == 8 and len(body) == int.from_bytes(length, "big") else None


class _Darkroom:
    """A helper process, used by one thread at a time. It ends when its input does."""

    def __init__(self) -> None:
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        # Few allocator arenas and no bytecode beside the source: each arena reserves address space.
        environment = {**kept, "PYTHONPATH": str(_ROOT), "MALLOC_ARENA_MAX": "2"}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _SERVE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,  # Ctrl-C is for its owner, who closes it
        )

    def develop(self, order: bytes) -> bytes:
        assert self._process.stdin
        assert self._process.stdout
        try:
            write_frame(self._process.stdin, order)
            reply = read_frame(self._process.stdout)
        except BrokenPipeError:
            reply = None
        if reply is None:
            raise Crashed("the helper process died")
        return reply

    def close(self) -> None:
        """End it and whatever it runs."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._hang_up()
        self._process.wait()

    def disown(self) -> None:
        """Forget it in a forked copy of its owner."""
        self._hang_up()
        self._process.returncode = 0

    def _hang_up(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            # What is left of an order cannot be delivered any more.
            with contextlib.suppress(BrokenPipeError):
                if pipe:
                    pipe.close()


def _close_all() -> None:
    with _lock:
        while _idle:
            _idle.pop().close()


def _disown_all() -> None:
    global _lock, _places
    _lock, _places = threading.Lock(), threading.BoundedSemaphore(AT_ONCE)
    while _idle:
        _idle.pop().disown()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_disown_all)
