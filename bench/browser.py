"""The library in Chromium at 10,000 pictures: the first of them on screen, what jumps, blocks and stutters.

``python -m bench.browser [N]`` starts the whole product with N invented pictures (200 of them
real; the others show a real one's thumbnails), opens the library as somebody does whose browser
has nothing of it, and scrolls to its end. Floors in the same run: one thumbnail in a bare page,
and a bare page as high that is scrolled in the same steps.
"""

from __future__ import annotations

import os
import sys
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any

import brotli  # type: ignore[import-untyped]
from playwright.sync_api import Browser

from bench import stage
from bench.product import Place, Visitor, product
from tests.browser.chromium import CHROMIUM, launched

SIZE = (1280, 800)
REAL = 200
SIZES = (256, 512, 1024)
VISITS = 5
STEP = 60
"""Pixels between two frames: at 60 frames a second 3,600 in a second, four and a half windows."""
WATCH = """
window.seen = {shift: 0, tasks: [], first: 0};
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) seen.shift += one.hadRecentInput ? 0 : one.value;
}).observe({type: "layout-shift", buffered: true});
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) seen.tasks.push(one.duration);
}).observe({type: "longtask", buffered: true});
const look = () => {
  const shown = [...document.images].some((one) => one.naturalWidth && one.getBoundingClientRect().top < innerHeight);
  if (shown) seen.first = performance.now(); else requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
ALONE = """async (src) => {
  const begun = performance.now(), image = Object.assign(new Image(), {src});
  document.body.append(image);
  await image.decode();
  await new Promise(requestAnimationFrame);
  return performance.getEntriesByType("navigation")[0].responseEnd + performance.now() - begun;
}"""
SCROLL = """async ([step, most, pictures]) => {
  const frames = [], ids = new Set();
  let nodes = 0, tiles = 0, before = performance.now();
  seen.tasks.length = 0;
  for (let still = 0; still < 300 && frames.length < most && ids.size < pictures;) {
    const place = scrollY;
    scrollBy({top: step, behavior: "instant"});
    const now = await new Promise(requestAnimationFrame);
    frames.push(now - before);
    before = now;
    still = scrollY === place ? still + 1 : 0;
    if (frames.length % 5) continue;
    const all = document.querySelectorAll(".grid .tile");
    for (const one of all) ids.add(one.id);
    tiles = Math.max(tiles, all.length);
    nodes = Math.max(nodes, document.getElementsByTagName("*").length);
  }
  return {frames, nodes, tiles, seen: ids.size, pixels: scrollY, tasks: seen.tasks, shift: seen.shift};
}"""
PARTS = """() => ({
  html: performance.getEntriesByType("navigation")[0].encodedBodySize,
  files: performance.getEntriesByType("resource").map((one) => one.name).filter((one) => /\\.(js|css)$/.test(one)),
})"""


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    if CHROMIUM is None:
        print("Chromium is absent: nothing is measured in it.")
        return
    with product() as place, launched() as browser:
        place.manage("seed_library", str(number), "--pictures", str(min(REAL, number)))
        visitor = Visitor(browser, place, SIZE)
        visitor.sign_in()
        picture = lend(visitor, number)
        state = visitor.context.storage_state()
        opened(browser, place, state, picture)
        weights(visitor)
        scrolled(browser, place, state, number)


def lend(visitor: Visitor, number: int) -> str:
    """Every picture without bytes gets the thumbnails of a real one, as further names of the same files."""
    pictures, path = [], "/assets?limit=200"
    while path:
        page = visitor.api("GET", path)
        pictures += page["results"]
        path = page["next"].split("/api/v1", 1)[1] if page["next"] else ""
    assert len(pictures) == number
    root = Path(visitor.place.env["DATA_DIR"]) / "pictures"
    keys = [root / one["project"] / one["id"] / one["sha256"] for one in pictures]
    real = [key for key in keys if key.exists()]
    for key, lent in zip([key for key in keys if not key.exists()], cycle(real), strict=False):
        key.parent.mkdir(parents=True, exist_ok=True)
        for size in SIZES:
            os.link(f"{lent}-{size}.webp", f"{key}-{size}.webp")
    return str(pictures[0]["id"])


def fresh(browser: Browser, place: Place, state: Any) -> Visitor:
    """A window that has nothing of the page, but is signed in."""
    visitor = Visitor(browser, place, SIZE, storage_state=state)
    visitor.page.add_init_script(WATCH)
    return visitor


def opened(browser: Browser, place: Place, state: Any, picture: str) -> None:
    """First picture on screen, layout shift and long tasks of opening, each in a fresh window."""
    ours, bare, tasks, shift = list[float](), list[float](), list[float](), 0.0
    for _ in range(VISITS):
        visitor = fresh(browser, place, state)
        visitor.page.goto(f"{place.address}/library")
        visitor.page.wait_for_function("seen.first")
        visitor.rest()
        seen = visitor.page.evaluate("seen")
        ours.append(seen["first"])
        tasks += seen["tasks"]
        shift = max(shift, seen["shift"])
        visitor.context.close()
        visitor = fresh(browser, place, state)
        visitor.page.goto(f"{place.address}/health/live")
        bare.append(visitor.page.evaluate(ALONE, f"/api/v1/assets/{picture}/thumbnail?size=512"))
        visitor.context.close()
    stage.row(
        "library opened: first picture on screen",
        "its thumbnail alone in a bare page",
        f"{median(ours) / median(bare):.2f} ×",
        f"{median(ours):.0f} ms against {median(bare):.0f}, nothing cached, median of {VISITS}; layout shift "
        f"{shift:.3f}; {len(tasks) / VISITS:.1f} long tasks a visit, the longest {max(tasks, default=0):.0f} ms",
    )


def weights(visitor: Visitor) -> None:
    """What the pages' text weighs; scripts and styles as the image keeps them, compressed by Brotli."""
    said = []
    for path in ("/", "/library", "/models"):
        visitor.page.goto(visitor.place.address + path, wait_until="load")
        told = visitor.page.evaluate(PARTS)
        kilo = {"js": 0.0, "css": 0.0}
        for url in told["files"]:
            body = visitor.context.request.get(url).body()
            kilo[url.rsplit(".", 1)[1]] += len(brotli.compress(body)) / 1024
        said.append(f"{path} {told['html'] / 1024:.0f} + {kilo['js']:.0f} + {kilo['css']:.0f}")
    stage.row("HTML + scripts + styles of a page, KB", "-", "-", "; ".join(said))


def scrolled(browser: Browser, place: Place, state: Any, number: int) -> None:
    """Scroll through all of it, a step in each frame; then a bare page, as far and in the same steps."""
    visitor = fresh(browser, place, state)
    visitor.go("/library")
    told = visitor.page.evaluate(SCROLL, [STEP, 60_000, number])
    visitor.context.close()
    bare = fresh(browser, place, state)
    bare.page.goto(f"{place.address}/health/live")
    bare.page.evaluate(f"document.body.style.height = '{int(told['pixels']) + SIZE[1]}px'")
    floor = bare.page.evaluate(SCROLL, [STEP, min(len(told["frames"]), 2000), number])
    bare.context.close()
    ours, theirs = (sorted(one["frames"]) for one in (told, floor))
    slow = sum(one > 25 for one in ours) / len(ours)
    stage.row(
        f"frames while scrolling {told['seen']:,} pictures",
        "a bare page in the same steps",
        f"{stage.percentile(ours, 0.95) / stage.percentile(theirs, 0.95):.2f} × (p95)",
        f"{len(ours):,} frames: p50 {median(ours):.1f} ms, p95 {stage.percentile(ours, 0.95):.1f}, longest "
        f"{ours[-1]:.0f}; {slow:.1%} over 25 ms; bare p95 {stage.percentile(theirs, 0.95):.1f}; at most "
        f"{told['nodes']:,} nodes, {told['tiles']} tiles; {len(told['tasks'])} long tasks, the longest "
        f"{max(told['tasks'], default=0):.0f} ms; layout shift {told['shift']:.3f}; {stage.machine()}",
    )


if __name__ == "__main__":
    main()
