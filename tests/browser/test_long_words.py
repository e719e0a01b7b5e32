"""Long names and labels: nothing scrolls sideways, nothing that matters is cut or pushed out of sight."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from accounts.actions import create_project
from accounts.models import Role
from generations.actions import assets, collecting, presets
from generations.models import Asset
from tests.browser.conftest import Visitor
from tests.browser.library import bring
from tests.browser.test_every_page import WIDE
from tests.browser.test_on_a_phone import PHONE
from tests.conftest import Person, ask, ended, make_person
from tests.web.conftest import let_in

pytestmark = pytest.mark.browser
WORD = "Landschaftsarchitekturwettbewerbsbeitragszusammenstellungsvorlage"
NAME = f"Campaign for the {WORD} of the autumn edition"
CUT = "one => one.scrollWidth > one.clientWidth"


@pytest.fixture
def named(person: Person) -> list[str]:
    """Addresses of pages full of long names; the last is a picture's."""
    made = create_project(principal=person.principal, name=NAME)
    person.project.name = NAME
    person.project.save()
    generation = ended(ask(person, "a heron", resolution="1K"))
    picture = Asset.objects.filter(generation=generation).first()
    assert picture is not None
    assets.update(principal=person.principal, asset_id=picture.id, tags=[WORD])
    collecting.create(principal=person.principal, project_id=person.project.id, name=WORD)
    presets.save(principal=person.principal, name=WORD, body={"count": 4}, project_id=None)
    project = f"/projects/{person.project.id}"
    pages = ["/", project, f"{project}/activity", "/projects", f"/collections?project={made.id}", "/presets"]
    return [*pages, "/library", f"/pictures/{picture.id}"]


def box(found: Locator) -> dict[str, float]:
    there = found.bounding_box()
    assert there is not None
    x, y, width, height = there["x"], there["y"], there["width"], there["height"]
    return {"x": x, "y": y, "width": width, "height": height, "right": x + width, "bottom": y + height}


def within(page: Page, found: Locator) -> bool:
    there = box(found)
    return there["x"] >= 0 and there["right"] <= page.evaluate("document.documentElement.clientWidth")


@pytest.mark.parametrize("window", [PHONE, {}], ids=["phone", "laptop"])
def test_long_names_stay_within_the_page(visit: Any, person: Person, named: list[str], window: Any) -> None:
    visitor: Visitor = visit(**window)
    page = visitor.come_in(person)
    assert {path: wide for path in named if (wide := visitor.go(path).evaluate(WIDE)) > 0} == {}
    for control in (page.locator("#add-tag"), page.locator("#favorite")):
        assert box(control)["right"] <= box(page.locator(".about"))["right"]
    for button in page.locator(".about .acts form button").all():
        assert not button.evaluate(CUT), button.inner_text()
    assert not visitor.go("/compare").locator(".matrix").evaluate(CUT)
    visitor.go("/")
    page.locator(".bar > .menu > summary").first.click()
    sheet = page.locator(".bar > .menu[open] > .sheet")
    expect(sheet).to_be_visible()
    assert within(page, sheet)


def test_long_names_keep_clear_of_what_stands_beside_them(
    visitor: Visitor, person: Person, named: list[str]
) -> None:
    page = visitor.go("/presets")
    row = page.locator(".list > li").first
    assert box(row.locator(".grow"))["right"] <= box(row.get_by_role("link", name="Use"))["x"]
    assert not row.locator(".grow strong").evaluate(
        "one => one.parentElement.scrollWidth > one.parentElement.clientWidth"
    )
    fonts = [one.evaluate("one => getComputedStyle(one).fontSize") for one in row.locator(".button").all()]
    assert len(fonts) == 2
    assert len(set(fonts)) == 1
    visitor.go("/library")
    expect(page.locator(f"#collections a[title='{WORD}']")).to_be_visible()
    assert box(page.locator("#collections a"))["right"] <= box(page.locator("#collections"))["right"]


def test_a_menu_of_the_library_stays_in_the_window_once_it_is_filled(
    visitor: Visitor, person: Person, named: list[str]
) -> None:
    page = visitor.go("/library")
    page.set_viewport_size({"width": 1024, "height": 800})
    for menu in page.locator("details.narrowing").all():
        menu.locator("summary").click()
        expect(menu.locator(".sheet")).not_to_contain_text("Counting")
        assert within(page, menu.locator(".sheet")), menu.inner_text()
        page.keyboard.press("Escape")


def test_the_bar_stands_still_whatever_the_project_and_the_words(
    visitor: Visitor, person: Person, named: list[str]
) -> None:
    stands = set()
    page = visitor.page
    for path in ("/", "/library", "/presets", named[-1]):
        stands.add(round(box(visitor.go(path).locator(".places"))["x"]))
    person.project.name = "Kurz"
    person.project.save()
    stands.add(round(box(visitor.go("/").locator(".places"))["x"]))
    assert len(stands) == 1
    page.locator(".places span, .purse").evaluate_all(
        "all => all.forEach((one) => (one.textContent += 'longer'))"
    )
    assert page.evaluate(WIDE) <= 0
    assert box(page.locator(".face"))["right"] <= 1280
    assert box(page.locator(".bar > .search"))["width"] >= 90


def test_both_ways_to_generate_share_a_row(visitor: Visitor) -> None:
    page = visitor.page
    assert box(page.locator("#generate"))["y"] == box(page.locator("#draft"))["y"]


def test_the_first_word_typed_leaves_the_pictures_where_they_are(visitor: Visitor, person: Person) -> None:
    bring(person)
    page = visitor.go("/library")
    before = box(page.locator(".grid"))["y"]
    page.locator("#filters input[type=search]").fill("a")
    expect(page.locator(".keep")).to_be_visible()
    assert box(page.locator(".grid, .found .empty").first)["y"] == before


def test_what_stands_in_rows_lines_up(visitor: Visitor, person: Person) -> None:
    let_in(person, make_person("bea@example.com"), Role.EDITOR)
    page = visitor.go(f"/projects/{person.project.id}")
    roles = page.locator(".members select[name=role]").all()
    assert len({box(one)["right"] for one in roles}) == 1 < len(roles)
    page.locator("#email").evaluate("one => (one.form.noValidate = true)")
    page.locator("#email").fill("nobody")
    page.get_by_role("button", name="Invite", exact=True).click()
    expect(page.locator("#error-email")).not_to_be_empty()
    invite = page.get_by_role("button", name="Invite", exact=True)
    tops = {round(box(one)["y"]) for one in (page.locator("#email"), page.locator("#role"), invite)}
    assert len(tops) == 1
