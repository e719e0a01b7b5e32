"""Every page, light and dark, on a phone, a laptop and a large screen: ``make screenshots``.

Starts Seedbank with the sandbox in a folder of its own (or looks at one that runs: ``--at``),
makes some pictures, and leaves PNG files in ``screenshots/``. To be looked at before a change
to a page is called done.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT = Path(__file__).parents[1]
SIZES = {"phone": (390, 844), "laptop": (1280, 800), "large": (2560, 1440)}
SCHEMES = ("light", "dark")
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WISHES: tuple[dict[str, Any], ...] = (
    {"prompt": "A lighthouse in a storm", "count": 1, "aspect_ratio": "16:9", "provider": "runware"},
    {
        "prompt": "Terraced tea fields in the rain",
        "count": 4,
        "aspect_ratio": "3:2",
        "provider": "prospolabs",
    },
    {"prompt": "黎明的水墨山，一叶红舟", "count": 2, "aspect_ratio": "3:4", "provider": "aigateway"},
    {"prompt": "A botanical plate of a fig branch, seeds in section", "count": 3, "aspect_ratio": "2:3"},
    {"prompt": "An ink-wash mountain at dawn, one red boat", "count": 5, "provider": "bytespike", "seed": 0},
)
SLOW = {"prompt": "A city of paper at night, seen from the harbour", "count": 3, "aspect_ratio": "16:9"}


@dataclass(frozen=True)
class Place:
    """A running Seedbank, and somebody who may see everything there."""

    address: str
    email: str
    password: str


@contextmanager
def product() -> Iterator[Place]:
    """`manage.py up` on a fresh folder and free ports, until the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="seedbank-screenshots-"))
    port = _free_port()
    clean = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    env = clean | {"DATA_DIR": str(folder / "var"), "PORT": str(port), "SANDBOX": "1", "SANDBOX_LATENCY": "1"}
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
        yield Place(address, email, password)
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(timeout=120)
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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
    """The person in one browser window."""

    def __init__(self, browser: Browser, place: Place, size: tuple[int, int], scheme: Any) -> None:
        self.place = place
        width, height = size
        self.context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme
        )
        self.page: Page = self.context.new_page()

    def go(self, path: str) -> None:
        self.page.goto(self.place.address + path, wait_until="networkidle")

    def sign_in(self) -> None:
        self.go("/sign-in")
        self.page.fill("#id_login", self.place.email)
        self.page.fill("#id_password", self.place.password)
        self.page.click("button.primary")
        self.page.wait_for_url(lambda url: not url.endswith("/sign-in"))

    def api(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        token = next(cookie["value"] for cookie in self.context.cookies() if cookie["name"] == "csrftoken")
        answer = self.context.request.fetch(
            f"{self.place.address}/api/v1{path}",
            method=method,
            data=body,
            headers={"X-CSRFToken": token, "Referer": self.place.address},
        )
        document = answer.json() if answer.body() else None
        if not answer.ok:
            raise SystemExit(f"{method} {path}: {document}")
        return document

    def shoot(self, path: Path, *, whole: bool = True) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.wait_for_timeout(200)
        self.page.screenshot(path=path, full_page=whole)


def fill(visitor: Visitor) -> dict[str, str]:
    """Some work to look at; the addresses of pages that have an id in them."""
    made = [visitor.api("POST", "/generations", wish) for wish in WISHES]
    for one in made:
        _ended(visitor, one["id"])
    assets = visitor.api("GET", "/assets?limit=20")["results"]
    project = assets[0]["project"]
    vary = {**WISHES[3], "references": [f"asset:{assets[0]['id']}", f"asset:{assets[1]['id']}"]}
    _ended(visitor, visitor.api("POST", "/generations", {**vary, "provider": "runware", "count": 1})["id"])
    empty = visitor.api("POST", "/projects", {"name": "Autumn catalogue"})["id"]
    visitor.api("DELETE", f"/assets/{assets[-1]['id']}")
    return {
        "create": f"/?project={project}",
        "create-unable": f"/?project={project}&reference={assets[0]['id']}&seed=7&provider=bytespike",
        "create-empty": f"/?project={empty}",
        "library": "/library",
        "library-nothing": "/library?q=zeppelin",
        "picture": f"/pictures/{assets[0]['id']}",
        "picture-upright": f"/pictures/{assets[6]['id']}",
        "generation": f"/generations/{made[-1]['id']}",
        "wallet": "/wallet",
        "projects": "/projects",
        "project": f"/projects/{project}",
        "settings": "/settings",
        "trash": "/trash",
        "oversight": "/oversight",
        "missing": "/pictures/00000000-0000-7000-8000-000000000000",
    }


def _ended(visitor: Visitor, generation: str) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        if visitor.api("GET", f"/generations/{generation}")["status"] in {"succeeded", "failed", "canceled"}:
            return
        time.sleep(0.3)


def shoot_all(browser: Browser, place: Place, folder: Path, only: str) -> None:
    helper = Visitor(browser, place, SIZES["laptop"], "light")
    helper.sign_in()
    pages = fill(helper)
    for size, pixels in SIZES.items():
        for scheme in SCHEMES:
            visitor = Visitor(browser, place, pixels, scheme)
            visitor.go("/sign-in")
            visitor.shoot(folder / f"sign-in-{size}-{scheme}.png")
            visitor.sign_in()
            for name, path in pages.items():
                if only in name:
                    visitor.go(path)
                    whole = not name.startswith("create") and (size == "phone" or name != "picture")
                    visitor.shoot(folder / f"{name}-{size}-{scheme}.png", whole=whole)
            helper.api("POST", "/generations", {**SLOW, "provider": "threedai"})
            visitor.page.goto(place.address)
            visitor.shoot(folder / f"create-running-{size}-{scheme}.png", whole=False)
            visitor.context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--at", help="the address of a Seedbank that runs already")
    parser.add_argument("--email", default="")
    parser.add_argument("--password", default="")
    parser.add_argument("--only", default="", help="pages whose name contains this")
    parser.add_argument("--out", type=Path, default=ROOT / "screenshots")
    said = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        if said.at:
            shoot_all(browser, Place(said.at, said.email, said.password), said.out, said.only)
        else:
            with product() as place:
                shoot_all(browser, place, said.out, said.only)
        browser.close()
    print(f"{len(list(said.out.glob('*.png')))} pictures in {said.out}")


if __name__ == "__main__":
    main()
