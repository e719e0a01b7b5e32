"""From a prompt to a picture kept for ever, in a real browser."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import FilePayload, expect

from generations.models import Asset, Generation
from providers.sandbox.client import Control
from tests.browser.conftest import LONG, PASSWORD, Visitor, finish
from tests.conftest import Person, ask, ended, eventually, png

pytestmark = pytest.mark.browser


def test_by_keyboard_alone_from_signing_in_to_the_wallet(visit: Any, person: Person) -> None:
    visitor: Visitor = visit()
    page = visitor.go("/")
    page.keyboard.type(person.user.email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(visitor.address + "/")
    page.keyboard.press("n")
    page.keyboard.type("A heron in the reeds, 黎明")
    expect(page.get_by_role("button", name="Generate")).to_have_text("Generate · $0.014")
    page.locator("#count").focus()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("button", name="Generate")).to_have_text("Generate · $0.028")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".work")).to_have_count(1)
    expect(page.locator("#prompt")).to_have_value("A heron in the reeds, 黎明")
    expect(page.locator(".work .tile img")).to_have_count(2)
    expect(page.locator(".purse")).to_contain_text("$99.972")

    page.keyboard.press("Escape")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_url("**/pictures/**")
    expect(page.locator("#said-prompt")).to_have_text("A heron in the reeds, 黎明")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(f"**/pictures/{Asset.objects.order_by('-id')[0].id}*")
    page.keyboard.press("Escape")
    page.wait_for_url("**/library?**")
    page.goto(visitor.address + "/wallet")
    expect(page.locator(".figures")).to_contain_text("$0.028")
    assert person.wallet.spent == 28_000


def test_a_press_clears_the_way_for_the_next_one_at_once(visitor: Visitor, control: Control) -> None:
    control.settings(latency=2)
    page = visitor.page
    page.locator("#prompt").fill("the first")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".work")).to_have_count(1)
    page.locator("#prompt").fill("the second")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".work")).to_have_count(2)
    expect(page.locator(".work .prompt").first).to_have_text("the second")
    assert eventually(lambda: Generation.objects.filter(status="succeeded").count() == 2)
    expect(page.locator(".work .tile img")).to_have_count(2)
    expect(page.locator("[data-live]")).to_have_count(0)


def test_a_press_far_down_the_stream_is_answered_and_leads_to_its_work(visitor: Visitor) -> None:
    page = visitor.page
    page.set_viewport_size({"width": 1280, "height": 420})

    def press(prompt: str) -> None:
        page.locator("#prompt").fill(prompt)
        expect(page.locator("[data-unpriced]")).to_have_count(0)
        page.keyboard.press("Control+Enter")
        expect(page.locator(".work").first).to_contain_text(prompt)

    for prompt in ("a tern", "a gull", "an auk"):
        press(prompt)
        expect(page.locator(".queued")).to_have_count(0)
    page.mouse.move(1000, 300)
    page.mouse.wheel(0, 5_000)
    expect(page.locator(".work").first).not_to_be_in_viewport()
    press("a heron")
    notice, form = page.locator(".queued").bounding_box(), page.locator("#composer").bounding_box()
    assert notice
    assert form
    assert notice["x"] >= form["x"] + form["width"]
    page.locator(".queued").get_by_role("link", name="Show").click()
    expect(page.locator(".queued")).to_have_count(0)
    expect(page.locator(".work", has_text="a heron")).to_be_in_viewport(ratio=0.3)


def test_work_that_goes_on_keeps_the_focus_where_it_is(visitor: Visitor, control: Control) -> None:
    control.settings(latency=LONG)
    page = visitor.page
    page.locator("#prompt").fill("a tern")
    page.locator("#provider-threedai").check()
    expect(page.locator("#generate .price")).to_have_text("$0.040")
    page.keyboard.press("Control+Enter")
    page.locator(".work").get_by_role("button", name="Cancel").focus()
    eventually(lambda: control.bill("threedai"), what="the gateway's taking it on")
    control.advance(LONG / 2)
    expect(page.locator(".work .state")).to_contain_text(re.compile(r"[5-9]\d %"))
    expect(page.locator(".work").get_by_role("button", name="Cancel")).to_be_focused()
    finish(control)
    expect(page.locator(".work .tile img")).to_have_count(1)
    expect(page.locator(".work .prompt a")).to_be_focused()


def test_closing_the_tab_loses_nothing(
    visit: Any, visitor: Visitor, person: Person, control: Control
) -> None:
    control.settings(latency=1)
    visitor.page.locator("#prompt").fill("left alone")
    visitor.page.keyboard.press("Control+Enter")
    expect(visitor.page.locator(".work")).to_have_count(1)
    visitor.page.close()
    ended(Generation.objects.get())
    again: Visitor = visit()
    expect(again.sign_in(person).locator(".work .tile img")).to_have_count(1)


def test_a_refused_prompt_is_changed_and_not_tried_again(visitor: Visitor, control: Control) -> None:
    control.fault("refused_content", prompt_contains="storm", times=None)
    page = visitor.page
    page.locator("#prompt").fill("a storm")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".work .said.bad")).to_contain_text("You were not charged")
    expect(page.get_by_role("button", name="Try again")).to_have_count(0)
    page.get_by_role("link", name="Change the prompt").click()
    expect(page.locator("#prompt")).to_have_value("a storm")


def test_failed_work_says_why_and_can_be_tried_again(visitor: Visitor, control: Control) -> None:
    control.fault("fails", prompt_contains="storm", times=None)
    page = visitor.page
    page.locator("#prompt").fill("a storm")
    page.locator("#provider-prospolabs").check()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".work .said.bad")).to_contain_text("not charged")
    control.clear_faults()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".work .tile img")).to_have_count(1)


def test_references_are_dropped_pasted_and_taken_out(visitor: Visitor) -> None:
    page = visitor.page
    files: list[FilePayload] = [
        {"name": f"{color}.png", "mimeType": "image/png", "buffer": png(color=color)}
        for color in ("red", "blue")
    ]
    page.locator("#reference-file").set_input_files(files)
    expect(page.locator(".reference img")).to_have_count(2)
    expect(page.locator(".price-line", has_text="Bytespike")).to_contain_text("Takes no references")
    page.evaluate(
        """async () => {
          const canvas = Object.assign(document.createElement("canvas"), {width: 40, height: 40});
          const blob = await new Promise((done) => canvas.toBlob(done));
          const data = new DataTransfer();
          data.items.add(new File([blob], "pasted.png", {type: "image/png"}));
          document.querySelector("#prompt").dispatchEvent(
            new ClipboardEvent("paste", {clipboardData: data, bubbles: true}));
        }"""
    )
    expect(page.locator(".reference img")).to_have_count(3)
    for _ in range(3):
        page.locator(".reference:not(.add) label").first.click()
    expect(page.locator(".reference img")).to_have_count(0)
    expect(page.locator(".price-line", has_text="Bytespike")).not_to_contain_text("Takes no references")


def test_one_bad_file_among_references_does_not_keep_the_good_ones_out(visitor: Visitor) -> None:
    page = visitor.page
    bad: FilePayload = {"name": "bad.txt", "mimeType": "text/plain", "buffer": b"no picture"}
    good: list[FilePayload] = [
        {"name": f"{color}.png", "mimeType": "image/png", "buffer": png(color=color)}
        for color in ("red", "blue")
    ]
    page.locator("#reference-file").set_input_files([bad, *good])
    expect(page.locator(".reference img")).to_have_count(2)
    expect(page.locator("#error-file")).to_contain_text("“bad.txt”: File is not a PNG")
    expect(page.locator(".price-line", has_text="Bytespike")).to_contain_text("Takes no references")
    page.locator("#reference-file").set_input_files(good)
    expect(page.locator("#error-file")).to_be_empty()


def test_a_day_without_spending_is_a_line_in_the_chart_and_no_bar(visitor: Visitor, person: Person) -> None:
    heights = """all => all.filter((one) => getComputedStyle(one).fill !== "rgba(0, 0, 0, 0)")
      .map((one) => one.getBBox().height)"""
    chart = visitor.go("/wallet").locator(".chart rect")
    assert chart.evaluate_all(heights) == [2] * 30
    ended(ask(person))
    chart = visitor.go("/wallet").locator(".chart rect")
    assert sorted(chart.evaluate_all(heights)) == [*[2] * 29, 96]


def test_trash_is_undone_by_one_press(visitor: Visitor, person: Person) -> None:
    generation = ended(ask(person, "a heron"))
    page = visitor.go(f"/pictures/{generation.assets.get().id}")
    page.get_by_role("button", name="Move to trash").click()
    expect(page.get_by_text("No pictures yet")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".tile img")).to_have_count(1)


def test_without_script_everything_still_works(visit: Any, person: Person) -> None:
    visitor: Visitor = visit(java_script_enabled=False)
    page = visitor.sign_in(person)
    page.locator("#prompt").fill("a plain heron")
    page.locator("#count").fill("2")
    page.get_by_role("button", name="Generate").click()
    expect(page.locator("#error-all")).to_contain_text("This costs $0.028")
    page.get_by_role("button", name="Generate · $0.028").click()
    page.wait_for_url("**#generation-*")
    ended(Generation.objects.get())
    page.get_by_role("link", name="Show what is new").click()
    expect(page.locator(".work .tile img")).to_have_count(2)
    page.locator(".tile").first.click()
    expect(page.locator("#said-prompt")).to_have_text("a plain heron")
    visitor.go("/library?q=plain")
    expect(page.locator(".tile img").first).to_be_visible()


def test_a_session_that_ends_while_composing_takes_nothing_away(visitor: Visitor) -> None:
    page = visitor.page
    page.locator("#prompt").fill("many words")
    visitor.context.clear_cookies(name="sessionid")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".notice").first).to_contain_text("Nothing you typed is lost")
    expect(page.locator("#prompt")).to_have_value("many words")


@pytest.mark.usefixtures("interceptable")
def test_a_server_that_is_away_is_said_and_waited_for(visitor: Visitor) -> None:
    page = visitor.page
    page.locator("#prompt").fill("many words")
    page.route("**/generations", lambda route: route.abort())
    page.keyboard.press("Control+Enter")
    expect(page.locator(".notice")).to_contain_text("The server does not answer")
    visitor.trouble.clear()
    page.unroute("**/generations")
    page.locator("#prompt").focus()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".work .tile img")).to_have_count(1)
