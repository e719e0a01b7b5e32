"""Comparing in a real browser: prices as one ticks, windows that zoom together, votes by keys."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from generations.actions import voting
from generations.models import Generation, Vote
from tests.browser.conftest import Visitor
from tests.conftest import Person
from tests.web.conftest import brought

pytestmark = pytest.mark.browser


def test_from_a_prompt_to_a_verdict_by_keyboard(visitor: Visitor, person: Person) -> None:
    page = visitor.go("/compare")
    page.keyboard.press("n")
    page.keyboard.type("a heron, 黎明")
    for gateway in ("aigateway", "threedai"):
        page.locator(f'[id="column-{gateway}:2K"]').focus()
        page.keyboard.press("Space")
        expect(page.locator(f'[id="column-{gateway}:2K"]')).not_to_be_checked()
    expect(page.locator("#compare-now")).to_have_text("Compare 2 columns · $0.049")
    page.locator("#compare-now").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/comparisons/*?blind=1")
    expect(page.get_by_role("button", name="A is best")).to_be_visible(timeout=30_000)
    assert "Runware" not in page.content()
    page.keyboard.press("+")
    expect(page.locator("[data-panes-level]")).to_have_text("1.5×")
    transforms = page.locator("[data-pane] img").evaluate_all("all => all.map((one) => one.style.transform)")
    assert len(transforms) == 2
    assert len(set(transforms)) == 1
    expect(page.locator("[data-pane] img").first).to_have_attribute("src", re.compile("size=whole"))
    page.goto(visitor.address + "/arena")
    expect(page.locator("[data-pane] img")).to_have_count(2)
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".verdict")).to_contain_text("You chose")
    expect(page.get_by_role("heading", name="Nothing to judge")).to_be_visible()
    cast = Vote.objects.get()
    left = voting.mixed(voting.columns_of(person.principal, cast.comparison))[0]
    assert cast.winner == left.generation
    assert person.wallet.spent == 49_000

    page.get_by_role("link", name="Ranking").press("Enter")
    page.wait_for_url("**/ranking*")
    expect(page.get_by_text("1 blind vote in all your projects.")).to_be_visible()
    expect(page.get_by_text("Too few votes: 1 of 10")).to_have_count(2)
    page.get_by_role("link", name="By seconds").press("Enter")
    page.wait_for_url("**by=seconds*")
    expect(page.locator(".standings > li")).to_have_count(2)


def test_a_picture_of_the_library_is_built_on_in_every_column(visitor: Visitor, person: Person) -> None:
    picture = brought(person)
    page = visitor.go("/compare")
    expect(page.locator('[id="column-bytespike:1K"]')).to_have_count(1)
    page.locator("[data-open-picker]").press("Enter")
    page.locator(f"[data-pick='{picture.id}']").press("Enter")
    page.keyboard.press("Escape")
    expect(page.locator(".reference img")).to_have_count(1)
    expect(page.locator('[id="column-bytespike:1K"]')).to_have_count(0)
    page.locator("#prompt").fill("a heron")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/comparisons/*")
    made = Generation.objects.all()
    assert [use.asset_id for one in made for use in one.reference_uses.all()] == [picture.id] * 4
