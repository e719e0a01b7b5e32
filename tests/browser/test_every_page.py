"""What holds on every page: no barrier, no sideways scrolling, nothing that jumps."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import resolve, reverse
from playwright.sync_api import Page, expect

from generations.actions import assets, batches, collecting, commenting, notices, presets, sharing
from generations.models import Asset, Generation
from generations.web.urls import urlpatterns
from tests.browser.axe import barriers
from tests.browser.conftest import Visitor
from tests.comparing.conftest import compared
from tests.conftest import Person, ask, ended
from tests.people.conftest import link_to

pytestmark = pytest.mark.browser

WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
WIDTHS = (390, 640, 800, 1440, 1720, 2560, 1280)
"""A phone, a laptop at 200 %, a tablet, where places come into the bar, a large screen, a laptop."""
PHONE, TABLET = 390, 800
NAMES = ("button-name", "label", "link-name", "select-name", "summary-name")
"""What is drawn without words where there is little room still has its name."""
FINGER = 44
TOUCHED = (
    "button, .button, summary, select, .row, .tabs a, .places a, .rail-list a,"
    "input:not([type=hidden], [type=radio], [type=checkbox], [type=file], [type=range])"
)
SMALL = f"""[...document.querySelectorAll("{TOUCHED}")]
  .filter((one) => one.checkVisibility({{visibilityProperty: true, opacityProperty: true}}))
  .filter((one) => !one.closest(".unseen, .tile"))
  .map((one) => [one.outerHTML.slice(0, 120), Math.round(one.getBoundingClientRect().height)])
  .filter(([, height]) => height < {FINGER})"""
"""What a finger would miss; what lies over a picture reaches further than what is drawn."""
NO_PAGES = {
    *(
        "favicon",
        "ask",
        "download",
        "older",
        "live",
        "quote",
        "live_events",
        "every_id",
        "tags",
        "tag_choices",
    ),
    *(
        "reference_tray",
        "pick_references",
        "new_notices",
        "export_person",
        "export_spend",
        "shared_picture",
        "shared_download",
    ),
    *("quote_comparison", "account_logout", "account_signup", "account_inactive", "account_reauthenticate"),
    *("account_reset_password_done", "account_reset_password_from_key_done"),
    *("account_reset_password_from_key", "account_change_password", "account_email"),
}
"""What answers to GET and is a part of a page, a file, a way back, or a sentence on signing in."""


@dataclass
class Places:
    """Every page with something to look at; ``outside`` are those that need no sign-in."""

    pages: list[str]
    outside: list[str]
    picture: str


def batch_of(person: Person) -> object:
    """The id of two prompts asked for as one."""
    body = {"project": str(person.project.id), "prompts": ["a {heron|stork}"], "provider": "runware"}
    return batches.run(
        principal=person.principal, wanted=batches.read(body), render=lambda one: {"id": str(one.id)}
    ).subject_id


@pytest.fixture
def places(engine: Any, person: Person) -> Places:
    me, project = person.principal, person.project.id
    comparison = compared(person)
    first = ask(person, "a heron in the reeds", count=3, aspect_ratio="16:9")
    batch = batch_of(person)
    ended(first)
    asset, other, trashed = Asset.objects.filter(generation=first).order_by("id")
    varied = {"references": [f"asset:{asset.id}"], "source": f"asset:{asset.id}", "relation": "vary"}
    ask(person, "at dusk", **varied)
    for one in Generation.objects.all():
        ended(one)
    assets.update(principal=me, asset_id=asset.id, tags=["hero"], rating=4)
    assets.trash(principal=me, asset_id=trashed.id)
    collection = collecting.create(principal=me, project_id=project, name="Birds")
    collecting.place(principal=me, collection_id=collection.id, asset_id=asset.id)
    commenting.say(principal=me, asset_id=asset.id, text="The red is right now.")
    links = [sharing.share(principal=me, asset_id=asset.id, password=one) for one in ("", "red-boat-at-dawn")]
    presets.save(principal=me, name="Wide fours", body={"count": 4, "seed": 7}, project_id=project)
    notices.tell(person.user, notices.CAME_IN, person.project, {"by": person.user.id})
    here = f"/projects/{project}"
    return Places(
        [
            *("/", f"/?from={first.id}&reference={asset.id}&provider=bytespike", "/?aspect=exact&seed=7"),
            *("/?many=1", "/presets", "/batches", f"/batches/{batch}", f"/generations/{first.id}"),
            *("/library", "/library?q=zeppelin", "/library?tag=hero&rating=3", "/collections"),
            *(f"/library?collection={collection.id}", f"/library/filters?project={project}"),
            *("/trash", "/find", f"/pictures/{asset.id}", f"/pictures/{asset.id}/similar"),
            *("/compare", f"/compare?asset={asset.id}&asset={other.id}", f"/comparisons/{comparison.id}"),
            *(f"/comparisons/{comparison.id}?blind=1", "/arena", "/ranking"),
            *("/models", "/models/seedream-5-lite", "/wallet", "/spend", "/oversight", "/notices"),
            *("/projects", here, f"{here}/activity", "/settings", "/settings/erase"),
        ],
        [
            *("/sign-in", "/password/reset", link_to(person), "/invitations/nothing", "/s/nothing"),
            *(urlsplit(sharing.address(one)).path for one in links),
        ],
        f"/pictures/{asset.id}",
    )


def flaws(page: Page) -> list[str]:
    """Barriers in light, contrast in dark, windows in which it scrolls sideways, what no finger hits."""
    found = barriers(page)
    page.emulate_media(color_scheme="dark")
    found += [f"dark: {one}" for one in barriers(page, rules=["color-contrast"])]
    page.emulate_media(color_scheme="light")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        if (too_wide := page.evaluate(WIDE)) > 0:
            found.append(f"{too_wide} px too wide at {width}")
        if width == PHONE:
            found += [f"{height} px high: {tag}" for tag, height in page.evaluate(SMALL)]
        if width in {PHONE, TABLET}:
            found += [f"at {width}: {one}" for one in barriers(page, rules=NAMES)]
    return found


def test_every_page_is_without_barriers_in_light_and_dark_and_fits_every_screen(
    visit: Any, person: Person, places: Places
) -> None:
    visitor: Visitor = visit(color_scheme="light", reduced_motion="reduce")
    found = {path: flaws(visitor.go(path)) for path in places.outside}
    visitor.trouble[:] = [line for line in visitor.trouble if "status of 404" not in line]  # of dead links
    visitor.come_in(person)
    found |= {path: flaws(visitor.go(path)) for path in places.pages}
    page = visitor.page
    page.locator(".face").click()
    found["menu"] = flaws(page)
    page.get_by_role("button", name="Keyboard").click()
    found["keys"] = flaws(page)
    assert {path: said for path, said in found.items() if said} == {}


def test_no_page_was_forgotten_above(places: Places, client: Client) -> None:
    """Whatever answers to GET is looked at, or is named as no page."""
    looked_at = {resolve(path.partition("?")[0]).url_name for path in (*places.pages, *places.outside)}
    forgotten = []
    for one in urlpatterns:
        values = {"uuid": uuid.UUID(int=0), "str": "nothing"}
        if one.name in {None, *looked_at, *NO_PAGES}:
            continue
        told = {
            name: values["uuid" if "UUID" in type(how).__name__ else "str"]
            for name, how in one.pattern.converters.items()
        }
        if client.put(reverse(one.name, kwargs=told)).headers.get("Allow") != "POST":
            forgotten.append(one.name)
    assert forgotten == []


def test_nothing_jumps_while_pictures_arrive(visit: Any, person: Person, places: Places) -> None:
    visitor: Visitor = visit()
    visitor.come_in(person)
    watch = """() => new Promise((done) => {
      const shifts = [];
      // Before that, the page itself arrives.
      const [{domInteractive}] = performance.getEntriesByType("navigation");
      const named = ({ node }) => (node?.parentElement ?? node)?.outerHTML.slice(0, 200);
      new PerformanceObserver((list) => {
        for (const one of list.getEntries())
          if (!one.hadRecentInput && one.startTime > domInteractive) shifts.push(...one.sources.map(named));
      }).observe({type: "layout-shift", buffered: true});
      const pictures = [...document.images].map((one) => one.decode().catch(() => {}));
      const next = (then) => requestAnimationFrame(() => requestAnimationFrame(then));
      Promise.all(pictures).then(() => next(() => done(shifts)));
    })"""
    for path in ("/", "/library", places.picture):
        assert visitor.go(path).evaluate(watch) == [], path


def test_question_mark_shows_the_keys_and_escape_closes_them(visitor: Visitor) -> None:
    page = visitor.go("/library")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
