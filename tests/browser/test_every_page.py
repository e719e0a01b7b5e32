"""What holds on every page: no barrier, no sideways scrolling, nothing that jumps."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from generations.actions import uploads
from generations.models import Asset
from providers.sandbox.client import Control
from tests.browser.conftest import Visitor
from tests.conftest import Person, ask, ended
from tests.web.conftest import png

pytestmark = pytest.mark.browser


@pytest.fixture
def paths(engine: Any, person: Person) -> list[str]:
    """Every page, with something to look at."""
    generation = ended(ask(person, "a heron in the reeds", count=3))
    asset = Asset.objects.filter(generation=generation).order_by("id")[0]
    ended(ask(person, "in the same style", references=[f"asset:{asset.id}"], provider="prospolabs"))
    return [
        "/",
        f"/?from={generation.id}&reference={asset.id}&provider=bytespike",
        "/?aspect=exact&seed=7",
        "/library",
        "/library?q=zeppelin",
        f"/pictures/{asset.id}",
        f"/generations/{generation.id}",
        "/wallet",
        "/projects",
        f"/projects/{person.project.id}",
        "/settings",
        "/trash",
        "/oversight",
    ]


def barriers(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(scheme: str, visit: Any, person: Person, paths: list[str]) -> None:
    visitor: Visitor = visit(color_scheme=scheme, reduced_motion="reduce")
    page = visitor.go("/sign-in")
    found = {"/sign-in": barriers(page)}
    visitor.sign_in(person)
    for path in paths:
        found[path] = barriers(visitor.go(path))
    page.locator(".face").click()
    found["menu"] = barriers(page)
    page.get_by_role("button", name="Keyboard").click()
    found["keys"] = barriers(page)
    assert {path: said for path, said in found.items() if said} == {}


@pytest.mark.parametrize("width", [390, 1280, 2560])
def test_no_page_scrolls_sideways(width: int, visit: Any, person: Person, paths: list[str]) -> None:
    visitor: Visitor = visit(viewport={"width": width, "height": 900})
    visitor.sign_in(person)
    for path in paths:
        page = visitor.go(path)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path


def test_nothing_jumps_while_pictures_arrive(visit: Any, person: Person, paths: list[str]) -> None:
    visitor: Visitor = visit()
    visitor.sign_in(person)
    watch = """() => new Promise((done) => {
      let shift = 0;
      new PerformanceObserver((list) => {
        for (const one of list.getEntries()) shift += one.hadRecentInput ? 0 : one.value;
      }).observe({type: "layout-shift", buffered: true});
      const pictures = [...document.images].map((one) => one.decode().catch(() => {}));
      Promise.all(pictures).then(() => requestAnimationFrame(() => requestAnimationFrame(() => done(shift))));
    })"""
    for path in ("/", "/library", paths[5]):
        assert visitor.go(path).evaluate(watch) == 0, path


def test_question_mark_shows_the_keys_and_escape_closes_them(visitor: Visitor) -> None:
    page = visitor.go("/library")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_slash_searches_and_the_address_follows(visitor: Visitor, person: Person) -> None:
    ended(ask(person, "a heron"))
    ended(ask(person, "a stork"))
    page = visitor.go("/library")
    expect(page.locator(".tile")).to_have_count(2)
    page.keyboard.press("/")
    page.keyboard.type("stork")
    page.wait_for_url("**q=stork**")
    expect(page.locator(".tile")).to_have_count(1)
    page.reload()
    expect(page.locator(".tile")).to_have_count(1)
    page.go_back()
    expect(page.locator(".tile")).to_have_count(2)


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
        principal=person.principal, project_id=person.project.id, chunks=[png("#c03020")], name="red.png"
    )
    page = visitor.page
    held: list[Route] = []
    page.route("**/thumbnail**", lambda route: held.append(route))
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
    for route in held:
        route.continue_()
    expect(page.locator(".tile")).to_have_css("background-image", "none")


def test_a_choice_made_while_prices_are_on_their_way_stays(visitor: Visitor) -> None:
    page = visitor.page
    held: list[Route] = []
    page.route("**/quotes", lambda route: route.continue_() if held else held.append(route))
    with page.expect_request("**/quotes"):
        page.locator("#provider-runware").check()
    page.locator("#provider-threedai").check()
    held[0].continue_()
    expect(page.get_by_role("button", name="Generate")).to_have_text("Generate · $0.040")
    expect(page.locator("#provider-threedai")).to_be_checked()
