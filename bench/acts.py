"""What is done on a page before it is looked at."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page

from bench.product import ROOT

Act = Callable[[Page], object]
SLOW: dict[str, Any] = {
    "prompt": "A city of paper at night, seen from the harbour",
    "count": 3,
    "aspect_ratio": "16:9",
    "provider": "threedai",
}


def click(selector: str) -> Act:
    """The first of them."""

    def act(page: Page) -> None:
        page.locator(selector).first.click()
        page.wait_for_timeout(400)

    return act


def open_more(page: Page) -> None:
    page.locator("#prompt").fill("A harbour in the morning, {fog|sun}")
    page.locator("#composer details:not(.menu) > summary").last.click()


def many(page: Page) -> None:
    page.locator("#prompt").fill("A {heron|stork} at {dawn|dusk}\nA kite over {reeds|dunes}")
    page.locator(".sum").first.wait_for()
    page.wait_for_timeout(1500)


def too_many(page: Page) -> None:
    page.locator("#prompt").fill("A boat")
    page.locator("#composer").evaluate("one => one.noValidate = true")
    page.locator("#count").fill("0")
    page.keyboard.press("Control+Enter")
    page.locator("#composer .error:not(:empty)").first.wait_for()


def run(page: Page) -> None:
    page.evaluate(
        """async (body) => {
          const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
          const headers = {"Content-Type": "application/json", "X-CSRFToken": token};
          const project = new URLSearchParams(location.search).get("project");
          await fetch("/api/v1/generations", {method: "POST", headers, body: JSON.stringify({...body, project})});
        }""",
        SLOW,
    )
    page.reload()


def choose(page: Page) -> None:
    page.locator(".grid .tile").first.wait_for()
    for key in ("ArrowRight", "x", "Shift+ArrowRight", "Shift+ArrowRight"):
        page.keyboard.press(key)


def rate(page: Page) -> None:
    choose(page)
    page.locator("#bulk details summary").first.click()


def peek(page: Page) -> None:
    page.locator(".grid .tile a").nth(2).focus()
    page.keyboard.press(" ")
    page.locator("#peek img").wait_for()
    page.wait_for_timeout(600)


def scroll(page: Page) -> None:
    page.locator(".grid .tile").first.wait_for()
    page.mouse.move(300, 500)
    page.mouse.wheel(0, 1500)
    page.wait_for_timeout(900)


def zoom(page: Page) -> None:
    page.locator("#large").dblclick()
    page.wait_for_timeout(900)


def wrong_password(page: Page) -> None:
    page.fill("#id_login", "ada@example.com")
    page.fill("#id_password", "not the password")
    page.keyboard.press("Enter")
    page.locator(".error:not(:empty)").first.wait_for()


def forge(page: Page) -> None:
    page.locator("[name=csrfmiddlewaretoken]").evaluate_all("all => all.forEach((one) => one.value = 'x')")
    with page.expect_navigation():
        page.evaluate("document.querySelector('form[action$=\"settings/name\"]').submit()")


def standing(page: Page, name: str) -> None:
    """The page for when nothing works, as it is answered then: in English, with its sentence put in."""
    text = re.sub(r'{% translate "(.*?)" %}', r"\1", (ROOT / "templates" / name).read_text())
    text = re.sub("{%.*?%}", "", text).replace("{{ language }}", "en")
    text = text.replace("{{ sentence }}", "The database is away for a moment; try again.")
    page.route("**/broken", lambda route: route.fulfill(body=text, content_type="text/html", status=503))
    page.reload()
