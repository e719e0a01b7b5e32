"""Coming in by a link, the bell, and Chinese, in a real browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from accounts import actions
from accounts.models import Role
from generations.actions import notices, uploads
from generations.models import Generation
from providers.sandbox.client import Control
from tests.browser.axe import barriers
from tests.browser.conftest import LONG, PASSWORD, Visitor, finish
from tests.conftest import Person, make_person, png
from tests.people.conftest import link_to
from tests.web.conftest import let_in

pytestmark = pytest.mark.browser


def test_a_link_lets_somebody_new_in_by_keyboard_alone(visit: Any, person: Person) -> None:
    visitor: Visitor = visit(viewport={"width": 390, "height": 800})
    page = visitor.go(link_to(person))
    assert barriers(page) == []
    page.get_by_label("E-mail").focus()
    for typed in ("nell@example.com", "Nell", "a long enough password"):
        page.keyboard.type(typed)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/?project={person.project.id}")
    expect(page.get_by_text("You are in.")).to_be_visible()


def test_an_owner_manages_a_project_and_takes_each_step_back(visitor: Visitor, person: Person) -> None:
    let_in(person, make_person("nell@example.com"), Role.EDITOR)
    page = visitor.go(f"/projects/{person.project.id}")
    page.get_by_role("button", name="Make a link").click()
    expect(page.locator("#invitation")).to_contain_text("/invitations/")
    nell = page.get_by_role("listitem").filter(has_text="nell@example.com")
    nell.get_by_label("Role of nell").select_option("viewer")
    nell.get_by_role("button", name="Save").click()
    expect(page.get_by_text("is now viewer")).to_be_visible()
    nell.get_by_role("button", name="Remove").click()
    expect(nell).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(nell.get_by_label("Role of nell")).to_have_value("viewer")
    page.get_by_role("button", name="Archive").click()
    expect(page.get_by_text("archived", exact=True)).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("The project is in use again.")).to_be_visible()


def test_the_bell_rings_while_a_page_stands_open_and_the_browser_says_it(visit: Any, person: Person) -> None:
    visitor: Visitor = visit(permissions=["notifications"])
    visitor.page.add_init_script(
        """window.said = [];
        window.Notification = class {
          static permission = "granted";
          static requestPermission = async () => "granted";
          constructor(title, { body }) { window.said.push(body); } };"""
    )
    visitor.page.clock.install()
    visitor.come_in(person)
    page = visitor.go("/notices")
    page.get_by_role("button", name="Switch off").click()
    page.get_by_role("button", name="Switch on").click()
    expect(page.locator("[data-count]")).to_be_hidden()
    told = notices.tell(person.user, notices.CAME_IN, person.project, {"by": person.user.id})
    page.clock.run_for(31_000)
    expect(page.locator("[data-count]")).to_have_text("1")
    expect(page.get_by_role("link", name="Notices, 1 unread")).to_be_visible()
    page.wait_for_function("window.said.length === 1")
    page.reload()
    page.get_by_role("button", name="accepted your invitation").click()
    page.wait_for_url(f"**/projects/{person.project.id}")
    told.refresh_from_db()
    assert told.read_at is not None


def test_work_left_behind_says_on_any_page_that_it_is_over(visitor: Visitor, control: Control) -> None:
    control.settings(latency=LONG)
    page = visitor.page
    page.locator("#prompt").fill("a heron")
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-live]")).to_have_count(1)
    visitor.go("/wallet")
    finish(control)
    ready = page.locator("#notices").get_by_role("link", name="Ready: “a heron”")
    expect(ready).to_be_visible()
    made = Generation.objects.get()
    expect(ready).to_have_attribute("href", f"/generations/{made.id}")
    page.reload()
    with page.expect_response("**/notices/new?*") as asked:
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert asked.value.json()["ended"] == []


def test_a_comparison_left_behind_says_that_it_is_over_and_not_who_made_what(
    visitor: Visitor, control: Control
) -> None:
    control.settings(latency=LONG)
    page = visitor.go("/compare")
    page.locator("#prompt").fill("a heron")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/comparisons/*")
    expect(page.locator("[data-live]")).to_have_count(1)
    visitor.go("/wallet")
    finish(control)
    page.locator("#notices").get_by_role("link", name="Ready: “a heron”").click()
    page.wait_for_url("**/comparisons/*?blind=1")
    expect(page.get_by_role("button", name="A is best")).to_be_visible()


def test_the_language_is_switched_in_the_menu(visitor: Visitor) -> None:
    page = visitor.go("/wallet")
    page.locator(".face").click()
    page.get_by_role("button", name="简体中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-hans")
    expect(page.get_by_role("heading", level=1)).to_have_text("钱包")


def test_a_new_key_stays_while_light_and_dark_are_tried(visitor: Visitor) -> None:
    page = visitor.go("/settings")
    page.get_by_label("A new key for").fill("farm")
    page.get_by_role("button", name="Make the key").click()
    secret = page.locator("#secret").inner_text()
    page.locator(".face").click()
    for theme in ("Light", "Dark"):
        page.get_by_role("button", name=theme).click()
        expect(page.locator("html")).to_have_attribute("data-theme", theme.lower())
        expect(page.get_by_role("button", name=theme)).to_have_attribute("aria-pressed", "true")
        expect(page.locator("#secret")).to_have_text(secret)
    page.get_by_role("button", name="System").click()
    expect(page.locator("html[data-theme]")).to_have_count(0)
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "false")
    page.goto(page.url)
    expect(page).to_have_url(f"{visitor.address}/settings")


def test_leaving_a_project_asks_first_and_says_what_it_means(visit: Any, person: Person) -> None:
    nell = make_person("nell@example.com")
    let_in(person, nell, Role.EDITOR)
    visitor: Visitor = visit(viewport={"width": 390, "height": 800})
    visitor.come_in(nell)
    page = visitor.go(f"/projects/{person.project.id}")
    leave = page.get_by_text("Leave", exact=True)
    leave.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Only an owner can let you in again.")).to_be_visible()
    box = page.locator(".asked").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert barriers(page) == []
    page.keyboard.press("Escape")
    expect(page.get_by_text("Only an owner can let you in again.")).to_be_hidden()
    assert person.project.memberships.filter(user=nell.user).exists()
    leave.click()
    page.get_by_role("button", name="Leave this project").click()
    expect(page.get_by_text("You have left the project.")).to_be_visible()
    assert not person.project.memberships.filter(user=nell.user).exists()


def test_keys_and_places_stay_in_the_project_one_is_in(visitor: Visitor, person: Person) -> None:
    other = actions.create_project(principal=person.principal, name="Second")
    picture = uploads.upload(principal=person.principal, project_id=other.id, chunks=[png()], name="one.png")
    library, composer = f"/library?project={other.id}", f"/?project={other.id}#prompt"
    for inside in (f"/pictures/{picture.id}", f"/projects/{other.id}", f"/wallet?project={other.id}"):
        page = visitor.go(inside)
        page.keyboard.press("g")
        page.wait_for_url(visitor.address + library)
        page = visitor.go(inside)
        page.keyboard.press("n")
        page.wait_for_url(visitor.address + composer)
        page = visitor.go(inside)
        page.locator(".places").get_by_role("link", name="Library").click()
        page.wait_for_url(visitor.address + library)
    page.locator("[data-grid][data-ready]").wait_for()
    page.keyboard.press("n")
    page.wait_for_url(visitor.address + composer)
    visitor.go("/wallet")
    page.keyboard.press("g")
    page.wait_for_url(visitor.address + "/library")
    page.locator("[data-grid][data-ready]").wait_for()
    page.keyboard.press("n")
    page.wait_for_url(visitor.address + "/#prompt")


def test_somebody_takes_their_data_along_and_is_erased(visit: Any, person: Person) -> None:
    bea = make_person("bea@example.com")
    visitor: Visitor = visit()
    page = visitor.come_in(bea)
    visitor.go("/settings")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download my data").press("Enter")
    taken = json.loads(Path(download.value.path()).read_text())
    assert taken["person"]["email"] == "bea@example.com"
    page.get_by_role("link", name="Erase me").press("Enter")
    page.wait_for_url("**/settings/erase")
    page.get_by_label("Your password").fill("not this one")
    page.keyboard.press("Enter")
    expect(page.locator("#error-password")).not_to_be_empty()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Erase me for good").press("Enter")
    page.wait_for_url("**/sign-in*")
    expect(page.get_by_text("Your account has been erased.")).to_be_visible()
    page.get_by_label("E-mail").fill("bea@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".error, [role=alert]").first).to_be_visible()
    assert page.url.startswith(f"{visitor.address}/sign-in")
