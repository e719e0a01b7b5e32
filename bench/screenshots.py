"""Every page, light and dark, on a phone, a laptop and a large screen: ``make screenshots``.

Starts Seedbank with the sandbox in a folder of its own (or looks at one that runs: ``--at``, with
its DATA_DIR and SANDBOX_PORT in the environment), does some weeks of a team's work there, and
leaves PNG files in ``screenshots/``. To be looked at before a change to a page is called done.
"""

from __future__ import annotations

import argparse
import os
import re
from itertools import product as combined
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser
from playwright.sync_api import Error as BrowserError

from bench.product import ROOT, Place, Visitor, product
from bench.scenes import PASSWORD, Scene, fill
from tests.browser.chromium import CHROMIUM, launched

SIZES = {"phone": (390, 844), "laptop": (1280, 800), "large": (2560, 1440)}
LOOKS = (("light", "light", "en-US"), ("dark", "dark", "en-US"), ("zh", "light", "zh-CN"))
OTHERS = ("viewer", "fresh")
MOST_HIGH = 4000
"""Pixels of a whole page that are kept: nobody looks at more."""


class Shooting:
    """Windows for one size, scheme and language; signed in once for each person."""

    def __init__(
        self, browser: Browser, place: Place, size: str, scheme: str, locale: str, states: dict[str, Any]
    ) -> None:
        self.browser, self.place, self.size, self.states = browser, place, size, states
        self.options: dict[str, Any] = {"color_scheme": scheme, "locale": locale, "reduced_motion": "reduce"}
        self.open: dict[str, Visitor] = {}

    def window(self, who: str) -> Visitor:
        if who not in self.open:
            state = {"storage_state": self.states[who]} if who in self.states else {}
            self.open[who] = Visitor(self.browser, self.place, SIZES[self.size], **self.options, **state)
            self.open[who].page.set_default_timeout(15_000)
            # Nothing is left of what was typed in another scene.
            self.open[who].page.add_init_script("localStorage.clear()")
        return self.open[who]

    def shoot(self, scene: Scene, path: Path) -> None:
        visitor = self.window(scene.who)
        width, height = SIZES[self.size]
        visitor.page.set_viewport_size({"width": width, "height": height})
        visitor.go(scene.path)
        if scene.act:
            scene.act(visitor.page)
        if scene.whole:  # a taller window rather than a stitched picture: what is fixed stays at its place
            full = int(visitor.page.evaluate("document.documentElement.scrollHeight"))
            visitor.page.set_viewport_size({"width": width, "height": max(height, min(full, MOST_HIGH))})
        visitor.rest()
        visitor.page.wait_for_timeout(150)
        visitor.page.screenshot(path=path)

    def close(self) -> None:
        for visitor in self.open.values():
            visitor.context.close()


def people(browser: Browser, place: Place) -> dict[str, Visitor]:
    """The owner, a viewer and somebody new, each signed in."""
    windows = {"owner": Visitor(browser, place, SIZES["laptop"])}
    windows["owner"].sign_in()
    for name in OTHERS:
        email = f"{name}@example.com"
        # With --at they may be there already; whoever is not cannot sign in.
        place.manage("create_user", email, "--password-stdin", said=PASSWORD + "\n", check=False)
        windows[name] = Visitor(browser, place, SIZES["laptop"])
        windows[name].sign_in(email, PASSWORD)
    return windows


def shoot_all(browser: Browser, place: Place, said: argparse.Namespace) -> None:
    """Fill the place with work, then take every scene; one that fails is named and does not stop the rest."""
    windows = people(browser, place)
    scenes = fill(place, windows["owner"], windows["viewer"], said.seeded, said.real)
    scenes = [scene for scene in scenes if re.search(said.only, scene.name)]
    states = {name: visitor.context.storage_state() for name, visitor in windows.items()}
    for size, (look, scheme, locale) in combined(said.sizes.split(","), LOOKS):
        window = Shooting(browser, place, size, scheme, locale, states)
        for scene in scenes:
            path = said.out / f"{scene.name}-{size}-{look}.png"
            if scene.translated or locale == "en-US":
                try:
                    window.shoot(scene, path)
                except BrowserError as error:
                    print(f"{path.name}: {str(error).splitlines()[0]}", flush=True)
        window.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--at", help="the address of a Seedbank that runs already")
    parser.add_argument("--email", default="")
    parser.add_argument("--password", default="")
    parser.add_argument("--only", default="", metavar="PATTERN", help="pages whose name has this in it")
    parser.add_argument("--sizes", default=",".join(SIZES), help=f"of {', '.join(SIZES)}")
    parser.add_argument("--seeded", type=int, default=3000, help="invented pictures beside the made ones")
    parser.add_argument("--real", type=int, default=120, help="how many of those are really there")
    parser.add_argument("--out", type=Path, default=ROOT / "screenshots")
    said = parser.parse_args()
    if CHROMIUM is None:
        raise SystemExit("Chromium or Chrome is needed, and neither is on this machine.")
    said.out.mkdir(parents=True, exist_ok=True)
    with launched() as browser:
        if said.at:
            shoot_all(browser, Place(said.at, said.email, said.password, dict(os.environ)), said)
        else:
            with product() as place:
                shoot_all(browser, place, said)
    print(f"{len(list(said.out.glob('*.png')))} pictures in {said.out}")


if __name__ == "__main__":
    main()
