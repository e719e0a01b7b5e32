"""Finding pictures, and one picture large."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import Role
from generations.models import Asset
from generations.web import library
from tests.conftest import Person, ask
from tests.web.conftest import brought, browser_of, htmx, let_in, made, text_of


def found(client: Client, **search: str) -> list[Asset]:
    return list(client.get("/library", search).context["assets"])


def strands(client: Client, asset: Asset) -> dict[str, dict[str, list[Asset]]]:
    """The lineage that a picture's page shows: before, together and after, by their labels."""
    shown = client.get(f"/pictures/{asset.id}").context
    return {
        name: {strand.label: strand.pictures for strand in shown[name]}
        for name in ("before", "together", "after")
    }


def test_the_library_is_newest_first_and_keeps_each_pictures_own_shape(ada: Person) -> None:
    first, second = brought(ada, "red"), brought(ada, "blue")
    assert found(browser_of(ada)) == [second, first]
    html = browser_of(ada).get("/library").content.decode()
    assert html.count('width="64" height="48"') == 2


def test_filters_live_in_the_address(ada: Person, stranger: Person) -> None:
    let_in(ada, stranger, Role.EDITOR)
    mine = made(ask(ada, "a heron at dawn", provider="runware"), "red")
    theirs = brought(Person(stranger.user, ada.project), "blue")
    client = browser_of(ada)
    assert found(client, provider="runware") == [mine]
    assert found(client, kind="uploaded") == [theirs]
    assert found(client, user=str(stranger.user.id)) == [theirs]
    assert found(client, project=str(ada.project.id), q="HERON dawn") == [mine]
    assert found(client, q="heron dusk") == []


def test_words_are_found_in_any_script(ada: Person) -> None:
    mountain = made(ask(ada, "黎明的水墨山，一叶红舟"))
    assert found(browser_of(ada), q="红舟") == [mountain]


@pytest.mark.parametrize("search", ["kind=painted", "user=me", "before=x", "q=%00", "provider=nobody"])
def test_an_address_somebody_mistyped_is_no_error(search: str, ada: Person) -> None:
    assert browser_of(ada).get(f"/library?{search}").status_code == 200


def test_no_match_says_so_with_one_way_on(ada: Person) -> None:
    assert "No picture matches" in text_of(browser_of(ada).get("/library?q=zeppelin"))
    assert "No pictures yet" in text_of(browser_of(ada).get("/library"))


def test_older_pictures_come_below_and_carry_the_search(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "PAGE", 2)
    pictures = [brought(ada, color) for color in ("red", "green", "blue")]
    client = browser_of(ada)
    page = client.get("/library", {"kind": "uploaded"})
    assert list(page.context["assets"]) == [pictures[2], pictures[1]]
    assert f"/library?kind=uploaded&amp;before={pictures[1].id}" in page.content.decode()
    more = htmx(client, "get", f"/library?kind=uploaded&before={pictures[1].id}")
    assert list(more.context["assets"]) == [pictures[0]]
    assert "<html" not in more.content.decode()


def test_a_picture_page_tells_everything(ada: Person) -> None:
    generation = ask(ada, "a heron", seed=7, provider="prospolabs", aspect_ratio="16:9")
    asset = made(generation, charged=14_000, seed=7, revised_prompt="a grey heron")
    said = text_of(browser_of(ada).get(f"/pictures/{asset.id}"))
    for fact in ("a heron", "a grey heron", "Seedream 5 Lite", "Prospolabs", "16:9", "$0.014", "64 × 48"):
        assert fact in said, fact
    assert asset.sha256 in said


def test_lineage_leads_both_ways(ada: Person) -> None:
    source = brought(ada, "red")
    generation = ask(ada, "in the same style", references=[f"asset:{source.id}"], provider="prospolabs")
    one, two = made(generation, "blue"), made(generation, "green")
    client = browser_of(ada)
    assert strands(client, source)["after"] == {"Made with it": [one, two]}
    assert strands(client, one)["before"] == {"Made from": [source]}
    assert strands(client, one)["together"] == {"Made together": [two]}


def test_neighbours_are_those_of_the_same_search(ada: Person) -> None:
    one = made(ask(ada, "a heron at dawn"), "red")
    other = brought(ada, "green")
    two = made(ask(ada, "a heron at dusk"), "blue")
    client = browser_of(ada)
    searched = client.get(f"/pictures/{two.id}", {"q": "heron"})
    assert (searched.context["newer"], searched.context["older"]) == (None, one)
    assert f"/pictures/{one.id}?q=heron" in searched.content.decode()
    assert client.get(f"/pictures/{two.id}").context["older"] == other


def test_the_trash_takes_at_once_and_gives_back(ada: Person) -> None:
    asset = brought(ada)
    client = browser_of(ada)
    page = client.post(f"/pictures/{asset.id}/trash", follow=True)
    assert "Moved to the trash" in text_of(page)
    assert f'action="/pictures/{asset.id}/restore"' in page.content.decode()
    assert found(client) == []
    assert list(client.get("/trash").context["assets"]) == [asset]
    back = client.post(f"/pictures/{asset.id}/restore", {"next": "/library"}, follow=True)
    assert "The picture is back." in text_of(back)
    assert found(client) == [asset]


def test_a_picture_in_the_trash_offers_only_the_way_back(ada: Person) -> None:
    asset = brought(ada)
    client = browser_of(ada)
    client.post(f"/pictures/{asset.id}/trash")
    said = text_of(client.get(f"/pictures/{asset.id}"))
    assert "Take back from the trash" in said
    assert "Use as reference" not in said


def test_where_a_form_leads_back_to_is_a_page_of_ours(ada: Person) -> None:
    asset = brought(ada)
    for evil in ("https://evil.example/", "//evil.example", "javascript:alert(1)"):
        answer = browser_of(ada).post(f"/pictures/{asset.id}/restore", {"next": evil})
        assert answer["Location"] == f"/pictures/{asset.id}"


def test_sandbox_pictures_are_marked_wherever_they_appear(ada: Person) -> None:
    asset = made(ask(ada), sandbox=True)
    client = browser_of(ada)
    for path in ("/", "/library", f"/pictures/{asset.id}"):
        html = client.get(path).content.decode()
        assert '<span class="badge sandbox">sandbox</span>' in html.split("<main", 1)[1], path


def test_what_people_write_is_text_and_never_markup(ada: Person) -> None:
    asset = made(ask(ada, '<script>alert("x")</script>"><img src=x onerror=alert(1)>'))
    for path in ("/", "/library", f"/pictures/{asset.id}", f"/generations/{asset.generation_id}", "/wallet"):
        html = browser_of(ada).get(path).content.decode()
        assert "<script>alert" not in html, path
        assert "<img src=x" not in html, path
