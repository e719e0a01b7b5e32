"""Seedbank's processes, each as a command: what `up` runs side by side, and what the image runs alone.

`python -m config.embedded.processes web` becomes that process; `healthy` asks whether it serves.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from config import env
from config.embedded.health import answers
from config.embedded.supervisor import Program

NET_PATIENCE_SECONDS = 330.0  # a gateway may take 300 s to answer, and its answer is paid for
MEDIA_PATIENCE_SECONDS = 60.0


def web(host: str, port: int, workers: int) -> tuple[str, ...]:
    """Django under WSGI. Requests that wait sleep in a thread, so there are many of them."""
    return (
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port)),
        *("--workers", str(workers), "--blocking-threads", "64", "--no-ws", "--log-level", "error"),
        *("--respawn-failed-workers", "--respawn-interval", "0.5", "--workers-kill-timeout", "5"),
        "config.wsgi:application",
    )


def net() -> tuple[str, ...]:
    """Waits for the gateways, on one event loop in its main process: never in a pool of processes."""
    return (*_celery("worker"), "--queues", "net", "--hostname", "net@%h", "--pool", "solo")


def media() -> tuple[str, ...]:
    """Decodes pictures, each in a bounded child of its own, as many at once as there are cores."""
    return (*_celery("worker"), "--queues", "media", "--hostname", "media@%h", "--pool", "solo")


def beat(data_dir: Path) -> tuple[str, ...]:
    """Sweeps now and then. It remembers when it last did in the data folder."""
    return (*_celery("beat"), "--schedule", str(data_dir / "beat"), "--pidfile", "")


def side_by_side(data_dir: Path, port: int, *, sandbox: bool) -> list[Program]:
    """Everything one machine runs, in the order in which it is to end."""
    manage = str(Path(__file__).parents[2] / "manage.py")
    workers = min(2, os.cpu_count() or 1)
    programs = [
        Program("web", web("127.0.0.1", port, workers), 15),
        Program("beat", beat(data_dir), 10),
        Program("net", net(), NET_PATIENCE_SECONDS),
        Program("media", media(), MEDIA_PATIENCE_SECONDS),
    ]
    if sandbox:
        programs.append(Program("sandbox", (sys.executable, manage, "sandbox"), 10))
    return programs


def _celery(kind: str) -> tuple[str, ...]:
    root_is_fine = ("-W", "ignore:You're running the worker with superuser")  # its messages are JSON alone
    quiet = ("--without-gossip", "--without-mingle") if kind == "worker" else ()
    return (
        *(sys.executable, *root_is_fine, "-m", "celery", "--quiet", "--app", "config"),
        *(kind, "--loglevel", "WARNING", *quiet),
    )


def main(arguments: list[str]) -> None:
    """Become the process that is named, or any other command of manage.py; the image's entry point."""
    name, *rest = arguments or ["web"]
    port, workers = env.integer("PORT", 8000, low=1, high=65535), os.cpu_count() or 1
    match name:
        case "web":
            command = web("0.0.0.0", port, workers)  # noqa: S104 - a container has its own network
        case "net":
            command = net()
        case "media":
            command = media()
        case "beat":
            command = beat(Path(os.environ.get("DATA_DIR") or "var"))
        case "healthy":
            sys.exit(not answers(port, "live", os.environ.get("PUBLIC_URL", "")))
        case _:
            command = (sys.executable, "manage.py", name, *rest)
    os.execv(command[0], command)  # noqa: S606 - becomes the program


if __name__ == "__main__":
    main(sys.argv[1:])
