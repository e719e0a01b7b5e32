"""Pictures brought into the library, and its grid as a browser shows it."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

from generations.actions import uploads
from generations.models import Asset
from tests.browser.conftest import Visitor
from tests.conftest import Person, png

COLORS = ("red", "green", "blue", "teal", "plum", "gold")


def bring(person: Person, colors: tuple[str, ...] = COLORS) -> list[Asset]:
    return [
        uploads.upload(
            principal=person.principal,
            project_id=person.project.id,
            chunks=[png(300, 200 + 40 * n, color)],
            name=f"{color}.png",
        )
        for n, color in enumerate(colors)
    ]


def opened(visitor: Visitor, path: str = "/library") -> Page:
    page = visitor.go(path)
    expect(page.locator("[data-grid][data-ready]")).to_be_visible()
    return page


def shown(page: Page) -> list[str]:
    ids: list[str] = page.locator(".grid .tile").evaluate_all("all => all.map(one => one.id.slice(5))")
    return ids


def tile(page: Page, asset: Asset) -> Any:
    return page.locator(f"#tile-{asset.id}")
