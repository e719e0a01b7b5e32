"""Where answers take their time: no press is lost, no deed is undone, nothing that was picked is left out."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from generations.models import Asset, Generation
from providers.sandbox.client import Control
from tests.browser.conftest import LONG, Visitor
from tests.browser.library import COLORS, bring, opened
from tests.browser.test_prices import held
from tests.conftest import Person, ask, eventually

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("interceptable")]

FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def test_a_key_pressed_as_soon_as_an_answer_is_shown_opens_no_new_page(
    visitor: Visitor, person: Person
) -> None:
    (picture,) = bring(person, COLORS[:1])
    page = visitor.go(f"/pictures/{picture.id}")
    page.evaluate(
        """() => {
          window.stayed = true;
          const key = new KeyboardEvent("keydown", {key: "f", bubbles: true});
          const press = () => document.body.dispatchEvent(key);
          document.addEventListener("htmx:afterSwap", () => queueMicrotask(press), {once: true});
        }"""
    )
    page.keyboard.press("4")
    expect(page.locator("#favorite")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".star.on")).to_have_count(4)
    assert page.evaluate("window.stayed")


def test_the_last_of_two_deeds_stays_however_slow_the_first(visitor: Visitor, person: Person) -> None:
    (picture,) = bring(person, COLORS[:1])
    page = opened(visitor)
    routes: list[Route] = []
    free = False
    page.route("**/library/bulk", lambda route: route.continue_() if free else routes.append(route))
    page.locator(".grid .tile a").focus()
    for key in "45":
        page.keyboard.press(key)
        expect(page.locator(f".tile[data-rating='{key}']")).to_have_count(1)
    free = True
    for route in reversed(routes):
        with page.expect_response("**/library/bulk"):
            route.continue_()

    def rated() -> bool:
        expect(page.locator(".tile[data-rating='5']")).to_have_count(1)
        return Asset.objects.get(id=picture.id).rating == 5

    eventually(rated, what="the last rating")


def test_pictures_picked_while_the_first_is_on_its_way_all_come(visitor: Visitor, person: Person) -> None:
    pictures = bring(person, COLORS[:4])
    page = visitor.go("/")
    page.locator("[data-open-picker]").click()
    with held(page, "**/references/tray?*"):
        for picture in pictures:
            page.locator(f"[data-pick='{picture.id}']").click()
    expect(page.locator(".reference img")).to_have_count(4)
    expect(page.locator("[data-pick][aria-pressed=true]")).to_have_count(4)


def test_a_draft_that_is_left_before_its_pictures_had_come_keeps_them(
    visitor: Visitor, person: Person
) -> None:
    first, second = bring(person, COLORS[:2])
    page = visitor.go("/")
    page.locator("#prompt").fill("many words")
    visitor.go(f"/?reference={first.id}")
    drafts = "() => Object.values(localStorage).join()"
    eventually(lambda: str(first.id) in page.evaluate(drafts), what="the draft")
    with held(page, "**/references/tray?*"):
        visitor.go(f"/?reference={second.id}")
        eventually(lambda: str(second.id) in page.evaluate(drafts), what="the draft with both")
        visitor.go("/wallet")
    visitor.go("/")
    expect(page.locator(".reference img")).to_have_count(2)


def test_a_price_that_comes_while_the_button_is_pressed_takes_no_click(visitor: Visitor) -> None:
    page = visitor.page
    with page.expect_response("**/quotes"), held(page, "**/quotes"):
        with page.expect_request("**/quotes"):
            page.locator("#prompt").fill("a heron")
        page.locator("#generate").hover()
        page.mouse.down()
    page.evaluate(FRAMES)
    page.mouse.up()
    expect(page.locator(".work")).to_have_count(1)
    expect(page.locator("[data-unpriced]")).to_have_count(0)


def test_news_that_come_while_a_button_is_pressed_take_no_click(
    visitor: Visitor, person: Person, control: Control
) -> None:
    control.settings(picture="tiny", latency=LONG)
    made = ask(person, "a heron", provider="threedai")
    page = visitor.go("/")
    page.locator(".work").get_by_role("button", name="Cancel").hover()
    page.mouse.down()
    with page.expect_response(lambda answer: "/live?" in answer.url and answer.status == 200):
        control.advance(LONG / 2)
    page.evaluate(FRAMES)
    page.mouse.up()
    expect(page.locator(".work")).to_contain_text("Canceling")
    made.refresh_from_db()
    assert made.cancel_requested_at


def press(page: Page, *prompts: str) -> None:
    for prompt in prompts:
        page.locator("#prompt").fill(prompt)
        page.keyboard.press("Control+Enter")


def made() -> list[str]:
    return list(Generation.objects.order_by("id").values_list("prompt", flat=True))


def test_prompts_pressed_while_the_first_is_on_its_way_are_all_taken_in_their_order(visitor: Visitor) -> None:
    page = visitor.page
    with held(page, "**/generations"):
        press(page, "a heron", "a stork", "a crane", "a heron")
        page.locator("#prompt").fill("an owl, not pressed")
    expect(page.locator(".work")).to_have_count(4)
    assert made() == ["a heron", "a stork", "a crane", "a heron"]
    expect(page.locator("#prompt")).to_have_value("an owl, not pressed")


def test_the_same_button_pressed_again_before_its_answer_is_one_wish(visitor: Visitor) -> None:
    page = visitor.page
    answers: list[int] = []
    page.on("response", lambda it: answers.append(it.status) if it.url.endswith("/generations") else None)
    with held(page, "**/generations"):
        press(page, "a heron", "a stork")
        page.locator("#generate").dblclick()
    eventually(lambda: page.evaluate("1") and len(answers) == 4, what="all answers")
    assert made() == ["a heron", "a stork"]
    expect(page.locator(".work")).to_have_count(2)


def test_drafts_pressed_while_a_prompt_is_on_its_way_are_drafts(visitor: Visitor) -> None:
    page = visitor.page
    with held(page, "**/generations"):
        press(page, "a heron")
        page.get_by_role("button", name="10 drafts").click()
    expect(page.locator(".work")).to_have_count(2)
    assert list(Generation.objects.order_by("id").values_list("requested", flat=True)) == [1, 10]


def test_a_prompt_that_is_refused_is_told_and_holds_none_up_that_were_pressed_after_it(
    visitor: Visitor,
) -> None:
    page = visitor.page
    with held(page, "**/generations"):
        page.locator("#count").fill("50")
        press(page, "a heron")
        page.locator("#count").fill("1")
        press(page, "a stork", "a crane")
    expect(page.locator(".work")).to_have_count(2)
    assert made() == ["a stork", "a crane"]
    expect(page.locator(".notice.bad")).to_contain_text("a heron")
    expect(page.locator("#prompt")).to_have_value("a crane")
    press(page, "")
    expect(page.locator("#error-prompt")).not_to_be_empty()
    expect(page.locator("#prompt")).to_be_focused()


def test_what_was_pressed_is_taken_although_its_page_is_left(visitor: Visitor) -> None:
    page = visitor.page
    with held(page, "**/generations", most=1):
        press(page, "a heron", "a stork", "a crane")
        visitor.go("/wallet")
        eventually(lambda: {"a stork", "a crane"} <= set(made()), what="those that waited")


def test_a_price_that_comes_with_an_answer_is_not_taken_for_that_of_later_words(visitor: Visitor) -> None:
    page = visitor.page
    with held(page, "**/generations"):
        press(page, "a heron", "a stork")
        page.locator("#count").fill("3")
    expect(page.locator(".work")).to_have_count(2)
    expect(page.get_by_role("button", name="Generate")).to_have_text("Generate · $0.042")
    expect(page.locator("[data-unpriced]")).to_have_count(0)
