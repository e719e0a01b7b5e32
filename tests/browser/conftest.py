"""A real Chromium before the running product: web server, engine, sandbox gateways, PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect

from generations.engine.net import Net
from providers.sandbox.client import Control
from tests.browser.chromium import CHROMIUM, launched
from tests.conftest import Person, make_person
from tests.serving import serving

expect.set_options(timeout=30_000)
PASSWORD = "a long enough password"
LONG = 600
"""Seconds that work takes at a gateway where a test says when it is over."""


def finish(control: Control) -> None:
    """What takes LONG at a gateway is over; what comes there now takes no time."""
    control.settings(latency=0)
    control.advance(LONG)


@pytest.fixture(scope="package")
def chromium(django_db_setup: None) -> Iterator[Browser]:
    """The browser. The worker's database is made first: later, its connections cannot be reached."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not on this machine")
    # Playwright keeps an event loop in this thread; the tests' own queries are not run by it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with launched() as browser:
        yield browser
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def address(chromium: Browser, live: str, engine: Net, settings: Any) -> Iterator[str]:
    """The web process on a real socket, with static files as they lie in the tree."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True
    with serving(settings, "localhost") as running:
        yield running


@dataclass
class Visitor:
    """Somebody at a browser; ``trouble`` is what no visit may cause."""

    address: str
    context: BrowserContext
    page: Page
    trouble: list[str] = field(default_factory=list)

    def go(self, path: str = "/") -> Page:
        self.page.goto(self.address + path)
        return self.page

    def sign_in(self, person: Person) -> Page:
        self.go("/sign-in")
        self.page.get_by_label("E-mail").fill(person.user.email)
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(self.address + "/")
        return self.page

    def come_in(self, person: Person) -> Page:
        """At home, as somebody who signed in some time ago."""
        known = Client()
        known.force_login(person.user)
        cookie = known.cookies[settings.SESSION_COOKIE_NAME]
        self.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": self.address}])
        return self.go("/")

    def watch(self) -> None:
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.trouble.append(f"error: {error}"))
        self.page.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        refused = "status of 422" in message.text  # the browser says so of every form that is to be mended
        if message.type in {"error", "warning"} and not refused:
            self.trouble.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme in {"http", "https"} and f"{url.scheme}://{url.netloc}" != self.address:
            self.trouble.append(f"another origin: {request.url}")


@pytest.fixture
def person(live: str) -> Person:
    return make_person("ada@example.com", staff=True)


@pytest.fixture
def visit(chromium: Browser, address: str) -> Iterator[Any]:
    """Opens browser windows, and looks afterwards that nothing went wrong in any of them."""
    opened: list[Visitor] = []

    def opening(**options: Any) -> Visitor:
        options.setdefault("viewport", {"width": 1280, "height": 800})
        context = chromium.new_context(locale="en-US", **options)
        context.set_default_timeout(20_000)
        visitor = Visitor(address, context, context.new_page())
        visitor.watch()
        opened.append(visitor)
        return visitor

    yield opening
    for visitor in opened:
        visitor.context.close()
    assert [line for visitor in opened for line in visitor.trouble] == []


@pytest.fixture
def visitor(visit: Any, person: Person) -> Visitor:
    """A laptop, signed in."""
    window: Visitor = visit()
    window.come_in(person)
    return window


@pytest.fixture
def interceptable(visitor: Visitor) -> None:
    """So that what a test holds up or cuts is held up and cut from the first request on.

    A page that is open already learns in its own time that its requests go another way; a key pressed
    meanwhile could send one past it.
    """
    visitor.page.route("**/nothing", lambda route: route.abort())
    visitor.go("/")
