"""The whole product on this machine, and people in browser windows before it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError

from playwright.sync_api import Browser, BrowserContext, Page

from bench import stage

ROOT = Path(__file__).parents[1]
ENDED = {"succeeded", "failed", "canceled"}


class Refused(Exception):
    """The API said no."""


@dataclass(frozen=True)
class Place:
    """A running Seedbank, and somebody who may see everything there."""

    address: str
    email: str
    password: str
    env: dict[str, str] = field(repr=False)
    """What `manage.py` needs to work on the same data."""

    def manage(self, *command: str, said: str = "", check: bool = True) -> None:
        """Run one of its commands beside it; ``said`` is its standard input."""
        subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=self.env,
            input=said,
            text=True,
            check=check,
            stdout=subprocess.DEVNULL,
        )


@contextmanager
def product(latency: int = 1) -> Iterator[Place]:
    """`manage.py up` on a fresh folder and free ports, until the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="seedbank-stage-"))
    port = stage.free_port()
    clean = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    for name in ("SECRET_KEY", "FIELD_KEYS"):
        clean.pop(name, None)
    env = clean | {
        "DATA_DIR": str(folder / "var"),
        "PORT": str(port),
        "SANDBOX": "1",
        "SANDBOX_PORT": str(stage.free_ports()),
        "SANDBOX_LATENCY": str(latency),
    }
    running = subprocess.Popen(
        [sys.executable, "manage.py", "up"],
        cwd=ROOT,
        env=env,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        address = f"http://localhost:{port}"
        _until_ready(f"{address}/health/ready", running)
        email, password = (folder / "var" / "secrets" / "sign_in").read_text().split()
        yield Place(address, email, password, env)
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(timeout=120)
        cluster = folder / "var" / "postgres"
        if cluster.is_symlink():
            shutil.rmtree(cluster.resolve(), ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def _until_ready(url: str, running: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 240
    while time.monotonic() < end:
        if running.poll() is not None:
            raise SystemExit("Seedbank ended before it was ready.")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.5)
    raise SystemExit("Seedbank was not ready within four minutes.")


class Visitor:
    """A person in one browser window."""

    def __init__(self, browser: Browser, place: Place, size: tuple[int, int], **options: Any) -> None:
        self.place = place
        width, height = size
        self.context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": height}, **{"locale": "en-US", **options}
        )
        self.page: Page = self.context.new_page()

    def go(self, path: str) -> None:
        """There, with every picture that is in view."""
        self.page.goto(self.place.address + path, wait_until="load")
        self.rest()

    def rest(self) -> None:
        """Until what is in view has its bytes."""
        self.page.evaluate(
            """() => Promise.race([
              Promise.all([...document.images].filter((one) => {
                const box = one.getBoundingClientRect();
                return box.width && box.bottom > 0 && box.top < innerHeight;
              }).map((one) => one.decode().catch(() => {}))),
              new Promise((done) => setTimeout(done, 5000)),
            ]).then(() => null)"""
        )

    def sign_in(self, email: str = "", password: str = "") -> None:
        self.go("/sign-in")
        self.page.fill("#id_login", email or self.place.email)
        self.page.fill("#id_password", password or self.place.password)
        self.page.click("form.fields button.primary")
        self.page.wait_for_url(lambda url: "/sign-in" not in url)

    def api(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Raises Refused."""
        token = next(
            (str(one.get("value")) for one in self.context.cookies() if one.get("name") == "csrftoken"), ""
        )
        answer = self.context.request.fetch(
            f"{self.place.address}/api/v1{path}",
            method=method,
            data=body,
            headers={"X-CSRFToken": token, "Referer": self.place.address},
        )
        document = answer.json() if answer.body() else None
        if not answer.ok:
            raise Refused(f"{method} {path}: {document}")
        return document

    def ended(self, path: str, within: float = 180) -> Any:
        """Wait until work (/generations/…, /batches/…, /comparisons/…) has ended; how it ended."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            told = self.api("GET", path)
            if told.get("over") or told.get("status") in ENDED | {"ended"}:
                return told
            time.sleep(0.3)
        raise SystemExit(f"{path} did not end within {within:.0f} s.")
