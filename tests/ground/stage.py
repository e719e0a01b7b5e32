"""Programs of a test: started, listened to, waited for, and cleared away."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

from config.embedded.tenant import settle

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 120
T = TypeVar("T")


class Actor:
    """One running program and every line it has said."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self._ears = threading.Thread(target=self._listen, daemon=True)
        self._ears.start()

    def says(self, words: str) -> str:
        """Wait for a line with these words."""
        return eventually(lambda: next((line for line in self.lines if words in line), ""), self._story)

    def leave(self) -> None:
        """Let a program that waits for the end of its input go on."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.ends() == 0, self._story()

    def ends(self) -> int:
        code = self.process.wait(PATIENCE_SECONDS)
        self._ears.join(PATIENCE_SECONDS)
        return code

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def _story(self) -> str:
        return "\n".join(self.lines)


class Stage:
    """Starts programs with a bare environment that names a data folder; the folder's path marks them."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(data_dir.parent),
            "DATA_DIR": str(data_dir),
            "SEEDBANK_TESTING": "1",
            "PYTHONPATH": str(ROOT),
        }
        self.actors: list[Actor] = []

    def python(self, *arguments: str, **env: str) -> Actor:
        """Run the interpreter of the tests in the project's folder, away from our terminal."""
        process = subprocess.Popen(
            [sys.executable, "-u", *arguments],
            cwd=ROOT,
            env=self.env | env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.actors.append(Actor(process))
        return self.actors[-1]

    def marked(self) -> list[int]:
        """The processes that have our data folder in their environment."""
        return processes_marked(f"DATA_DIR={self.data_dir}")

    def clear(self) -> None:
        for actor in self.actors:
            actor.process.kill()
            actor.process.wait()
        for pid in self.marked():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for actor in self.actors:
            actor.ends()
            for pipe in (actor.process.stdin, actor.process.stdout):
                if pipe is not None:
                    pipe.close()
        if (server := server_of(self.data_dir)) is not None:
            os.kill(server, signal.SIGQUIT)
            eventually(lambda: not alive(server))


def put_cluster(cluster: Path, data_dir: Path) -> None:
    """A copy of a cluster, where a data folder's own would be made on first use."""
    data_dir.mkdir(parents=True, exist_ok=True)
    home = settle(data_dir / "postgres").home
    subprocess.run(["cp", "-a", cluster.resolve(), home / "data"], check=True)


def put_tables(prepared: Path, data_dir: Path) -> None:
    """A copy of a data folder after `manage.py prepare`."""
    put_cluster(prepared / "postgres" / "data", data_dir)
    shutil.copytree(prepared / "secrets", data_dir / "secrets")


def eventually(ask: Callable[[], T], story: Callable[[], str] = str) -> T:
    """Ask again until the answer is true."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (answer := ask()):
        assert time.monotonic() < deadline, story()
        time.sleep(0.02)
    return answer


def server_of(data_dir: Path) -> int | None:
    """The process of a data folder's database server, if it lives."""
    with suppress(FileNotFoundError, ValueError):
        pid = int((data_dir / "postgres/data/postmaster.pid").read_text().split("\n")[0])
        if alive(pid):
            return pid
    return None


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be collected does not."""
    state = subprocess.run(["ps", "-o", "state=", "-p", str(pid)], capture_output=True, text=True).stdout
    return bool(state.strip()) and not state.strip().startswith("Z")


def processes_marked(words: str) -> list[int]:
    """The processes with these words in their environment."""
    shown = ["ps", "axeww"] if sys.platform == "linux" else ["ps", "-axEww"]
    lines = subprocess.run([*shown, "-o", "pid=,command="], capture_output=True, text=True, env={}).stdout
    return [int(line.split()[0]) for line in lines.splitlines() if words in line and "ps ax" not in line]


def free_port(span: int = 1) -> int:
    """The first of `span` neighbouring ports nobody listens on, below those the system hands out."""
    for port in range(20_000 + os.getpid() % 1000 * 10, 32_000, span):
        if all(_is_free(port + offset) for offset in range(span)):
            return port
    raise AssertionError("no free ports")


def _is_free(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
