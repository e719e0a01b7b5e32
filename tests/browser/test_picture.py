"""One picture in a real browser: zoomed, panned, judged by keys, talked about, shared, gone."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Membership, Role
from generations.actions import assets, uploads
from generations.models import Asset
from tests.browser.axe import barriers
from tests.browser.conftest import Visitor
from tests.browser.library import bring
from tests.conftest import Person, eventually, png

pytestmark = pytest.mark.browser

COLORS = ("red", "green", "blue")


@pytest.fixture
def pictures(person: Person) -> list[Asset]:
    """Three, the newest first; each wider than the window."""
    return [
        uploads.upload(
            principal=person.principal,
            project_id=person.project.id,
            chunks=[png(2400, 1800, color)],
            name=f"{color}.png",
        )
        for color in COLORS
    ][::-1]


def level(page: Page) -> int:
    return int(page.locator("[data-zoom-level]").inner_text().rstrip(" %"))


def place(page: Page) -> dict[str, float]:
    found: dict[str, float] = page.locator("#large").evaluate(
        "one => { const {x, y, width} = one.getBoundingClientRect(); return {x, y, width}; }"
    )
    return found


def test_the_original_takes_the_place_of_its_derivative_and_is_zoomed_by_key_wheel_and_pointer(
    visit: Any, person: Person, pictures: list[Asset]
) -> None:
    visitor: Visitor = visit(reduced_motion="reduce")
    visitor.come_in(person)
    page = visitor.go(f"/pictures/{pictures[1].id}")
    expect(page.locator("#large")).to_have_attribute("src", f"/api/v1/assets/{pictures[1].id}/content")
    whole = level(page)
    assert whole < 50
    page.keyboard.press("+")
    assert level(page) == pytest.approx(whole * 1.4, abs=1)
    page.keyboard.press("-")
    assert level(page) == whole
    page.keyboard.press("z")
    assert level(page) == 100
    here = place(page)
    page.keyboard.press("Shift+ArrowRight")
    assert place(page)["x"] == pytest.approx(here["x"] - 80, abs=1)
    assert page.url.endswith(f"/pictures/{pictures[1].id}")
    page.mouse.move(500, 400)
    page.mouse.down()
    page.mouse.move(440, 430, steps=3)
    page.mouse.up()
    assert place(page)["y"] == pytest.approx(here["y"] + 30, abs=1)
    page.keyboard.press("0")
    assert level(page) == whole

    before = place(page)
    page.mouse.move(300, 300)
    page.mouse.wheel(0, -400)
    expect(page.locator("[data-zoom]")).to_have_attribute("aria-pressed", "true")
    after = place(page)
    share = (300 - before["x"]) / before["width"]
    assert after["x"] + share * after["width"] == pytest.approx(300, abs=1)
    page.mouse.dblclick(300, 300)
    assert level(page) == whole
    page.mouse.dblclick(300, 300)
    assert level(page) == 100


def test_neighbours_keep_the_search_and_the_way_back_is_the_grid(
    visitor: Visitor, pictures: list[Asset]
) -> None:
    page = visitor.go("/library?kind=uploaded")
    page.locator(f"#tile-{pictures[0].id}, [href*='{pictures[0].id}']").first.click()
    page.wait_for_url(f"**/pictures/{pictures[0].id}?kind=uploaded*")
    expect(page.locator("[data-key-previous]")).to_have_count(0)
    far = page.evaluate("history.length")
    for asset in pictures[1:]:
        page.keyboard.press("ArrowRight")
        page.wait_for_url(f"**/pictures/{asset.id}?kind=uploaded*")
    expect(page.locator("[data-key-next]")).to_have_count(0)
    page.go_back()
    page.wait_for_url("**/library?kind=uploaded*")
    page.locator(f"[href*='{pictures[1].id}']").first.click()
    page.wait_for_url(f"**/pictures/{pictures[1].id}*")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(f"**/pictures/{pictures[0].id}*")
    page.keyboard.press("Escape")
    page.wait_for_url("**/library?kind=uploaded*")
    assert page.evaluate("history.length") == far


def test_a_finger_swipes_to_the_next_picture_and_two_fingers_zoom(
    visit: Any, person: Person, pictures: list[Asset]
) -> None:
    visitor: Visitor = visit(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    visitor.come_in(person)
    page = visitor.go(f"/pictures/{pictures[0].id}?kind=uploaded")
    expect(page.locator("#large")).to_have_attribute("src", f"/api/v1/assets/{pictures[0].id}/content")
    hand = visitor.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[int, int]) -> None:
        fingers = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})

    touch("touchStart", (150, 180), (240, 180))
    for apart in (20, 40, 60):
        touch("touchMove", (150 - apart, 180), (240 + apart, 180))
    touch("touchEnd")
    expect(page.locator("[data-stage]")).to_have_class("stage zoomed gliding")
    page.keyboard.press("0")
    touch("touchStart", (300, 180))
    for x in (240, 180, 120):
        touch("touchMove", (x, 184))
    touch("touchEnd")
    page.wait_for_url(f"**/pictures/{pictures[1].id}?kind=uploaded")


def test_judged_tagged_and_talked_about_by_keyboard_alone(visitor: Visitor, pictures: list[Asset]) -> None:
    page = visitor.go(f"/pictures/{pictures[0].id}")
    page.keyboard.press("4")
    expect(page.locator(".star.on")).to_have_count(4)
    page.keyboard.press("f")
    expect(page.locator("#favorite")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("t")
    page.keyboard.type("mist, boat")
    page.keyboard.press("Enter")
    expect(page.locator(".chip")).to_have_count(2)
    expect(page.locator("#add-tag")).to_be_focused()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Take off the tag mist").press("Enter")
    expect(page.locator(".chip")).to_have_count(1)
    with page.expect_navigation():
        page.get_by_role("button", name="Undo").press("Enter")
    expect(page.locator(".chip")).to_have_count(2)
    page.keyboard.press("c")
    page.keyboard.type("Spring")
    page.keyboard.press("Enter")
    expect(page.locator(".chip")).to_have_count(3)
    page.keyboard.press("m")
    page.keyboard.type("Lower <b>mist</b>")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".comment .text")).to_have_text("Lower <b>mist</b>")
    expect(page.locator("#comment")).to_have_value("")
    kept = Asset.objects.get(id=pictures[0].id)
    assert (kept.rating, sorted(kept.tags), len(kept.favorite_of)) == (4, ["boat", "mist"], 1)


def test_a_link_made_by_a_press_shows_a_visitor_the_picture_and_ends_by_another(
    visit: Any, visitor: Visitor, pictures: list[Asset]
) -> None:
    page = visitor.go(f"/pictures/{pictures[0].id}")
    page.keyboard.press("s")
    page.get_by_label("Password").fill("open sesame")
    page.get_by_label("They may download the original, with all that its file says of itself").check()
    page.get_by_role("button", name="Make a link").click()
    expect(page.locator("[data-made] [data-copy]")).to_be_focused()
    address = page.locator(".address").inner_text()

    guest: Visitor = visit()
    guest.page.goto(address)
    expect(guest.page.get_by_label("Password")).to_be_focused()
    guest.page.keyboard.type("open sesame")
    assert barriers(guest.page) == []
    guest.page.keyboard.press("Enter")
    expect(guest.page.get_by_role("img")).to_be_visible()
    assert (
        guest.page.evaluate("document.images[0].decode().then(() => document.images[0].naturalWidth)") == 1024
    )
    assert barriers(guest.page) == []
    with guest.page.expect_download() as saved:
        guest.page.get_by_role("link", name="Download").click()
    assert saved.value.path().read_bytes() == png(2400, 1800, "blue")
    assert saved.value.suggested_filename == "picture.png"
    assert [one["name"] for one in guest.context.cookies()] == ["pass"]

    page.get_by_role("button", name="Revoke").click()
    expect(page.locator(".address")).to_have_count(0)
    guest.trouble.clear()
    guest.page.goto(address)
    expect(guest.page.get_by_role("heading")).to_have_text("Nothing is shared here")
    assert barriers(guest.page) == []
    guest.trouble.clear()  # the browser says so of every page that is not there


@pytest.mark.parametrize("role", [Role.OWNER, Role.VIEWER])
@pytest.mark.parametrize("width", [390, 1280])
def test_every_way_to_download_can_be_reached(
    role: Role, width: int, visit: Any, person: Person, pictures: list[Asset]
) -> None:
    Membership.objects.filter(project=person.project).update(role=role)
    visitor: Visitor = visit(viewport={"width": width, "height": 800})
    visitor.come_in(person)
    page = visitor.go(f"/pictures/{pictures[0].id}")
    page.locator("summary", has_text="Download").click()
    ways = page.locator(".acts .sheet a")
    expect(ways).to_have_count(4 + 3 * 4)
    sides = "all => all.map((one) => one.getBoundingClientRect()).map(({left, right}) => [left, right])"
    eventually(
        lambda: all(left >= 0 and right <= width for left, right in ways.evaluate_all(sides)),
        what="every way on the screen",
    )
    with page.expect_download() as saved:
        ways.filter(has_text="AVIF").last.click()
    assert saved.value.suggested_filename == "blue.avif"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_where_everything_stands_open(
    scheme: str, visit: Any, person: Person, pictures: list[Asset]
) -> None:
    assets.update(principal=person.principal, asset_id=pictures[0].id, tags=["mist"], rating=3)
    visitor: Visitor = visit(color_scheme=scheme, reduced_motion="reduce")
    visitor.come_in(person)
    page = visitor.go(f"/pictures/{pictures[0].id}")
    page.locator("#comment").fill("Lower mist")
    page.get_by_role("button", name="Comment").click()
    expect(page.locator(".comment")).to_have_count(1)
    page.keyboard.press("s")
    page.get_by_role("button", name="Make a link").click()
    expect(page.locator(".address")).to_have_count(1)
    page.evaluate(
        "document.querySelectorAll('.about details:not(.menu)').forEach((one) => (one.open = true))"
    )
    assert barriers(page) == []


def test_a_picture_trashed_in_another_tab_says_so_where_one_is(
    visitor: Visitor, person: Person, pictures: list[Asset]
) -> None:
    page = visitor.go(f"/pictures/{pictures[0].id}")
    assets.trash(principal=person.principal, asset_id=pictures[0].id)
    page.keyboard.press("5")
    expect(page.locator("#notices")).to_contain_text("in the trash; take it back first")
    page.locator("#comment").fill("not lost")
    page.get_by_role("button", name="Comment").click()
    expect(page.locator("#notices .notice")).to_have_count(2)
    expect(page.locator("#comment")).to_have_value("not lost")


@pytest.mark.parametrize("key", ["n", "5", "Delete"])
def test_keys_do_nothing_to_a_picture_whose_menu_is_open(visitor: Visitor, person: Person, key: str) -> None:
    (picture,) = bring(person, ("red",))
    page = visitor.go(f"/pictures/{picture.id}")
    page.locator(".acts summary", has_text="Download").click()
    page.keyboard.press(key)
    page.keyboard.press("Escape")
    page.keyboard.press("f")
    expect(page.locator("#favorite")).to_have_attribute("aria-pressed", "true")
    assert page.url.endswith(f"/pictures/{picture.id}")
    kept = Asset.objects.get(id=picture.id)
    assert (kept.rating or 0, kept.trashed_at) == (0, None)


def test_a_new_collection_is_named_as_soon_as_its_place_is_opened(visitor: Visitor, person: Person) -> None:
    (picture,) = bring(person, ("red",))
    page = visitor.go(f"/pictures/{picture.id}")
    page.get_by_text("Put into a collection").click()
    expect(page.locator("#new-collection")).to_be_focused()
    page.keyboard.type("Spring")
    page.keyboard.press("Enter")
    expect(page.locator(".chip")).to_have_text("Spring")
