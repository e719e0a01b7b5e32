"""What holds on every page: no inline script or style, sizes before bytes, names for everything."""

from __future__ import annotations

import gzip
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.template.loader import get_template

from accounts.models import Role
from config.env import BASE_DIR
from tests.conftest import Person, ask
from tests.web.conftest import brought, browser_of, let_in, made


class Reader(HTMLParser):
    """Collects every element with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


def pages(ada: Person, staff: Person) -> dict[str, str]:
    let_in(ada, staff, Role.OWNER)
    picture, generation = made(ask(ada, "a heron")), ask(ada, "running", count=2)
    brought(ada)
    paths = [
        "/",
        f"/?from={generation.id}&reference={picture.id}",
        "/?many=1",
        "/presets",
        "/batches",
        "/library",
        "/library?q=nothing",
        "/trash",
        "/wallet",
        "/spend",
        "/projects",
        f"/projects/{ada.project.id}",
        "/settings",
        "/oversight",
        f"/pictures/{picture.id}",
        f"/generations/{generation.id}",
        "/nowhere",
    ]
    client = browser_of(staff)
    found = {path: client.get(path).content.decode() for path in paths}
    client.logout()
    return found | {
        path: client.get(path).content.decode() for path in ("/sign-in", "/sign-up", "/password/reset")
    }


def elements(html: str) -> list[tuple[str, dict[str, str | None]]]:
    reader = Reader()
    reader.feed(html)
    return reader.elements


def test_no_page_has_script_or_style_inside(ada: Person, staff: Person) -> None:
    for path, html in pages(ada, staff).items():
        for tag, attributes in elements(html):
            inline = [name for name in attributes if name == "style" or name.startswith(("on", "hx-on"))]
            assert not inline, (path, tag, inline)
            assert tag != "style", path
            assert tag != "script" or attributes.get("src"), path


def test_every_picture_has_its_size_and_its_words(ada: Person, staff: Person) -> None:
    for path, html in pages(ada, staff).items():
        for tag, attributes in elements(html):
            if tag == "img":
                assert {"width", "height", "alt"} <= set(attributes), (path, attributes)


def test_ids_are_there_once_and_labels_name_a_field(ada: Person, staff: Person) -> None:
    for path, html in pages(ada, staff).items():
        found = elements(html)
        ids = [str(attributes["id"]) for _, attributes in found if attributes.get("id")]
        assert len(ids) == len(set(ids)), (path, sorted(one for one in ids if ids.count(one) > 1))
        pointed = [attributes.get(name) for _, attributes in found for name in ("for", "aria-describedby")]
        assert {one for one in pointed if one} <= set(ids), path


def test_nothing_comes_from_another_origin(ada: Person, staff: Person) -> None:
    for path, html in pages(ada, staff).items():
        for tag, attributes in elements(html):
            for name in ("src", "srcset", "action", "hx-get", "hx-post"):
                assert "//" not in (attributes.get(name) or ""), (path, tag, attributes)
            assert tag != "link" or (attributes.get("href") or "").startswith("/static/"), path


def test_every_icon_that_is_used_is_drawn() -> None:
    drawn = set(re.findall(r'<symbol id="(\w+)"', (BASE_DIR / "static/icons.svg").read_text()))
    used: set[str] = set()
    for template in (BASE_DIR / "templates").rglob("*.html"):
        text = template.read_text()
        used |= set(re.findall(r'{% icon "(\w+)" %}', text)) | set(re.findall(r"icons.svg' %}#(\w+)", text))
    assert used - drawn == set()
    assert drawn - used == set()


def test_every_template_can_be_read(settings: Any) -> None:
    folder = BASE_DIR / "templates"
    names = [str(template.relative_to(folder)) for template in folder.rglob("*.html")]
    assert "library.html" in names
    for name in names:
        get_template(name)


def test_a_page_of_the_library_is_light(ada: Person, staff: Person) -> None:
    let_in(ada, staff, Role.VIEWER)
    generation = ask(ada, "an ink-wash mountain at dawn, one red boat, mist over the water " * 3)
    for n in range(60):
        made(generation, f"#0000{n:02x}")
    assert len(browser_of(ada).get("/library").content) < 100_000


def test_all_scripts_together_are_small() -> None:
    """The budget is 60 KB compressed, htmx included."""
    scripts = [path.read_bytes() for path in (BASE_DIR / "static/js").glob("*.js")]
    htmx = finders.find("django_htmx/htmx-2.min.js")
    assert isinstance(htmx, str)
    assert sum(len(gzip.compress(script)) for script in [*scripts, Path(htmx).read_bytes()]) < 60_000
