"""What opens over the library stands on the screen, and is without barriers."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from generations.actions import collecting
from generations.models import Asset
from tests.browser.axe import barriers
from tests.browser.conftest import Visitor
from tests.browser.library import COLORS, bring, opened
from tests.conftest import Person, eventually

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [390, 800, 1024, 1280])
def test_what_the_bar_of_verbs_opens_stands_on_the_screen(width: int, visit: Any, person: Person) -> None:
    (picture,) = bring(person, COLORS[:1])
    held = collecting.create(principal=person.principal, project_id=person.project.id, name="Boats")
    collecting.place(principal=person.principal, collection_id=held.id, asset_id=picture.id)
    visitor: Visitor = visit(viewport={"width": width, "height": 800})
    visitor.come_in(person)
    for path in ("/library", f"/library?collection={held.id}"):
        page = opened(visitor, path)
        page.locator(".grid .tile a").focus()
        page.keyboard.press("x")
        for menu in page.locator("#bulk details").all():
            menu.locator("> summary").click()
            eventually(partial(stands, menu.locator("> .sheet"), width), what=f"{path} {menu.inner_text()}")
            menu.locator("> summary").click()


def stands(sheet: Locator, width: int) -> bool:
    """On the screen: it is put there a moment after it has opened."""
    box = sheet.bounding_box()
    return bool(box and box["x"] >= 0 and box["x"] + box["width"] <= width and box["y"] >= 0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_what_opens_over_the_library(scheme: Any, visit: Any, person: Person) -> None:
    pictures = bring(person, COLORS[:3])
    held = collecting.create(principal=person.principal, project_id=person.project.id, name="Boats")
    collecting.place(principal=person.principal, collection_id=held.id, asset_id=pictures[0].id)
    Asset.objects.filter(id=pictures[1].id).update(rating=3, favorite_of=[person.user.id])
    Asset.objects.filter(id=pictures[2].id).update(trashed_at="2026-11-20T00:00Z")
    visitor: Visitor = visit(
        color_scheme=scheme, reduced_motion="reduce", viewport={"width": 1024, "height": 800}
    )
    visitor.come_in(person)
    found = {path: barriers(visitor.go(path)) for path in ("/collections", "/library/filters", "/trash")}
    page = opened(visitor, f"/library?collection={held.id}")
    page.locator(".grid .tile").hover()
    page.locator(".tick").click()
    page.locator("#collecting summary").click()
    found["bulk"] = barriers(page)
    page = opened(visitor, "/library?rating=0&favorite=false")
    expect(page.locator("#total")).to_have_text("2 pictures")
    page.locator("summary", has_text="Shape").click()
    expect(page.get_by_role("link", name=re.compile("^3:2"))).to_be_visible()
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
    found["menu"] = barriers(page)
    page.keyboard.press("Escape")
    page.locator(".grid .tile a").first.focus()
    page.keyboard.press(" ")
    expect(page.locator("#peek")).to_be_visible()
    found["preview"] = barriers(page)
    assert {path: said for path, said in found.items() if said} == {}
