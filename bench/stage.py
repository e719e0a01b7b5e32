"""What every benchmark stands on: a database of its own, the sandbox and workers as processes."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]


def prepare() -> ExitStack:
    """Point Seedbank at a fresh embedded database and set Django up. Call before importing models."""
    folder = Path(tempfile.mkdtemp(prefix="seedbank-bench-"))
    stack = ExitStack()
    stack.callback(_clean, folder)
    if not os.environ.get("BENCH_KEEP_DATABASE"):
        os.environ.pop("DATABASE_URL", None)
    os.environ |= {
        "DATA_DIR": str(folder / "var"),
        "SECRET_KEY": "bench",
        "FIELD_KEYS": "k1:" + "be" * 32,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "LOG_LEVEL": "WARNING",
        "SANDBOX": "1",
        "SANDBOX_PORT": str(free_ports()),
    }
    (folder / "var" / "static").mkdir(parents=True)
    for slug in ("AIGATEWAY", "BYTESPIKE", "THREEDAI", "RUNWARE", "PROSPOLABS"):
        os.environ |= {f"{slug}_RPM": "1000000", f"{slug}_MAX_IN_FLIGHT": "5000"}
    from config.embedded import postgres

    if "DATABASE_URL" not in os.environ:
        stack.enter_context(postgres.hold(folder / "var"))
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("seed", verbosity=0)
    return stack


@dataclass
class Used:
    """What a process took: CPU seconds and its peak of memory in MB."""

    cpu: float
    peak: float


class Process:
    """One of Seedbank's processes, with what it used."""

    def __init__(self, *command: str, executable: str = sys.executable) -> None:
        self._process = subprocess.Popen(
            [executable, *command], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=sys.stderr
        )

    def used(self) -> Used:
        stat = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks = int(stat[11]) + int(stat[12]) + int(stat[13]) + int(stat[14])
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
        return Used(ticks / os.sysconf("SC_CLK_TCK"), peak / 1024)

    def end(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()


@contextmanager
def running(*command: str, executable: str = sys.executable) -> Iterator[Process]:
    process = Process(*command, executable=executable)
    try:
        yield process
    finally:
        process.end()


@contextmanager
def gateways(latency: float) -> Iterator[None]:
    """The sandbox in a process of its own: tiny pictures, no limits, enough money."""
    from django.conf import settings

    from providers import registry
    from providers.sandbox.client import Control

    port = settings.SANDBOX_PORT
    with running("manage.py", "sandbox", "--port", str(port), "--latency", str(latency)):
        until(lambda: answers(port + 5), 20)
        control = Control(f"http://127.0.0.1:{port}")
        control.settings(picture="tiny", rpm=None, in_flight=None)
        for slug in registry.ADAPTERS:
            control.key(slug, f"sandbox-{slug}", balance_micro_usd=10**12)
        yield
        control.close()


def listening() -> int:
    """How many workers have started and hear what is due."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'seedbank-listen'")
        return int(cursor.fetchone()[0])


def until(true: Callable[[], object], within: float) -> None:
    end = time.monotonic() + within
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {within} s in vain")
        time.sleep(0.02)


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def machine() -> str:
    import platform

    memory = next(line for line in Path("/proc/meminfo").read_text().splitlines() if "MemTotal" in line)
    return f"{os.cpu_count()} cores, {int(memory.split()[1]) / 1048576:.0f} GiB, Python {platform.python_version()}"


def row(what: str, against: str, ratio: str, details: str) -> None:
    print(f"| {what} | {against} | {ratio} | {details} |", flush=True)


def _clean(folder: Path) -> None:
    cluster = folder / "var" / "postgres"
    if cluster.is_symlink():
        shutil.rmtree(cluster.resolve(), ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


def free_ports() -> int:
    """The first of six for the sandbox."""
    for port in range(18000, 30000, 17):
        if not any(answers(port + offset) for offset in range(6)):
            return port
    raise RuntimeError("no free ports")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.3)
        return probe.connect_ex(("127.0.0.1", port)) == 0
