"""The price on a button is that of the form as it stands, whatever arrives late or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("interceptable")]

PAGES = {
    "create": ("/", "#count", "3", "Generate · $0.042"),
    "batch": ("/?many=1", "#prompt", "a heron\na {stork|crane}", "Run batch · $0.042"),
    "compare": ("/compare", "#count", "2", "Compare 4 columns · $0.248"),
}
"""Where; what is changed there, to what; what the button says then."""
EVERY = pytest.mark.parametrize("name", PAGES)


@contextmanager
def held(page: Page, address: str, *, most: int = 100) -> Iterator[list[Route]]:
    """What is asked of an address, ``most`` times, has no answer within the block, and goes on after it."""
    routes: list[Route] = []

    def hold(route: Route) -> None:
        if len(routes) < most:
            routes.append(route)
        else:
            route.continue_()

    page.route(address, hold)
    yield routes
    most = 0
    for route in routes:
        route.continue_()


@EVERY
def test_what_was_typed_before_any_script_ran_is_priced(visitor: Visitor, name: str) -> None:
    path, field, text, button = PAGES[name]
    page = visitor.page
    with held(page, "**/*.js"):
        page.goto(visitor.address + path, wait_until="commit")
        page.locator(field).fill(text)
    expect(page.locator("button.primary.big")).to_have_text(button)


@EVERY
def test_what_the_browser_fills_in_on_the_way_back_is_priced(visitor: Visitor, name: str) -> None:
    path, field, text, button = PAGES[name]
    page = visitor.go(path)
    page.locator(field).fill(text)
    visitor.go("/wallet")
    page.go_back()
    expect(page.locator(field)).to_have_value(text)
    expect(page.locator("button.primary.big")).to_have_text(button)


@EVERY
def test_an_answer_to_what_the_form_said_before_leaves_no_price(visitor: Visitor, name: str) -> None:
    path, field, text, button = PAGES[name]
    page = visitor.go(path)
    with held(page, "**/quotes", most=1):
        with page.expect_request("**/quotes"):
            page.locator(field).fill("4" if field == "#count" else "one\ntwo\nthree\nfour")
        page.locator(field).fill(text)
    expect(page.locator("button.primary.big")).to_have_text(button)
    expect(page.locator("[data-unpriced]")).to_have_count(0)
    expect(page.locator(field)).to_have_value(text)


@EVERY
def test_while_a_price_is_asked_for_the_old_one_is_shown_to_be_old(visitor: Visitor, name: str) -> None:
    path, field, text, button = PAGES[name]
    page = visitor.go(path)
    with held(page, "**/quotes"):
        page.locator(field).fill(text)
        expect(page.locator("[data-unpriced] .primary .price")).to_have_css("opacity", "0.45")
    expect(page.locator("button.primary.big")).to_have_text(button)
    expect(page.locator("[data-unpriced]")).to_have_count(0)


@EVERY
def test_an_answer_that_never_came_is_asked_for_again(visitor: Visitor, name: str) -> None:
    path, field, text, button = PAGES[name]
    page = visitor.go(path)
    page.route("**/quotes", lambda route: route.abort(), times=1)
    page.locator(field).fill(text)
    expect(page.locator("button.primary.big")).to_have_text(button)
    visitor.trouble.clear()  # the browser says that the first was cut


def test_what_is_typed_into_a_form_that_has_only_just_come_is_priced(visitor: Visitor) -> None:
    page = visitor.page
    page.evaluate(
        """document.addEventListener("htmx:afterSwap", () => {
          const prompt = document.querySelector("#prompt");
          prompt.value = "a heron\\na {stork|crane}";
          prompt.dispatchEvent(new Event("input", { bubbles: true }));
        }, { once: true })"""
    )
    page.get_by_role("link", name="Batch", exact=True).click()
    expect(page.locator("button.primary.big")).to_have_text("Run batch · $0.042")


def test_a_button_that_comes_back_for_the_last_wish_is_priced_for_the_next(visitor: Visitor) -> None:
    page = visitor.page
    page.route("**/live*", lambda route: route.fulfill(status=204))  # no end of the work asks for prices anew
    page.locator("#prompt").fill("a heron")
    with held(page, "**/generations"):
        page.keyboard.press("Control+Enter")
        page.locator("#count").fill("3")
        expect(page.locator("#generate")).to_have_text("Generate · $0.042")
    expect(page.locator(".work")).to_have_count(1)
    expect(page.locator("[data-unpriced]")).to_have_count(0)
    expect(page.locator("#generate")).to_have_text("Generate · $0.042")


def test_an_answer_for_a_form_that_is_gone_changes_nothing_of_the_next(visitor: Visitor) -> None:
    page = visitor.page
    button = page.locator("#generate")
    with page.expect_response("**/quotes"), held(page, "**/quotes", most=1):
        with page.expect_request("**/quotes"):
            page.locator("#count").fill("3")
        page.get_by_role("link", name="Batch", exact=True).click()
        expect(button).to_have_text("Run batch · $0.042")
    expect(button).to_have_text("Run batch · $0.042")
    page.locator("#prompt").fill("a heron\na stork")
    expect(button).to_have_text("Run batch · $0.084")


def test_typing_elsewhere_on_the_page_drops_no_price(visitor: Visitor) -> None:
    page = visitor.go("/compare")
    with held(page, "**/quotes", most=1):
        with page.expect_request("**/quotes"):
            page.locator("#count").fill("2")
        page.get_by_role("searchbox", name="Search prompts").fill("heron")
    expect(page.locator("#compare-now")).to_have_text("Compare 4 columns · $0.248")


def test_what_was_changed_while_a_form_was_refused_is_kept(visitor: Visitor) -> None:
    page = visitor.page
    with held(page, "**/generations"):
        page.locator("#prompt").press("Control+Enter")
        page.locator("#prompt").fill("a heron")
        page.locator("#count").fill("3")
        page.locator("#aspect-5").check(force=True)
    expect(page.locator("#error-prompt")).not_to_be_empty()
    expect(page.locator("#prompt")).to_have_value("a heron")
    expect(page.locator("#count")).to_have_value("3")
    expect(page.locator("#aspect-5")).to_be_checked()
    expect(page.locator("#generate")).to_have_text("Generate · $0.042")


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
