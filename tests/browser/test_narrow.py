"""At 320 pixels, four times the size on a laptop, a page is read down and never sideways (WCAG 1.4.10)."""

from __future__ import annotations

from typing import Any

import pytest

from generations.actions import assets
from tests.browser.conftest import Visitor
from tests.conftest import Person
from tests.web.conftest import brought

ADDRESSES = ("/", "/library", "/wallet", "/models", "/settings", "/projects", "/trash")


@pytest.fixture
def narrow(visit: Any, person: Person) -> Visitor:
    visitor: Visitor = visit(viewport={"width": 320, "height": 640})
    for colour in ("teal", "plum", "navy"):
        asset = brought(person, colour)
        if colour != "navy":
            assets.trash(principal=person.principal, asset_id=asset.id)
    visitor.come_in(person)
    return visitor


def test_no_page_is_wider_than_a_narrow_window(narrow: Visitor) -> None:
    wide = {}
    for address in ADDRESSES:
        page = narrow.go(address)
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > 320:
            wide[address] = width
    assert wide == {}
