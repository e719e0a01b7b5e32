"""A picture is dropped, pasted or chosen, and found; by keyboard alone, too."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import FilePayload, Page, expect

from generations.models import Asset
from tests.browser.axe import barriers
from tests.browser.conftest import Visitor
from tests.browser.library import COLORS, bring, opened, tile
from tests.browser.test_over_the_library import stands
from tests.conftest import Person, eventually
from tests.finding.conftest import encoded, keep, landscape

pytestmark = pytest.mark.browser

# What a browser hands over when somebody drops or pastes a file.
_HAND_OVER = """([kind, data, type]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], "seen somewhere.jpg", { type }));
  const event = kind === "drop"
    ? new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true })
    : new ClipboardEvent("paste", { clipboardData: carried, bubbles: true });
  document.body.dispatchEvent(event);
}"""


@pytest.fixture
def boat(person: Person) -> Asset:
    return keep(person, encoded(landscape("a red boat")), prompt="a red boat")


def hand_over(page: Page, kind: str, data: bytes) -> None:
    page.evaluate(_HAND_OVER, [kind, base64.b64encode(data).decode(), "image/jpeg"])


def test_a_picture_that_is_dropped_pasted_or_chosen_is_found(visitor: Visitor, boat: Asset) -> None:
    page = visitor.go("/")
    page.on("filechooser", lambda _: None)  # early: a dialog that opens before this is known is lost
    page.locator(".face").click()
    page.get_by_role("link", name="Find a picture").click()
    page.wait_for_url("**/find")
    page.wait_for_load_state()
    answer = page.locator("#answer")
    hand_over(page, "drop", encoded(landscape("a red boat").resize((240, 160)), "JPEG"))
    expect(answer.get_by_text("It looks like these")).to_be_visible()
    expect(page.locator("[data-preview]")).to_be_visible()
    hand_over(page, "paste", encoded(landscape("something else altogether"), "JPEG"))
    expect(answer.get_by_text("Not in your library")).to_be_visible()
    page.locator("#find-file").focus()
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    exact = encoded(landscape("a red boat"))
    chooser.value.set_files(FilePayload(name="boat.png", mimeType="image/png", buffer=exact))
    expect(answer.get_by_text("The same file, byte for byte")).to_be_visible()
    found = Axe().run(page).response["violations"]
    assert [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found] == []
    hand_over(page, "drop", b"<html>no picture</html>")
    expect(answer.get_by_text("File is not a PNG, JPEG, WebP or AVIF picture.")).to_be_visible()
    assert str(boat.id) not in answer.inner_html()


def test_similar_pictures_stand_beside_a_picture(visitor: Visitor, person: Person, boat: Asset) -> None:
    alike = keep(person, encoded(landscape("a red boat"), "JPEG", quality=50))
    page = visitor.go(f"/pictures/{boat.id}")
    page.locator(".similar a").scroll_into_view_if_needed()
    expect(page.get_by_role("heading", name="Alike to the eye")).to_be_visible()
    page.locator(".similar a").click()
    page.wait_for_url(f"**/pictures/{alike.id}")


@pytest.mark.parametrize("width", [390, 1280])
def test_a_picture_is_found_by_its_seed_by_keyboard(width: int, visit: Any, person: Person) -> None:
    one, _other = bring(person, COLORS[:2])
    Asset.objects.filter(id=one.id).update(seed=0)
    visitor: Visitor = visit(viewport={"width": width, "height": 800})
    visitor.come_in(person)
    page = opened(visitor)
    page.locator("summary", has_text="Seed").press("Enter")
    field = page.get_by_label("Seed", exact=True)
    field.fill("0")
    eventually(lambda: stands(page.locator(".sheet:has(#seed)"), width), what="the sheet on the screen")
    assert barriers(page) == []
    field.press("Enter")
    page.wait_for_url("**/library?seed=0")
    expect(page.locator(".grid .tile")).to_have_count(1)
    expect(tile(page, one)).to_be_visible()
    page.get_by_role("link", name="Take away the filter Seed 0").click()
    expect(page.locator(".grid .tile")).to_have_count(2)
