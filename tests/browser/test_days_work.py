"""Making, finding, judging, collecting, throwing away and taking back, without a mouse."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from generations.models import Asset, CollectionItem
from tests.browser.conftest import PASSWORD, Visitor
from tests.conftest import Person, eventually

pytestmark = pytest.mark.browser


def test_a_days_work_by_keyboard_alone(visit: Any, person: Person) -> None:
    visitor: Visitor = visit()
    page = visitor.go("/sign-in")
    page.keyboard.type(person.user.email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(visitor.address + "/")
    for prompt in ("a heron", "a stork"):
        page.keyboard.press("n")
        page.keyboard.press("Control+a")
        page.keyboard.type(prompt)
        expect(page.get_by_role("button", name="Generate")).to_have_text("Generate · $0.014")
        page.keyboard.press("Control+Enter")
        expect(page.locator(".work .prompt").first).to_have_text(prompt)
        page.keyboard.press("Escape")
    expect(page.locator(".work .tile img")).to_have_count(2)
    page.keyboard.press("g")
    page.wait_for_url(f"{visitor.address}/library?project={person.project.id}")
    page.keyboard.press("/")
    page.keyboard.type("heron")
    page.wait_for_url("**q=heron**")
    expect(page.locator(".grid .tile")).to_have_count(1)
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("4")
    expect(page.locator(".tile[data-rating='4']")).to_have_count(1)
    page.keyboard.press("c")
    page.keyboard.type("Birds")
    page.keyboard.press("Enter")
    eventually(lambda: CollectionItem.objects.filter(collection__name="Birds"), what="the collection")
    expect(page.locator("#collecting .sheet")).to_be_hidden()
    expect(page.locator(".notice")).to_contain_text("collect")
    page.keyboard.press("Delete")
    expect(page.locator(".grid .tile")).to_have_count(0)
    expect(page.locator(".notice")).to_contain_text("trash")
    page.keyboard.press("Control+z")
    expect(page.locator(".grid .tile")).to_have_count(1)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_url("**/pictures/**")
    page.keyboard.press("s")
    page.get_by_role("button", name="Make a link").press("Enter")
    expect(page.locator(".links .made .address")).to_contain_text("/s/")
    heron = Asset.objects.get(prompt="a heron")
    assert (heron.rating, heron.trashed_at) == (4, None)
