"""The grid of the library: rows that end alike, any number of pictures, few nodes, the same place again."""

from __future__ import annotations

import gzip
import io
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command
from PIL import Image
from playwright.sync_api import Page, Route, expect

from generations.actions import uploads
from generations.models import Asset
from providers.sandbox.client import Control
from tests.browser.conftest import Visitor
from tests.browser.library import bring, opened, shown
from tests.conftest import Person, ask, ended, eventually, png

pytestmark = pytest.mark.browser


def test_scripts_and_the_librarys_first_answer_are_light(
    visitor: Visitor, person: Person, settings: Any
) -> None:
    """Every script there is, htmx too, compressed: under 60 KB; the library's HTML under 100 KB."""
    scripts = [
        *Path(finders.find("js") or "").glob("*.js"),
        Path(finders.find("django_htmx/htmx-2.min.js") or ""),
    ]
    assert sum(len(gzip.compress(one.read_bytes())) for one in scripts) < 60 * 1024
    settings.SANDBOX = True
    call_command("seed_library", "200", "--pictures", "0", "--project", str(person.project.id))
    Asset.objects.update(thumbhash=bytes(range(25)))
    html = visitor.context.request.get(f"{visitor.address}/library").body()
    assert html.count(b'class="tile"') >= 60
    assert len(html) < 100_000


def test_slash_searches_and_the_address_follows(visitor: Visitor, person: Person) -> None:
    ended(ask(person, "a heron"))
    ended(ask(person, "a stork"))
    page = visitor.go("/library")
    expect(page.locator(".tile")).to_have_count(2)
    page.keyboard.press("/")
    page.keyboard.insert_text("stork")  # at once: words typed with a rest between them are several searches
    page.wait_for_url("**q=stork**")
    expect(page.locator(".tile")).to_have_count(1)
    page.reload()
    expect(page.locator(".tile")).to_have_count(1)
    page.go_back()
    expect(page.locator(".tile")).to_have_count(2)


def test_escape_leaves_the_search_and_its_words(visitor: Visitor, person: Person) -> None:
    ended(ask(person, "a heron"))
    ended(ask(person, "a stork"))
    page = visitor.go("/library?q=stork")
    page.keyboard.press("/")
    field = page.locator("main [data-key-search]")
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(field).not_to_be_focused()
    expect(field).to_have_value("stork")
    expect(page.locator(".tile")).to_have_count(1)


def test_rows_end_at_the_same_edge_and_keep_every_shape(
    visitor: Visitor, person: Person, control: Control
) -> None:
    control.settings(picture="drawn")
    shapes = ["16:9", "9:16", "1:1", "21:9", "3:2", "2:3", "4:3", "3:4", "16:9", "1:1"]
    for generation in [ask(person, aspect_ratio=shape, provider="runware") for shape in shapes]:
        ended(generation)
    page = visitor.go("/library")
    boxes = page.evaluate(
        """() => [...document.querySelectorAll(".grid .tile")].map((tile) => {
          const box = tile.getBoundingClientRect(), inner = tile.querySelector("img");
          const shape = inner.getAttribute("width") / inner.getAttribute("height");
          return {top: Math.round(box.top), right: box.right, off: Math.abs(box.width / box.height - shape)};
        })"""
    )
    assert len(boxes) == len(shapes)
    assert max(box["off"] for box in boxes) < 0.02
    rows = sorted({box["top"] for box in boxes})
    edges = [max(box["right"] for box in boxes if box["top"] == top) for top in rows[:-1]]
    assert len(rows) > 1
    assert max(edges) - min(edges) < 2


def test_a_placeholder_has_the_colours_of_its_picture(visitor: Visitor, person: Person) -> None:
    uploads.upload(
        principal=person.principal,
        project_id=person.project.id,
        chunks=[png(color="#c03020")],
        name="red.png",
    )
    page = visitor.page
    held: list[Route] = []
    free = False
    page.route("**/thumbnail**", lambda route: route.continue_() if free else held.append(route))
    page.goto(visitor.address + "/library", wait_until="commit")
    expect(page.locator(".tile")).to_have_css("background-image", re.compile("data:image/png"))
    red, green, blue = page.evaluate(
        """async () => {
          const url = getComputedStyle(document.querySelector(".tile")).backgroundImage.slice(5, -2);
          const image = Object.assign(new Image(), {src: url});
          await image.decode();
          const canvas = Object.assign(document.createElement("canvas"), {width: 24, height: 24});
          const context = canvas.getContext("2d");
          context.drawImage(image, 0, 0);
          return [...context.getImageData(12, 12, 1, 1).data].slice(0, 3);
        }"""
    )
    assert abs(red - 0xC0) < 16
    assert abs(green - 0x30) < 16
    assert abs(blue - 0x20) < 16
    free = True
    for route in held:
        route.continue_()
    expect(page.locator(".tile")).to_have_css("background-image", "none")


def many(person: Person, page: Page, number: int) -> None:
    """Rows without bytes; the browser is given one picture for all."""
    call_command("seed_library", str(number), "--pictures", "0", "--project", str(person.project.id))
    out = io.BytesIO()
    Image.new("RGB", (32, 32), "teal").save(out, "WEBP")
    page.route("**/thumbnail?**", lambda route: route.fulfill(body=out.getvalue(), content_type="image/webp"))
    page.route("**/content**", lambda route: route.fulfill(body=out.getvalue(), content_type="image/webp"))


SCROLL = """async (pictures) => {
  let tiles = 0, nodes = 0, seen = new Set();
  for (let n = 0; n < 4000 && seen.size < pictures; n++) {
    scrollBy({top: 600, behavior: "instant"});
    await new Promise(requestAnimationFrame);
    const all = document.querySelectorAll(".grid .tile");
    all.forEach((one) => seen.add(one.id));
    tiles = Math.max(tiles, all.length);
    nodes = Math.max(nodes, document.querySelectorAll("*").length);
  }
  return {tiles, nodes, seen: seen.size};
}"""


def test_hundreds_scroll_by_with_few_nodes_and_back_is_the_same_place(
    visitor: Visitor, person: Person, settings: Any
) -> None:
    settings.SANDBOX = True
    many(person, visitor.page, 700)
    page = opened(visitor)
    found = page.evaluate(SCROLL, 700)
    assert found["seen"] == 700
    assert found["tiles"] <= 300
    assert found["nodes"] <= 3000

    page.evaluate("scrollTo({top: 9000, behavior: 'instant'})")
    eventually(lambda: page.evaluate("history.state?.place?.at"), what="the place to be remembered")
    where = """() => { const one = [...document.querySelectorAll(".grid .tile")]
      .find((tile) => tile.getBoundingClientRect().top > 150);
      return [one.id, Math.round(one.getBoundingClientRect().top)]; }"""
    eventually(lambda: page.evaluate(where) == page.evaluate(where), what="the grid to rest")
    before, top = page.evaluate(where)
    page.locator(f"#{before} a").click()
    page.wait_for_url("**/pictures/**")
    page.go_back()
    expect(page.locator(f"#{before}")).to_be_in_viewport()
    after = page.locator(f"#{before}").evaluate("one => Math.round(one.getBoundingClientRect().top)")
    assert abs(after - top) < 3

    page.locator(f"#{before} a").click()
    page.wait_for_url("**/pictures/**")
    page.keyboard.press("Escape")
    page.wait_for_url("**/library")
    expect(page.locator(f"#{before}")).to_be_in_viewport()

    month = page.locator("#scrubber a:visible").nth(5)
    wanted = month.get_attribute("data-month")
    month.click()
    expect(page.locator(f"#scrubber a[data-month='{wanted}']")).to_have_attribute("aria-current", "true")
    first = shown(page)[0]
    page.mouse.move(600, 500)
    page.mouse.wheel(0, -900)
    eventually(lambda: shown(page)[0] > first, what="newer pictures above")


def test_without_a_script_the_library_is_pages_of_links(visit: Any, person: Person) -> None:
    bring(person)
    visitor: Visitor = visit(java_script_enabled=False)
    visitor.come_in(person)
    page = visitor.go("/library")
    expect(page.locator(".grid .tile img").first).to_be_visible()
    page.get_by_label("Words of the prompt").fill("blue")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".grid .tile")).to_have_count(1)
    page.locator(".grid .tile a").click()
    page.wait_for_url("**/pictures/**q=blue**")
