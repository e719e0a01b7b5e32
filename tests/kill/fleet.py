"""Seedbank's own processes, as ``up`` starts them: started, killed, paused and ended by a test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, urlencode

from django.db import connection

from config.embedded import processes
from generations.engine.listening import connection_parameters
from tests.conftest import eventually

ROOT = Path(__file__).parents[2]
LEASE = 2
"""Seconds: what a dead worker had in hand is free again so soon."""
PATIENT = 8
"""The same where nobody dies: on a slow machine the living must not be taken for dead."""


class Process:
    """One of our processes, in a session of its own."""

    def __init__(self, command: tuple[str, ...], environment: Mapping[str, str]) -> None:
        self._popen = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def code(self) -> int | None:
        """Its exit code; negative for the signal that killed it, None while it lives."""
        return self._popen.poll()

    def send(self, number: signal.Signals) -> None:
        """A signal to its main process, which may be gone already."""
        self._popen.send_signal(number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send(signal.SIGTERM)

    def ends(self, *, within: float = 30.0) -> int:
        """Wait for its end, and give the exit code."""
        return self._popen.wait(within)

    def is_killed(self) -> None:
        """Wait until SIGKILL ended it: by itself at its moment, or by us."""
        assert self.ends() == -signal.SIGKILL

    def clear(self) -> None:
        """Whatever is left of it and of its children ends now."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait()


class Fleet:
    """Starts processes that share one database, one store and one broker."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "DATABASE_URL": database_url(),
            "DATA_DIR": str(folder / "var"),
            "SCRATCH_DIR": str(folder / "scratch"),
            "STORAGE_URL": os.environ.get("STORAGE_URL") or f"file://{folder / 'pictures'}",
            "SANDBOX": "0",  # its accounts are in the database already
            "SEEDBANK_TESTING": "1",
            "CELERY_SKIP_CHECKS": "1",  # of the settings, as `up` has each worker do: a third of its start
            "SEEDBANK_LEASE": str(LEASE),
            **environment,
        }
        self.processes: list[Process] = []

    def net(self, *, at: str = "", crowd: int = 1, **environment: str) -> Process:
        """A net worker; it is killed ``at`` a moment as soon as ``crowd`` have got there."""
        return self._start(processes.net(), _killed(at, crowd) | environment)

    def media(self, *, at: str = "", crowd: int = 1, **environment: str) -> Process:
        return self._start(processes.media(), _killed(at, crowd) | environment)

    def beat(self) -> Process:
        folder = self.folder / f"beat-{len(self.processes)}"
        folder.mkdir()
        return self._start(processes.beat(folder), {})

    def web(self, port: int, *, at: str = "") -> Process:
        """The web server; only the first of its processes to get ``at`` the moment is killed."""
        once = {"SEEDBANK_KILL_ONCE": str(self.folder / "killed")}
        return self._start(processes.web("127.0.0.1", port, 1), _killed(at, 1) | once)

    def command(self, *words: str, at: str = "", **environment: str) -> Process:
        """One of manage.py's commands."""
        return self._start((sys.executable, "manage.py", *words), _killed(at, 1) | environment)

    def clear(self) -> None:
        for process in self.processes:
            process.clear()

    def _start(self, command: tuple[str, ...], environment: Mapping[str, str]) -> Process:
        process = Process(command, {**self.environment, **environment})
        self.processes.append(process)
        return process


def _killed(at: str, crowd: int) -> dict[str, str]:
    return {"SEEDBANK_KILL_AT": at, "SEEDBANK_KILL_CROWD": str(crowd)} if at else {}


def database_url() -> str:
    """The database of the test, as a process of its own finds it; it may be behind a socket."""
    known = connection_parameters()
    who = quote(str(known.get("user", "")), safe="")
    if known.get("password"):
        who += ":" + quote(str(known["password"]), safe="")
    port = f":{known['port']}" if known.get("port") else ""
    more = {name: str(known[name]) for name in ("host", "sslmode") if known.get(name)}
    return f"postgres://{who}@{port}/{quote(str(known['dbname']), safe='')}?{urlencode(more)}"


def listening(count: int) -> None:
    """Wait until just so many workers listen for work: they begin as they start, and end as they stop."""

    def heard() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND application_name = 'seedbank-listen'"
            )
            row = cursor.fetchone()
        return bool(row and row[0] == count)

    eventually(heard, what=f"{count} workers at work")


def cut_transactions() -> int:
    """End what is open and does nothing, as the server does by itself after thirty seconds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND state = 'idle in transaction'"
        )
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def cut_connections() -> int:
    """Terminate every connection of our processes to the database, but not the test's own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        row = cursor.fetchone()
    return int(row[0]) if row else 0
