"""The page of the library: filters that live in the address, menus that count, pages by cursor."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from generations.actions import collecting
from generations.models import Asset
from generations.web import library
from tests.conftest import Person, ask
from tests.web.conftest import brought, browser_of, htmx, made, text_of


def test_what_is_chosen_stands_there_as_a_chip_that_takes_it_away(ada: Person) -> None:
    made(ask(ada, "a heron", provider="runware"))
    page = browser_of(ada).get("/library", {"provider": "runware", "q": "heron", "rating": "0"})
    assert [(chip.label, chip.address) for chip in page.context["chips"]] == [("Runware", "q=heron")]
    assert 'href="/library?q=heron" aria-label="Take away the filter Runware"' in page.content.decode()
    assert 'name="provider" value="runware" form="filters"' in page.content.decode()


def test_a_picture_is_found_by_its_seed(ada: Person) -> None:
    one = made(ask(ada, "a heron", provider="runware"), seed=0)
    made(ask(ada, "a heron", provider="runware"), "blue", seed=7)
    client = browser_of(ada)
    form = re.search(
        r'<form class="sheet padded fields" action="/library">(.*?)</form>',
        client.get("/library?q=heron&tag=&provider=runware").content.decode(),
        re.DOTALL,
    )
    assert form
    assert re.findall(r'name="(\w+)"(?: value="(\w+)")?', form[1]) == [
        ("q", "heron"), ("provider", "runware"), ("seed", "")
    ]  # fmt: skip
    page = client.get("/library", {"q": "heron", "provider": "runware", "seed": "0"})
    assert page.context["assets"] == [one]
    assert [(chip.label, chip.address) for chip in page.context["chips"]] == [
        ("Runware", "q=heron&seed=0"),
        ("Seed 0", "q=heron&provider=runware"),
    ]
    assert 'id="seed"' not in page.content.decode()
    assert "1 picture" in text_of(htmx(client, "get", "/library/filters?menu=total&seed=0"))


def test_a_menu_counts_when_it_is_opened(ada: Person) -> None:
    for color in ("red", "blue"):
        made(ask(ada, "a heron", provider="runware"), color)
    made(ask(ada, "a stork", provider="prospolabs"), "green")
    menu = htmx(browser_of(ada), "get", "/library/filters?menu=provider")
    assert re.findall(r"(Runware|Prospolabs) (\d+)", text_of(menu)) == [("Runware", "2"), ("Prospolabs", "1")]
    assert 'href="/library?provider=runware"' in menu.content.decode()
    total = htmx(browser_of(ada), "get", "/library/filters?menu=total&q=heron")
    assert "2 pictures" in text_of(total)


def test_without_a_script_every_filter_is_a_page_of_links(ada: Person) -> None:
    asset = made(ask(ada, "a heron", provider="runware"))
    Asset.objects.filter(id=asset.id).update(tags=["harbour, at night"], rating=4)
    said = text_of(browser_of(ada).get("/library/filters?q=heron"))
    for word in ("Runware 1", "harbour, at night 1", "★★★★ and more 1", "Show 1 picture", "Last 7 days"):
        assert word in said, word


def test_a_strangers_name_is_not_told_by_a_filter(ada: Person, stranger: Person) -> None:
    page = browser_of(ada).get("/library", {"user": str(stranger.user.id)})
    assert [chip.label for chip in page.context["chips"]] == ["Unknown"]
    hidden = collecting.create(
        principal=stranger.principal, project_id=stranger.project.id, name="Top secret"
    )
    answer = browser_of(ada).get("/library", {"collection": str(hidden.id)})
    assert answer.status_code == 404
    assert "Top secret" not in answer.content.decode()


def test_the_grid_opens_at_a_picture_with_newer_ones_above(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "PAGE", 2)
    pictures = [brought(ada, color) for color in ("red", "green", "blue", "teal")]
    page = browser_of(ada).get("/library", {"at": str(pictures[1].id)})
    assert page.context["assets"] == [pictures[1], pictures[0]]
    newer = htmx(browser_of(ada), "get", f"/library?after={page.context['newer']}")
    assert newer.context["assets"] == [pictures[3], pictures[2]]


def test_a_collection_opens_at_a_picture_in_its_own_order(ada: Person) -> None:
    pictures = [brought(ada, color) for color in ("red", "green", "blue")]
    held = collecting.create(principal=ada.principal, project_id=ada.project.id, name="Boats")
    for one in (pictures[1], pictures[2], pictures[0]):
        collecting.place(principal=ada.principal, collection_id=held.id, asset_id=one.id)
    page = browser_of(ada).get("/library", {"collection": str(held.id), "at": str(pictures[2].id)})
    assert page.context["assets"] == [pictures[2], pictures[0]]
    assert text_of(page).count("Boats") >= 2


def test_ids_of_all_that_match_come_in_order(ada: Person) -> None:
    pictures = [made(ask(ada, "a heron"), color) for color in ("red", "green")]
    brought(ada, "blue")
    answer = browser_of(ada).get("/library/ids?q=heron").json()
    assert answer == {"ids": [str(one.id) for one in reversed(pictures)], "more": False}


def test_tags_are_suggested_by_their_beginning_and_only_mine(ada: Person, stranger: Person) -> None:
    Asset.objects.filter(id=brought(ada).id).update(tags=["harbour", "heron"])
    Asset.objects.filter(id=brought(stranger).id).update(tags=["hidden"])
    assert browser_of(ada).get("/library/tags?start=H").json() == {"tags": ["harbour", "heron"]}


def test_the_trash_says_when_each_picture_is_gone_for_good(ada: Person) -> None:
    asset = brought(ada)
    for ago, said in (
        (timedelta(), "gone in 30 days"),
        (timedelta(days=27, hours=2), "gone in 2 days"),
        (timedelta(days=28, hours=2), "gone in 1 day"),
    ):
        Asset.objects.filter(id=asset.id).update(trashed_at=timezone.now() - ago)
        assert said in text_of(browser_of(ada).get("/trash"))


def test_ticked_pictures_come_back_from_the_trash_together(ada: Person, viewer: Person) -> None:
    pictures = [brought(ada, color) for color in ("red", "green", "blue")]
    Asset.objects.update(trashed_at=timezone.now())
    ids = {"id": [str(one.id) for one in pictures[:2]]}
    assert browser_of(viewer).post("/trash/restore", ids).status_code == 403
    page = browser_of(ada).post("/trash/restore", ids, follow=True)
    assert "2 pictures restored." in text_of(page)
    assert list(Asset.objects.kept().order_by("id")) == pictures[:2]
    nothing = browser_of(ada).post("/trash/restore", {}, follow=True)
    assert "Tick the pictures" in text_of(nothing)
