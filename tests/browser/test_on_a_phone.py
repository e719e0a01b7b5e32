"""What a phone must give: what went wrong is in sight, a press is seen, no slip costs money."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.conftest import Visitor
from tests.conftest import Person, ask, ended

pytestmark = pytest.mark.browser
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def phone(visit: Any, person: Person) -> Page:
    visitor: Visitor = visit(**PHONE)
    return visitor.come_in(person)


def test_what_is_to_be_mended_is_in_sight_and_has_the_keyboard(phone: Page) -> None:
    phone.locator("#prices").scroll_into_view_if_needed()
    phone.get_by_role("button", name="Generate").tap()
    expect(phone.locator("#error-prompt")).not_to_be_empty()
    expect(phone.locator("#prompt")).to_be_focused()
    expect(phone.locator("#error-prompt")).to_be_in_viewport()
    expect(phone.locator("#prompt")).to_be_in_viewport()


def test_a_refusal_said_beside_the_button_leaves_the_page_where_it_is(phone: Page) -> None:
    phone.locator("#prompt").fill("a boat")
    expect(phone.locator("[data-unpriced]")).to_have_count(0)
    phone.locator("[name=shown]").evaluate("one => (one.value = '1')")
    phone.evaluate("scrollTo(0, 300)")
    phone.get_by_role("button", name="Generate").tap()
    expect(phone.locator("#error-all")).to_contain_text("Press again if that is right.")
    expect(phone.locator("#generate")).to_be_focused()
    assert phone.evaluate("scrollY") == 300


def test_a_press_is_answered_in_sight_and_the_answer_leads_to_the_work(phone: Page) -> None:
    phone.locator("#prompt").fill("a boat")
    for _press in range(2):
        expect(phone.locator("[data-unpriced]")).to_have_count(0)
        works = phone.locator(".work").count()
        phone.get_by_role("button", name="Generate").tap()
        expect(phone.locator(".work")).to_have_count(works + 1)
    shown = phone.locator(".queued")
    expect(shown).to_have_count(1)
    expect(shown).to_be_in_viewport()
    expect(phone.locator("[data-unpriced]")).to_have_count(0)  # until then another button may take its place
    notice, button = shown.bounding_box(), phone.locator("#generate").bounding_box()
    assert notice
    assert button
    assert notice["y"] + notice["height"] < button["y"]
    shown.get_by_role("link", name="Show").tap()
    expect(shown).to_have_count(0)
    expect(phone.locator(".work").first).to_be_in_viewport(ratio=0.3)


def test_a_refused_file_keeps_its_sentence_until_another_is_brought(phone: Page) -> None:
    bad = FilePayload(name="boat.png", mimeType="image/png", buffer=b"<html>")
    phone.locator("#reference-file").set_input_files(bad)
    expect(phone.locator("#error-file")).to_contain_text("“boat.png”")
    with phone.expect_response("**/quotes"):
        phone.locator("#count").fill("2")
    expect(phone.get_by_role("button", name="Generate")).to_contain_text("$0.028")
    expect(phone.locator("#error-file")).to_contain_text("“boat.png”")


def test_no_thumb_buys_a_final_by_a_slip(phone: Page, person: Person) -> None:
    ended(ask(person, "a heron", resolution="1K"))
    phone.reload()
    expect(phone.locator(".made form")).to_have_count(1)
    expect(phone.locator(".made form")).to_be_hidden()


def test_a_single_picture_takes_the_width_there_is(phone: Page, person: Person) -> None:
    ended(ask(person, "a heron"))
    phone.reload()
    tile, stream = phone.locator(".work .tile").bounding_box(), phone.locator("#stream").bounding_box()
    assert tile
    assert stream
    assert tile["width"] >= stream["width"] - 2


def test_money_that_is_not_real_is_marked_where_there_is_little_room(phone: Page) -> None:
    mark = phone.locator("#purse .badge.sandbox")
    expect(mark.locator("svg")).to_be_visible()
    expect(phone.locator("#purse")).to_contain_text("sandbox")


def test_a_table_hides_none_of_its_columns(phone: Page) -> None:
    phone.goto(urljoin(phone.url, "/models/seedream-5-lite"))
    table = phone.locator(".table").first
    assert table.evaluate("one => one.scrollWidth <= one.clientWidth")
    assert "Median seconds" in table.locator("td").nth(3).evaluate(
        "one => getComputedStyle(one, '::before').content"
    )


def test_little_height_is_left_to_the_page(visit: Any, person: Person) -> None:
    """A laptop at 200 %: what stays in sight on a tall window scrolls away."""
    page = visit(viewport={"width": 640, "height": 400}).come_in(person)
    page.evaluate("scrollTo(0, 300)")
    for part in (".bar", ".places", ".footer"):
        expect(page.locator(part)).not_to_be_in_viewport()
    page.locator(".bar .face").click()
    expect(page.get_by_role("link", name="Settings")).to_be_visible()
