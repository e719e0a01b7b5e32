"""The helper process behind ``run_bounded``: reads orders and forks a child for each."""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import resource
import signal
import sys
from typing import NoReturn

from PIL import AvifImagePlugin, Image, WebPImagePlugin

from generations.imaging import pictures
from generations.imaging.bounded import read_frame, write_frame
from generations.imaging.flaws import Crashed

_OUT_OF_MEMORY = 77
_DEATHS: dict[int, str] = {signal.SIGALRM: "out of time", signal.SIGKILL: "killed"}
# Imported here so that no child has to: the work, and the plugins Pillow would load when first used.
_NEEDED = (pictures, AvifImagePlugin, WebPImagePlugin)


def serve() -> None:
    """Develop until the owner closes its end."""
    orders, replies = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not get among the replies
    # One thread decodes: each more would reserve address space, which is what is limited.
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    Image.preinit()
    gc.freeze()
    while (order := read_frame(orders)) is not None:
        write_frame(replies, _developed(order))


def _developed(order: bytes) -> bytes:
    """The pickled outcome of an order, or a pickled Crashed."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        _child(order, theirs)
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        outcome = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return pickle.dumps(Crashed(_DEATHS.get(number, f"signal {number}")))
    if os.WEXITSTATUS(status) == 0 and outcome:
        return outcome
    memory = os.WEXITSTATUS(status) == _OUT_OF_MEMORY
    return pickle.dumps(Crashed("out of memory" if memory else f"exit status {os.WEXITSTATUS(status)}"))


def _child(order: bytes, pipe: int) -> NoReturn:
    """Do the work within its limits, write the outcome, and end without any clean-up of the parent's."""
    status = 1
    try:
        function, args, memory, seconds, folder = pickle.loads(order)  # noqa: S301 - written by our own process
        os.chdir(folder)
        _limit(memory, seconds)
        try:
            outcome = function(*args)
        except MemoryError:
            raise
        except Exception as error:  # the outermost line of this process: the owner raises it again
            outcome = error
        with os.fdopen(pipe, "wb") as file:
            file.write(pickle.dumps(outcome))
        status = 0
    except MemoryError:
        status = _OUT_OF_MEMORY
    finally:
        os._exit(status)


def _limit(memory: int, seconds: float) -> None:
    """The kernel ends this process at either limit, whatever code it is in at that moment."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    # macOS has no limit on address space: there the time limit alone holds.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
