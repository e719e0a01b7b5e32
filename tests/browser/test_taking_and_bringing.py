"""Pictures that come into the library and leave it, where it is narrow and where they are many."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import FilePayload, expect

from accounts import actions
from generations.actions import archiving, collecting
from generations.models import Asset
from tests.browser.axe import barriers
from tests.browser.conftest import Visitor
from tests.browser.library import COLORS, bring, opened, shown
from tests.conftest import Person, eventually, png

pytestmark = pytest.mark.browser


def test_more_than_a_zip_holds_is_said_before_it_is_asked_for(
    visitor: Visitor, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiving, "MOST", 5)
    pictures = bring(person)
    page = opened(visitor)
    zipped = page.get_by_role("button", name="ZIP")
    page.locator(".grid .tile a").first.focus()
    page.keyboard.press("x")
    expect(zipped).to_be_enabled()
    expect(page.locator("#zip-why")).to_be_hidden()
    page.keyboard.press("Control+a")
    expect(page.locator("[data-number]")).to_have_text(str(len(pictures)))
    expect(zipped).to_be_disabled()
    expect(page.get_by_text("ZIP: at most 5")).to_be_visible()
    page.keyboard.press("x")
    expect(page.locator("[data-number]")).to_have_text("5")
    with page.expect_download() as download:
        zipped.click()
    assert download.value.suggested_filename.endswith(".zip")

    held = collecting.create(principal=person.principal, project_id=person.project.id, name="All")
    for number, picture in enumerate(pictures, start=1):
        collecting.place(principal=person.principal, collection_id=held.id, asset_id=picture.id)
        opened(visitor, f"/library?collection={held.id}")
        link = page.locator(".collection-head").get_by_role("link", name="ZIP")
        expect(link).to_have_count(1 if number <= 5 else 0)
    expect(page.locator(".collection-head").get_by_role("button", name="ZIP")).to_be_disabled()
    expect(page.locator(".collection-head").get_by_text("ZIP: at most 5")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_chooses_the_project_that_pictures_are_brought_into(
    scheme: str, visit: Any, person: Person
) -> None:
    bring(person, COLORS[:2])
    other = actions.create_project(principal=person.principal, name="Autumn campaign for the harbour")
    visitor: Visitor = visit(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, color_scheme=scheme
    )
    visitor.come_in(person)
    page = opened(visitor)
    choice = page.get_by_label("Bring pictures into")
    expect(choice).to_be_visible()
    expect(page.get_by_label("Words of the prompt")).to_be_visible()
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
    assert barriers(page) == []
    choice.select_option(label=other.name)
    files = [FilePayload(name="one.png", mimeType="image/png", buffer=png(61, 40, "gold"))]
    page.locator("#bring-file").set_input_files(files)
    eventually(lambda: Asset.objects.filter(project=other, name="one.png").exists(), what="the upload")
    expect(page.locator("#bringing [data-summary]")).to_have_text("1 brought")


def test_chosen_pictures_move_to_another_project_and_are_copied_back(
    visitor: Visitor, person: Person
) -> None:
    pictures = bring(person, COLORS[:3])
    other = actions.create_project(principal=person.principal, name="Autumn")
    page = opened(visitor, f"/library?project={person.project.id}")
    page.locator(".grid .tile a").first.focus()
    page.keyboard.press("x")
    page.locator("summary", has_text="Move or copy").press("Enter")
    page.get_by_role("button", name="Move to Autumn").press("Enter")
    expect(page.locator(".grid .tile")).to_have_count(2)
    opened(visitor, f"/library?project={other.id}")
    assert shown(page) == [str(pictures[2].id)]
    page.locator(".grid .tile a").first.focus()
    page.keyboard.press("x")
    page.locator("summary", has_text="Move or copy").press("Enter")
    page.get_by_role("button", name=f"Copy to {person.project.name}").press("Enter")
    expect(page.locator(".notice")).to_be_visible()
    expect(page.locator(".grid .tile")).to_have_count(1)
    opened(visitor, f"/library?project={person.project.id}")
    assert len(shown(page)) == 3


def test_a_search_is_kept_under_a_name_and_found_in_the_rail(visitor: Visitor, person: Person) -> None:
    bring(person, COLORS[:2])
    page = opened(visitor, "/library?q=red")
    page.locator("summary", has_text="Keep").press("Enter")
    page.get_by_label("Name", exact=True).last.fill("Everything red")
    page.keyboard.press("Enter")
    expect(page.locator(".rail").get_by_role("link", name="Everything red")).to_be_visible()
    visitor.go("/library")
    page.locator(".rail").get_by_role("link", name="Everything red").press("Enter")
    page.wait_for_url("**q=red*")
