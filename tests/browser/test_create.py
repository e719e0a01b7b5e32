"""Making pictures in a real browser: what is written is never lost, and what runs is seen to run."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from accounts.models import Membership, Role
from generations.actions import uploads
from generations.models import Batch, Generation, Preset
from providers.models import ProviderAccount
from providers.sandbox.client import Control
from tests.browser.conftest import LONG, PASSWORD, Visitor, finish
from tests.conftest import Person, ask, ended, eventually, make_person, png

pytestmark = pytest.mark.browser


def brought(person: Person, color: str = "teal") -> str:
    asset = uploads.upload(
        principal=person.principal,
        project_id=person.project.id,
        chunks=[png(color=color)],
        name=f"{color}.png",
    )
    return str(asset.id)


def test_what_was_written_outlives_the_tab_and_is_gone_once_sent(visitor: Visitor, person: Person) -> None:
    picture = brought(person)
    page = visitor.go("/")
    page.locator("#prompt").fill("many words")
    page.locator("[data-open-picker]").click()
    page.locator(f"[data-pick='{picture}']").click()
    expect(page.locator(".reference img")).to_have_count(1)
    page.keyboard.press("Escape")
    page.locator("#aspect-5").check(force=True)
    page.locator("#count").fill("3")
    page.locator("summary", has_text="More").click()
    page.locator("#negative_prompt").fill("people")
    eventually(lambda: "people" in str(page.evaluate("Object.values(localStorage)")), what="the draft")
    page.close(run_before_unload=False)  # as a tab that crashes: it is not asked

    visitor.page = page = visitor.context.new_page()
    visitor.watch()
    visitor.go("/")
    expect(page.locator("#prompt")).to_have_value("many words")
    expect(page.locator(".reference img")).to_have_count(1)
    expect(page.locator("#negative_prompt")).to_be_visible()
    expect(page.locator("#count")).to_have_value("3")
    expect(page.locator("#aspect-5")).to_be_checked()
    page.locator("#negative_prompt").fill("")
    expect(page.get_by_role("button", name="Generate")).to_have_text("Generate · $0.042")
    page.locator("#prompt").press("Control+Enter")
    expect(page.locator(".work")).to_have_count(1)
    visitor.go("/")
    expect(page.locator("#prompt")).to_have_value("")
    assert (
        page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('seedbank.draft')).length")
        == 0
    )


def test_a_picture_taken_as_reference_joins_what_was_written(visitor: Visitor, person: Person) -> None:
    page = visitor.go("/")
    page.locator("#prompt").fill("many words")
    for color, number in (("teal", 1), ("plum", 2)):
        visitor.go(f"/pictures/{brought(person, color)}")
        page.get_by_role("link", name="Use as reference").click()
        expect(page.locator(".reference img")).to_have_count(number)
        expect(page.locator("#prompt")).to_have_value("many words")
        eventually(
            lambda n=number: str(page.evaluate("Object.values(localStorage)")).count("asset:") == n,  # type: ignore[misc]
            what="the draft",
        )
    visitor.go("/")
    expect(page.locator(".reference img")).to_have_count(2)


def test_what_one_person_wrote_is_not_shown_to_the_next(visitor: Visitor, person: Person) -> None:
    colleague = make_person("bea@example.com")
    Membership.objects.create(project=person.project, user=colleague.user, role=Role.EDITOR)
    home = f"/?project={person.project.id}"
    page = visitor.go(home)
    page.locator("#prompt").fill("my own words")
    eventually(lambda: "my own words" in str(page.evaluate("Object.values(localStorage)")), what="the draft")
    visitor.context.clear_cookies(name="sessionid")
    visitor.come_in(colleague)
    visitor.go(home)
    expect(page.get_by_role("button", name="Generate")).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.locator("#prompt")).to_have_value("")
    visitor.context.clear_cookies(name="sessionid")
    visitor.come_in(person)
    visitor.go(home)
    expect(page.locator("#prompt")).to_have_value("my own words")


def test_signing_in_again_in_another_tab_lets_this_one_go_on(visitor: Visitor, person: Person) -> None:
    page = visitor.page
    page.locator("#prompt").fill("many words")
    visitor.context.clear_cookies(name="sessionid")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".notice").first).to_contain_text("Nothing you typed is lost")
    other = visitor.context.new_page()
    other.goto(visitor.address + "/sign-in")
    other.get_by_label("E-mail").fill(person.user.email)
    other.get_by_label("Password", exact=True).fill(PASSWORD)
    other.keyboard.press("Enter")
    other.wait_for_url(visitor.address + "/")
    page.locator("#prompt").press("Control+Enter")
    expect(page.locator(".work .tile img")).to_have_count(1)


def test_a_batch_from_its_words_to_its_pictures(visitor: Visitor, control: Control) -> None:
    ProviderAccount.objects.filter(provider="prospolabs").update(max_in_flight=1)
    control.settings(latency=LONG)
    page = visitor.page
    page.locator("#prompt").fill("a boat at {dawn|dusk}")
    page.get_by_role("link", name="Batch", exact=True).press("Enter")
    expect(page.locator("#prompt")).to_have_value("a boat at {dawn|dusk}")
    page.locator("#prompt").press("End")
    page.keyboard.insert_text("\na {heron|stork}")
    expect(page.get_by_role("button", name="Run batch")).to_have_text("Run batch · $0.056")
    expect(page.locator(".sum")).to_contain_text("4 prompts · 4 pictures")
    page.locator("#prompt").press("Control+Enter")
    page.wait_for_url("**/batches/**")
    page.get_by_role("button", name="Pause").press("Enter")
    expect(page.locator("#batch-head .state")).to_have_text("Paused")
    assert Axe().run(page).response["violations"] == []
    page.get_by_role("button", name="Resume").press("Enter")
    ProviderAccount.objects.filter(provider="prospolabs").update(max_in_flight=100)
    finish(control)
    expect(page.locator(".work .tile img")).to_have_count(4)
    expect(page.locator("#batch-head .state")).to_have_text("Ended")
    expect(page.locator(".batch-figures")).to_contain_text("$0.056")
    visitor.go("/")
    expect(page.locator("#prompt")).to_have_value("")
    assert Batch.objects.get().works == 4


@pytest.mark.usefixtures("interceptable")
def test_where_no_stream_gets_through_work_is_asked_about(visitor: Visitor, control: Control) -> None:
    control.settings(picture="tiny", latency=1)
    page = visitor.page
    page.route("**/live/events*", lambda route: route.abort())
    page.locator("#prompt").fill("a boat")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".work .tile img")).to_have_count(1)
    expect(page.locator(".purse")).to_contain_text("$99.986")
    page.close()
    visitor.trouble.clear()  # the browser says that the stream was cut


def test_where_only_the_stream_gets_through_often_it_is_enough(visitor: Visitor, control: Control) -> None:
    """Two tabs watch the same work; in both it comes, and the wallet with it."""
    control.settings(latency=LONG)
    page, second = visitor.page, visitor.context.new_page()
    page.locator("#prompt").fill("a boat")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".work")).to_have_count(1)
    with second.expect_event("request", lambda request: "/live/events" in request.url):
        second.goto(visitor.address + "/")
    finish(control)
    for tab in (page, second):
        expect(tab.locator(".work .tile img")).to_have_count(1)
        expect(tab.locator(".purse")).to_contain_text("$99.986")


def test_drafts_and_the_final_of_the_best(visitor: Visitor) -> None:
    page = visitor.page
    page.locator("#prompt").fill("a heron")
    page.get_by_role("button", name="10 drafts").click()
    expect(page.locator(".work .tile img")).to_have_count(10)
    page.locator(".tile a").nth(3).focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**#generation-*")
    expect(page.locator(".work").first).to_contain_text("final")
    expect(page.locator(".work").first.locator(".tile img")).to_have_count(1)
    assert ended(Generation.objects.get(relation="final")).source is not None


def test_a_preset_is_kept_and_used_by_keyboard(visitor: Visitor) -> None:
    page = visitor.page
    page.locator("#count").fill("4")
    page.locator(".presets summary").press("Enter")
    page.locator("#preset-name").fill("Fours")
    page.keyboard.press("Enter")
    expect(page.locator(".notice")).to_contain_text("The preset Fours is kept.")
    expect(page.locator(".presets summary")).to_contain_text("Fours")
    visitor.go("/")
    page.locator("#prompt").fill("a boat")
    page.locator(".presets summary").press("Enter")
    page.get_by_role("link", name="Fours").press("Enter")
    expect(page.locator("#count")).to_have_value("4")
    expect(page.locator("#prompt")).to_have_value("a boat")
    expect(page.get_by_role("button", name="Generate")).to_have_text("Generate · $0.056")
    page.locator("#count").press("Enter")  # Enter in a field generates; it keeps no preset
    expect(page.locator(".work")).to_have_count(1)
    assert Preset.objects.count() == 1


def test_a_preset_is_named_as_soon_as_its_menu_is_opened(visitor: Visitor) -> None:
    page = visitor.page
    page.locator(".presets summary").click()
    expect(page.locator("#preset-name")).to_be_focused()
    page.keyboard.type("ngz")
    expect(page.locator("#preset-name")).to_have_value("ngz")


def test_pictures_of_the_stream_are_dragged_into_the_form(visitor: Visitor, person: Person) -> None:
    ended(ask(person, "a heron"))
    page = visitor.go("/")
    page.locator(".tile a").drag_to(page.locator("#prompt"))
    expect(page.locator(".reference img")).to_have_count(1)
    page.locator("[data-open-picker]").click()
    expect(page.locator("[data-pick][aria-pressed=true]")).to_have_count(1)
    page.locator("#picker-q").fill("zeppelin")
    expect(page.locator("#picks")).to_contain_text("No picture has these words.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_barrier_in_what_opens_on_the_desk(scheme: Any, visit: Any, person: Person) -> None:
    brought(person)
    Preset.objects.create(user=person.user, project=person.project, name="Shared", body={})
    visitor: Visitor = visit(color_scheme=scheme, reduced_motion="reduce")
    page = visitor.come_in(person)
    page.locator(".presets summary").click()
    found = {"presets menu": Axe().run(page).response["violations"]}
    visitor.go("/?many=1")
    found["many"] = Axe().run(page).response["violations"]
    page.locator("[data-open-picker]").click()
    page.locator("[data-pick]").first.wait_for()
    found["picker"] = Axe().run(page).response["violations"]
    said = {
        name: [(one["id"], one["nodes"][0]["html"][:150]) for one in all_] for name, all_ in found.items()
    }
    assert {name: one for name, one in said.items() if one} == {}
    assert re.search("Shared", page.goto(visitor.address + "/presets").text())  # type: ignore[union-attr]
