"""`manage.py up`: everything Seedbank needs on one machine, until Ctrl-C."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from config.deployment import WrongStore, claim_store
from config.embedded import EmbeddedError, locks, postgres
from config.embedded.health import answers
from config.embedded.processes import side_by_side
from config.embedded.supervisor import Supervisor
from providers.registry import ADAPTERS

_SANDBOX_PORTS = 1 + len(ADAPTERS)
"""Its control page's, and each gateway's."""
_LET_GO = 2.0
"""Seconds that the last program of a killed predecessor may still have its ports."""


class Command(BaseCommand):
    help = "Runs web, workers, beat and, where it is on, the sandbox; restarts what dies; Ctrl-C ends all."
    requires_system_checks = ()

    def handle(self, **_: object) -> None:
        with _the_only_one(settings.DATA_DIR) as inherited:
            _refuse_taken_ports()
            self._say("Preparing the database …")
            call_command("prepare")
            _claim_store()
            call_command("collectstatic", interactive=False, verbosity=0)
            _empty_the_letter_box(settings.DATA_DIR / "broker")
            connections.close_all()
            settings.RUNS_AT.write_text(settings.PUBLIC_URL)
            try:
                _Seedbank(inherited).run()
            finally:
                settings.RUNS_AT.unlink(missing_ok=True)
            self._say("Stopped.")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


class _Seedbank:
    """The programs side by side, their database, and the announcement once pages are served."""

    def __init__(self, inherited: int) -> None:
        programs = side_by_side(settings.DATA_DIR, settings.PORT, sandbox=settings.SANDBOX)
        self.supervisor = Supervisor(
            programs, out=sys.stdout, inherited=inherited, every_second=self.every_second
        )
        self.announced = False

    def run(self) -> None:
        self.supervisor.run()

    def every_second(self) -> None:
        if settings.EMBEDDED:
            try:
                if postgres.revive(settings.DATA_DIR):
                    self.supervisor.say("up", "PostgreSQL had ended and was started again")
            except EmbeddedError as error:
                self.supervisor.say("up", str(error))
        if not self.announced and answers(settings.PORT, "ready", settings.PUBLIC_URL):
            self.announced = True
            for line in _announcement():
                self.supervisor.say("up", line)


def _claim_store() -> None:
    try:
        claim_store()
    except WrongStore as error:
        raise CommandError(str(error)) from None


@contextmanager
def _the_only_one(data_dir: Path) -> Iterator[int]:
    """Refuse a second `up` on a data folder. Gives a locked descriptor to hand to whatever may outlive us."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        ours = locks.take(data_dir / "up.lock", wait=False)
        if ours is None:
            raise CommandError(
                f"Seedbank already runs on DATA_DIR {data_dir}: stop it first, or set DATA_DIR and PORT "
                "for a second one."
            )
        stack.callback(os.close, ours)
        # Free once the programs of a predecessor that was killed have ended, which takes seconds.
        theirs = locks.take(data_dir / "programs.lock")
        assert theirs is not None
        stack.callback(os.close, theirs)
        yield theirs


def _empty_the_letter_box(folder: Path) -> None:
    """Make the folders of the embedded broker. What lay there woke nobody, and the rows know all work."""
    if settings.BROKER_URL:
        return
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("data_folder_in", "data_folder_out", "control_folder"):
        path = Path(str(settings.CELERY_BROKER_TRANSPORT_OPTIONS[name]))
        path.mkdir(mode=0o700, parents=True, exist_ok=True)


def _refuse_taken_ports() -> None:
    wanted = {settings.PORT: "PORT"}
    if settings.SANDBOX:
        wanted |= {settings.SANDBOX_PORT + offset: "SANDBOX_PORT" for offset in range(_SANDBOX_PORTS)}
    for port, name in wanted.items():
        reason = _why_not_even_soon(port)
        if reason and name == "PORT":
            raise CommandError(
                f"PORT {port} {reason}: set PORT to another one, like PORT={port + 1} make run."
            )
        if reason:
            raise CommandError(
                f"Port {port}, which a sandbox gateway needs, {reason}: set SANDBOX_PORT to the first of "
                f"{_SANDBOX_PORTS} free ones."
            )


def _why_not_even_soon(port: int) -> str:
    """The same, after a second look: a program that is killed lets go of its lock before its ports."""
    end = time.monotonic() + _LET_GO
    while (reason := _why_not(port)) and time.monotonic() < end:
        time.sleep(0.05)
    return reason


def _why_not(port: int) -> str:
    """Why we cannot listen on a port of 127.0.0.1; empty if we can."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            return "needs more rights than you have"
        except OSError:
            return "is taken by another program"
    with closing(socket.socket()) as caller:  # macOS lets us bind beside a listener on all addresses
        caller.settimeout(1)
        return "is taken by another program" if caller.connect_ex(("127.0.0.1", port)) == 0 else ""


def _announcement() -> list[str]:
    lines = ["", f"Seedbank is ready: http://localhost:{settings.PORT}"]
    if urlsplit(settings.PUBLIC_URL).hostname != "localhost":
        lines.append(f"The world knows it as {settings.PUBLIC_URL}")
    sign_in = settings.DATA_DIR / "secrets" / "sign_in"
    if sign_in.exists():
        email, _, password = sign_in.read_text().strip().partition(" ")
        lines.append(f"Sign in as {email} with the password {password}")
    return [*lines, "Ctrl-C stops everything.", ""]
