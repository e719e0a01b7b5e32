"""Runs programs side by side: restarts one that dies, shows what they say, ends them in order.

Every program has a session and process group of its own, so only we hear Ctrl-C; and whenever the first
process of a group is gone the rest of the group is killed, because a web server that loses its main process
may leave its workers serving.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TextIO

from config.embedded import warden

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0  # seconds before a restart, doubling
SETTLED_SECONDS = 30.0  # a program that lived so long begins again with the first pause
HURRY_SECONDS = 6.0  # what a second Ctrl-C leaves each program; the net loop takes five to give up
COLOURS = (36, 32, 33, 35, 34, 31)
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Tells the warden about the new group before the program begins, so that none can escape it.
REGISTER = 'echo "+$$" >&0; exec "$0" "$@" </dev/null'


@dataclass(frozen=True)
class Program:
    """What to run, and how many seconds it may take to end by itself."""

    name: str
    command: tuple[str, ...]
    patience: float


@dataclass
class _Child:
    program: Program
    process: subprocess.Popen[bytes] | None = None  # None: it does not run
    started: float = 0.0
    due: float = 0.0
    pause: float = FIRST_PAUSE
    unfinished: bytes = b""

    @property
    def pipe(self) -> IO[bytes]:
        assert self.process is not None
        assert self.process.stdout is not None
        return self.process.stdout

    def start(self, register: int) -> None:
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", REGISTER, *self.program.command],
            bufsize=0,
            stdin=register,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )
        os.set_blocking(self.pipe.fileno(), False)
        self.started = time.monotonic()

    def read(self) -> tuple[list[str], bool]:
        """The whole lines it has said since the last time, and whether more may come."""
        while piece := self.pipe.read(65536):
            self.unfinished += piece
        *lines, self.unfinished = self.unfinished.split(b"\n")
        if piece is not None and self.unfinished:  # the end
            lines.append(self.unfinished)
            self.unfinished = b""
        return [line.decode(errors="replace") for line in lines], piece is None

    def bury(self) -> None:
        """Kill what is left of its group, and plan the next start."""
        assert self.process is not None
        now = time.monotonic()
        while warden.send(self.process.pid, signal.SIGKILL) and time.monotonic() < now + 2:
            self.process.poll()
            time.sleep(0.01)
        self.process.wait()
        if now - self.started > SETTLED_SECONDS:
            self.pause = FIRST_PAUSE
        self.due, self.pause = now + self.pause, min(self.pause * 2, LONGEST_PAUSE)


class Supervisor:
    """Runs `programs` until SIGINT, SIGTERM or SIGHUP, then ends them in the order given.

    `every_second` is called about once a second. `inherited` is a descriptor that stays open for as long as
    any of our programs may live, even if we are killed: a lock on it tells when everything has ended.
    """

    def __init__(
        self, programs: Sequence[Program], *, out: TextIO, inherited: int, every_second: Callable[[], None]
    ) -> None:
        self._children = [_Child(program) for program in programs]
        self._out: TextIO | None = out
        self._inherited = inherited
        self._every_second = every_second
        self._selector = selectors.DefaultSelector()
        self._requests = 0  # how often we were asked to stop
        self._last_request = 0.0
        self._colour = out.isatty() and "NO_COLOR" not in os.environ
        self._margin = max(len(program.name) for program in programs)
        self._warden: subprocess.Popen[bytes] | None = None
        self._next_second = 0.0

    def run(self) -> None:
        """Run everything and return when everything has ended.

        From then on the signals are ignored: what is left to do must not be cut short either, and one
        more Ctrl-C while Python itself ends is no failure.
        """
        for number in _ENDING:
            signal.signal(number, self._asked_to_stop)
        while not self._requests:
            self._watch_over(restart=True)
            if time.monotonic() >= self._next_second:
                self._next_second = time.monotonic() + 1
                self._every_second()
        self.say("up", "Stopping; calls on the wire are paid for and waited for. Ctrl-C again hurries.")
        for child in self._children:
            self._end(child)
        if self._warden is not None and self._warden.stdin is not None:
            self._warden.stdin.close()
            self._warden.wait()
        for number in _ENDING:
            signal.signal(number, signal.SIG_IGN)

    def say(self, name: str, line: str) -> None:
        """Print one line under a name. A closed terminal is no reason to stop."""
        if self._out is None:
            return
        names = [child.program.name for child in self._children]
        prefix = f"{name:<{self._margin}} │ "
        if self._colour:
            colour = COLOURS[names.index(name) % len(COLOURS)] if name in names else 1
            prefix = f"\x1b[{colour}m{prefix}\x1b[0m"
        try:
            print(prefix + line, file=self._out, flush=True)
        except OSError:
            self._out = None

    def _asked_to_stop(self, _number: int, _frame: object) -> None:
        """Count a request; two within a second are one: make passes on what a terminal sends to all."""
        now = time.monotonic()
        if not self._requests or now - self._last_request > 1:
            self._requests += 1
            self._last_request = now

    def _watch_over(self, *, restart: bool) -> None:
        """One turn: print what was said, bury the dead, start what is due. Takes a tenth of a second."""
        register = self._register()
        for key, _ in self._selector.select(timeout=0.1):
            self._show(key.data)
        for child in self._children:
            if child.process is not None and child.process.poll() is not None:
                self._bury(child)
            if restart and child.process is None and time.monotonic() >= child.due:
                child.start(register)
                self._selector.register(child.pipe, selectors.EVENT_READ, child)

    def _register(self) -> int:
        """The pipe to the warden, which is started first, or again if somebody killed it."""
        if self._warden is None or self._warden.poll() is not None:
            # It is told of all there is as it begins: we may be killed before we say another word.
            there = [str(child.process.pid) for child in self._children if child.process is not None]
            self._warden = subprocess.Popen(
                [sys.executable, "-I", "-S", str(Path(warden.__file__)), *there],
                stdin=subprocess.PIPE,
                start_new_session=True,
                pass_fds=(self._inherited,),
            )
        assert self._warden.stdin is not None
        return self._warden.stdin.fileno()

    def _tell_warden(self, word: str) -> None:
        if self._warden is not None and self._warden.stdin is not None:
            with suppress(BrokenPipeError):
                os.write(self._warden.stdin.fileno(), f"{word}\n".encode())

    def _show(self, child: _Child) -> None:
        lines, more = child.read()
        for line in lines:
            self.say(child.program.name, line)
        if not more:
            with suppress(KeyError):
                self._selector.unregister(child.pipe)

    def _bury(self, child: _Child) -> None:
        assert child.process is not None
        child.bury()
        self._show(child)
        with suppress(KeyError):
            self._selector.unregister(child.pipe)
        child.pipe.close()
        self._tell_warden(f"-{child.process.pid}")
        code, child.process = child.process.returncode, None
        if not self._requests:
            reason = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
            self.say(child.program.name, f"ended ({reason}) and is started again")

    def _end(self, child: _Child) -> None:
        """Ask a program to end, wait as long as it may take, watching over the others; then kill it."""
        seen = self._requests
        deadline = time.monotonic() + (child.program.patience if seen == 1 else HURRY_SECONDS)
        if child.process is not None:
            child.process.terminate()
        while child.process is not None:
            self._watch_over(restart=False)
            if self._requests > seen and child.process is not None:
                seen = self._requests
                child.process.terminate()
                deadline = min(deadline, time.monotonic() + HURRY_SECONDS)
            if time.monotonic() > deadline and child.process is not None:
                self.say(child.program.name, "did not end in time and was killed")
                self._bury(child)
