"""The library in a real Chromium: everything that is done to pictures by hand."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Route, expect

from generations.actions import collecting
from generations.models import Asset
from tests.browser.axe import barriers
from tests.browser.conftest import Visitor
from tests.browser.library import COLORS, bring, opened, shown, tile
from tests.conftest import Person, eventually, png

pytestmark = pytest.mark.browser


def test_choose_rate_tag_trash_and_undo_by_keyboard_alone(visitor: Visitor, person: Person) -> None:
    pictures = bring(person)
    page = opened(visitor)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator("[data-number]")).to_have_text("3")
    beside = re.compile(r"/compare\?asset=[^&]+&asset=[^&]+&asset=[^&]+$")
    expect(page.locator("[data-compare]")).to_have_attribute("href", beside)
    page.keyboard.press("4")
    expect(page.locator(".notice")).to_contain_text("3 pictures rated.")
    expect(page.locator(".tile[data-rating='4']")).to_have_count(3)
    page.keyboard.press("f")
    expect(page.locator(".notice")).to_contain_text("Added 3 pictures to your favourites.")
    page.keyboard.press("t")
    page.keyboard.type("harbour")
    page.keyboard.press("Enter")
    expect(page.locator(".notice")).to_contain_text("3 pictures tagged.")
    expect(page.locator(".grid .tile").nth(2).locator("a")).to_be_focused()
    with page.expect_download() as download:
        page.get_by_role("button", name="ZIP").click()
    assert download.value.suggested_filename.endswith(".zip")
    page.keyboard.press("Delete")
    expect(page.locator(".grid .tile")).to_have_count(3)
    expect(page.locator("#bulk")).to_be_hidden()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".grid .tile")).to_have_count(6)
    newest = Asset.objects.get(id=pictures[-1].id)
    assert (newest.rating, newest.tags, newest.trashed_at) == (4, ["harbour"], None)


def test_space_previews_and_the_arrows_go_on(visitor: Visitor, person: Person) -> None:
    pictures = bring(person)
    page = opened(visitor)
    page.locator(".grid .tile a").nth(1).focus()
    page.keyboard.press(" ")
    expect(page.locator("#peek img")).to_have_attribute("src", re.compile(str(pictures[-2].id)))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("5")
    expect(page.locator("[data-peek-marks]")).to_have_text("★★★★★")
    page.keyboard.press(" ")
    expect(page.locator("#peek")).to_be_hidden()
    expect(tile(page, pictures[-3]).locator("a")).to_be_focused()
    eventually(lambda: Asset.objects.get(id=pictures[-3].id).rating == 5, what="the rating")


def test_pictures_are_dragged_into_a_collection_and_into_order(visitor: Visitor, person: Person) -> None:
    one, two, three = bring(person, COLORS[:3])
    held = collecting.create(principal=person.principal, project_id=person.project.id, name="Boats")
    page = opened(visitor)
    for n, asset in enumerate((one, two, three), 1):
        tile(page, asset).drag_to(page.get_by_role("link", name="Boats"))
        eventually(lambda n=n: held.items.count() == n, what="the collected picture")  # type: ignore[misc]
    page.get_by_role("link", name="Boats").click()
    expect(page.locator("#shelf[data-placing] [data-grid][data-ready]")).to_be_visible()
    expect(page.get_by_role("heading", name="Boats")).to_be_visible()
    assert shown(page) == [str(asset.id) for asset in (one, two, three)]
    tile(page, three).drag_to(tile(page, one), target_position={"x": 6, "y": 60})
    wanted = [str(asset.id) for asset in (three, one, two)]
    eventually(lambda: shown(page) == wanted, what="the new order")
    tile(page, three).locator("a").focus()
    page.keyboard.press("]")
    wanted = [str(asset.id) for asset in (one, three, two)]

    def kept() -> bool:
        return [str(one) for one in held.items.order_by("rank").values_list("asset_id", flat=True)] == wanted

    eventually(kept, what="the order to be kept")
    assert shown(page) == wanted


@pytest.mark.usefixtures("interceptable")
def test_files_are_brought_three_at_a_time_and_each_failure_has_its_name(
    visitor: Visitor, person: Person
) -> None:
    bring(person, ("red",))
    page = opened(visitor)
    held: list[Route] = []
    free = False
    page.route("**/library/bring", lambda route: route.continue_() if free else held.append(route))
    files = [
        FilePayload(name=f"{n}.png", mimeType="image/png", buffer=png(60 + n, 40, "gold")) for n in range(7)
    ]
    files.append(FilePayload(name="red again.png", mimeType="image/png", buffer=png(300, 200, "red")))
    files.append(FilePayload(name="page.png", mimeType="image/png", buffer=b"<html>no</html>"))
    page.locator("#bring-file").set_input_files(files)
    panel = page.locator("#bringing")
    expect(panel.locator("[data-summary]")).to_have_text("9 to go")
    expect(panel.locator("li")).to_have_count(3)
    eventually(lambda: panel.locator("li").count() == len(held), what="three requests")
    free = True
    for route in held:
        route.continue_()
    expect(panel.locator("[data-summary]")).to_have_text("7 brought · 1 already here · 1 not brought")
    expect(panel.locator("li", has_text="page.png")).to_contain_text("picture")
    here = panel.locator("li", has_text="red again.png").get_by_role("link", name="already here")
    expect(here).to_have_attribute("href", re.compile("^/pictures/"))
    expect(page.locator(".grid .tile")).to_have_count(8)


def test_a_picture_deleted_in_another_tab_leaves_with_a_sentence(visitor: Visitor, person: Person) -> None:
    one, two = bring(person, COLORS[:2])
    page = opened(visitor)
    page.evaluate("Promise.all([...document.querySelectorAll('.grid img')].map((one) => one.decode()))")
    Asset.objects.filter(id=one.id).update(trashed_at="2026-01-01T00:00Z", purged_at="2026-02-01T00:00Z")
    tile(page, one).locator("a").focus()
    page.keyboard.press("3")
    expect(page.locator(".notice")).to_contain_text("not here any more")
    expect(page.locator(".grid .tile")).to_have_count(1)
    expect(tile(page, two)).to_be_visible()


def test_filters_and_words_narrow_together_and_back_goes_back(visitor: Visitor, person: Person) -> None:
    pictures = bring(person)
    Asset.objects.filter(id=pictures[0].id).update(rating=5)
    page = opened(visitor)
    page.locator("summary", has_text="Rating").click()
    page.get_by_role("link", name=re.compile("^★★★★★")).click()
    page.wait_for_url("**rating=5**")
    expect(page.locator(".grid .tile")).to_have_count(1)
    page.keyboard.press("/")
    page.keyboard.type("blue")
    page.wait_for_url("**q=blue**")
    expect(page.get_by_role("heading", name="No picture matches")).to_be_visible()
    page.get_by_role("link", name="Take away the filter").click()
    expect(page.locator(".grid .tile")).to_have_count(1)
    assert shown(page) == [str(pictures[2].id)]
    page.go_back()
    expect(page.get_by_role("heading", name="No picture matches")).to_be_visible()


def test_back_leaves_a_search_whose_words_were_typed_with_pauses(visitor: Visitor, person: Person) -> None:
    bring(person)
    page = opened(visitor)
    page.keyboard.press("/")
    for letters, so_far in (("b", "b"), ("lu", "blu"), ("e", "blue")):
        page.keyboard.type(letters)
        page.wait_for_url(re.compile(rf"q={so_far}(&|$)"))
    page.go_back()
    page.wait_for_url(re.compile(r"/library$"))
    expect(page.locator(".grid .tile")).to_have_count(len(COLORS))


LONG_PRESS = """one => new Promise((done) => {
  const box = one.getBoundingClientRect();
  const said = {bubbles: true, pointerType: "touch", clientX: box.x + 20, clientY: box.y + 20};
  one.dispatchEvent(new PointerEvent("pointerdown", said));
  const look = () => document.querySelector("#bulk").hidden ? requestAnimationFrame(look) : done();
  look();
})"""


def test_a_long_press_chooses_on_a_phone(visit: Any, person: Person) -> None:
    bring(person, COLORS[:3])
    visitor: Visitor = visit(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    visitor.come_in(person)
    page = opened(visitor)
    page.locator(".grid .tile img").first.evaluate(LONG_PRESS)
    expect(page.locator("[data-number]")).to_have_text("1")
    page.locator(".grid .tile a").nth(1).tap()
    expect(page.locator("[data-number]")).to_have_text("2")
    assert barriers(page) == []


def test_a_finger_puts_a_collection_in_order(visit: Any, person: Person) -> None:
    one, two, three = bring(person, COLORS[:3])
    held = collecting.create(principal=person.principal, project_id=person.project.id, name="Boats")
    for asset in (one, two, three):
        collecting.place(principal=person.principal, collection_id=held.id, asset_id=asset.id)
    visitor: Visitor = visit(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    visitor.come_in(person)
    page = opened(visitor, f"/library?collection={held.id}")
    tile(page, three).locator("img").evaluate(LONG_PRESS)
    for wanted in ((one, three, two), (three, one, two)):
        page.get_by_role("button", name="Earlier").tap()
        ids = [asset.id for asset in wanted]
        eventually(
            lambda ids=ids: list(held.items.order_by("rank").values_list("asset_id", flat=True)) == ids,  # type: ignore[misc]
            what="the order to be kept",
        )
        assert shown(page) == [str(one) for one in ids]
    expect(page.locator("[data-number]")).to_have_text("1")
    tile(page, one).locator("a").tap()
    expect(page.get_by_role("button", name="Later")).to_be_hidden()


def test_whoever_comes_back_from_a_picture_goes_on_from_the_one_they_saw_last(
    visitor: Visitor, person: Person
) -> None:
    bring(person)
    page = opened(visitor)
    ids = shown(page)
    page.locator(".grid .tile a").nth(1).focus()
    page.keyboard.press("Enter")
    for n in (1, 2, 3):
        page.wait_for_url(f"**/pictures/{ids[n]}*")
        expect(page.locator("[data-stage] img")).to_be_visible()
        page.keyboard.press("ArrowRight" if n < 3 else "Escape")
    expect(page.locator(f"#tile-{ids[3]} a")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator(f"#tile-{ids[4]} a")).to_be_focused()


def test_a_picture_seen_last_that_is_far_below_is_in_sight_and_has_the_keyboard(
    visitor: Visitor, person: Person
) -> None:
    bring(person, COLORS * 8)
    visitor.page.set_viewport_size({"width": 400, "height": 400})
    page = opened(visitor)
    ids = shown(page)
    page.locator(".grid .tile a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/pictures/*")
    with page.expect_navigation(url=f"**/pictures/{ids[-1]}*"):
        page.evaluate("(id) => location.replace(id + location.search)", ids[-1])
    page.keyboard.press("Escape")
    link = page.locator(f"#tile-{ids[-1]} a")
    expect(link).to_be_focused()
    expect(link).to_be_in_viewport()


@pytest.mark.parametrize("name", ["New collection", "Keep this search", "Seed"])
def test_what_is_typed_into_a_menu_that_has_opened_is_no_shortcut(
    name: str, visitor: Visitor, person: Person
) -> None:
    bring(person, COLORS[:2])
    Asset.objects.update(tags=["boat"])
    page = opened(visitor, "/library?tag=boat")
    page.locator(".rail summary, .narrow summary", has_text=name).click()
    field = page.locator("details[open] input:visible").first
    expect(field).to_be_focused()
    page.keyboard.type("ngz1")
    expect(field).to_have_value("ngz1")
    page.locator("details[open] > summary").focus()
    page.keyboard.press("n")
    page.keyboard.press("x")
    expect(page.locator("#bulk")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.locator("details[data-menu][open]")).to_have_count(0)
    assert page.url.endswith("/library?tag=boat")
    page.keyboard.press("n")
    page.wait_for_url("**#prompt")


def test_a_menu_that_shows_keys_hears_them(visitor: Visitor, person: Person) -> None:
    bring(person, COLORS[:1])
    page = opened(visitor)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    page.locator("#bulk summary", has_text="Rate").press("Enter")
    expect(page.locator("#bulk .stars")).to_be_visible()
    page.keyboard.press("4")
    expect(page.locator(".tile[data-rating='4']")).to_have_count(1)


def test_whoever_leaves_a_menu_of_the_bar_is_back_on_the_picture(visitor: Visitor, person: Person) -> None:
    bring(person, COLORS[:3])
    page = opened(visitor)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    second = page.locator(f"#tile-{shown(page)[1]} a")
    for key, within in (("t", "#tagging"), ("c", "#collecting")):
        page.keyboard.press("x")
        page.keyboard.press(key)
        expect(page.locator(f"{within}[open] :focus")).to_have_count(1)
        page.keyboard.press("Escape")
        expect(page.locator(f"{within}[open]")).to_have_count(0)
        expect(second).to_be_focused()
        page.keyboard.press("Escape")
        expect(page.locator("#bulk")).to_be_hidden()
        expect(second).to_be_focused()
