"""A picture judged, tagged, collected and looked at from its own page, by every role."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from generations.actions import collecting
from generations.models import Asset, Collection, Generation, Relation
from tests.conftest import Person, ask, png
from tests.picture.conftest import Team
from tests.web.conftest import brought, browser_of, htmx, made, text_of

CHANGES: list[tuple[dict[str, Any], str, Any]] = [
    ({"verb": "rate", "rating": "4"}, "rating", 4),
    ({"verb": "tag", "typed": "mist, boat"}, "tags", ["mist", "boat"]),
]


def change(team: Team, role: str, **form: Any) -> Any:
    return team.browser(role).post(f"/pictures/{team.asset.id}/change", form)


def now(asset: Asset) -> Asset:
    return Asset.objects.get(id=asset.id)


@pytest.mark.parametrize(
    ("role", "status"), [("owner", 302), ("editor", 302), ("viewer", 403), ("stranger", 404)]
)
@pytest.mark.parametrize(("form", "field", "value"), CHANGES)
def test_editors_judge_and_tag_and_viewers_do_not(
    role: str, status: int, form: dict[str, Any], field: str, value: Any, team: Team
) -> None:
    assert change(team, role, **form).status_code == status
    assert (getattr(now(team.asset), field) == value) == (status == 302)
    shown = team.browser(role).get(f"/pictures/{team.asset.id}")
    assert ('id="add-tag"' in shown.content.decode()) == (status == 302)


@pytest.mark.parametrize(("role", "status"), [("owner", 302), ("viewer", 302), ("stranger", 404)])
def test_a_favourite_is_anybodys_own(role: str, status: int, team: Team) -> None:
    assert change(team, role, verb="favorite").status_code == status
    mine = [team[role].user.id] if status == 302 else []
    assert now(team.asset).favorite_of == mine
    change(team, role, verb="unfavorite")
    assert now(team.asset).favorite_of == []


def test_the_stars_that_are_there_take_themselves_away(team: Team) -> None:
    change(team, "owner", verb="rate", rating="3")
    html = team.browser("owner").get(f"/pictures/{team.asset.id}").content.decode()
    assert 'value="0" data-key-rate="3" aria-pressed="true"' in html
    change(team, "owner", verb="rate", rating="0")
    assert now(team.asset).rating == 0


@pytest.mark.parametrize("tag", ["mist", "mist, over water", "雾 & <b>"])
def test_a_tag_taken_off_comes_back_by_undo(tag: str, team: Team) -> None:
    Asset.objects.filter(id=team.asset.id).update(tags=[tag])
    browser = team.browser("editor")
    answer = htmx(browser, "post", f"/pictures/{team.asset.id}/change", {"verb": "untag", "tags": tag})
    assert now(team.asset).tags == []
    html = answer.content.decode()
    assert 'hx-swap-oob="beforeend:#notices"' in html
    undo = html.split('<form method="post" action="')[-1].split('"')[0].replace("&amp;", "&")
    browser.post(undo)
    assert now(team.asset).tags == [tag]


def test_tags_are_suggested_from_the_project_without_those_it_has(team: Team) -> None:
    other = brought(team.owner, "red")
    Asset.objects.filter(id=other.id).update(tags=["harbour", "harvest", "boat"])
    Asset.objects.filter(id=team.asset.id).update(tags=["harvest"])
    at = f"/pictures/{team.asset.id}/tags?typed=boat,%20har"
    assert team.browser("viewer").get(at).content.decode().count("<option") == 1
    assert 'value="harbour"' in team.browser("viewer").get(at).content.decode()
    assert team.browser("stranger").get(at).status_code == 404


def test_a_picture_goes_into_collections_old_and_new_and_out_again(team: Team) -> None:
    held = collecting.create(principal=team.owner.principal, project_id=team.owner.project.id, name="Spring")
    change(team, "editor", verb="collect", collection=str(held.id))
    change(team, "editor", new="Autumn")
    page = team.browser("viewer").get(f"/pictures/{team.asset.id}")
    assert [one.name for one in page.context["collections"]] == ["Autumn", "Spring"]
    assert change(team, "viewer", new="Mine").status_code == 403
    assert not Collection.objects.filter(name="Mine").exists()
    change(team, "editor", verb="uncollect", collection=str(held.id))
    page = team.browser("viewer").get(f"/pictures/{team.asset.id}")
    assert [one.name for one in page.context["collections"]] == ["Autumn"]


def test_taken_out_of_a_collection_by_mistake_it_comes_back_to_its_place(team: Team) -> None:
    me = team.owner.principal
    held = collecting.create(principal=me, project_id=team.owner.project.id, name="Spring")
    last = brought(team.owner, "olive")
    for one in (team.asset, last):
        collecting.place(principal=me, collection_id=held.id, asset_id=one.id)
    editor, taken_out = team.browser("editor"), {"verb": "uncollect", "collection": str(held.id)}
    page = editor.post(f"/pictures/{team.asset.id}/change", taken_out, follow=True)
    (undo,) = (str(said.extra_tags).partition(" ")[2] for said in page.context["messages"])
    editor.post(undo)
    inside = held.items.order_by("rank").values_list("asset_id", flat=True)
    assert list(inside) == [team.asset.id, last.id]


VERBS = ("change", "comments", "shares")


@pytest.mark.parametrize("verb", VERBS)
def test_a_picture_trashed_in_another_tab_says_so_and_the_way_back(verb: str, team: Team) -> None:
    browser = team.browser("owner")
    browser.post(f"/pictures/{team.asset.id}/trash")
    form = {"verb": "rate", "rating": "5", "text": "x", "expires_in": "7d"}
    answer = htmx(browser, "post", f"/pictures/{team.asset.id}/{verb}", form)
    assert (answer.status_code, answer["HX-Retarget"]) == (422, "#notices")
    assert "in the trash; take it back first" in text_of(answer)
    assert f'href="/pictures/{team.asset.id}"' in answer.content.decode()
    assert now(team.asset).rating == 0
    plain = browser.post(f"/pictures/{team.asset.id}/{verb}", form, follow=True)
    assert "in the trash; take it back first" in text_of(plain)


@pytest.mark.parametrize("verb", VERBS)
def test_a_picture_gone_for_good_says_so_and_leads_to_the_library(verb: str, team: Team) -> None:
    browser = team.browser("owner")
    browser.post(f"/pictures/{team.asset.id}/trash")
    Asset.objects.filter(id=team.asset.id).update(purged_at=team.asset.created_at)
    form = {"verb": "rate", "rating": "5", "text": "x", "expires_in": "7d"}
    answer = htmx(browser, "post", f"/pictures/{team.asset.id}/{verb}", form)
    assert (answer.status_code, answer["HX-Retarget"]) == (422, "#notices")
    assert "There is no such picture." in text_of(answer)
    assert 'href="/library"' in answer.content.decode()
    assert browser.post(f"/pictures/{team.asset.id}/{verb}", form).status_code == 404


def test_a_member_who_became_a_viewer_is_told_what_it_needs(team: Team) -> None:
    answer = htmx(
        team.browser("viewer"), "post", f"/pictures/{team.asset.id}/change", {"verb": "rate", "rating": "1"}
    )
    assert answer.status_code == 422
    assert "needs the role editor" in text_of(answer)


@pytest.mark.parametrize(
    "form", [{}, {"verb": "move"}, {"verb": "rate", "rating": "9"}, {"verb": "tag", "typed": " , "}]
)
def test_what_makes_no_sense_changes_nothing_and_is_said(form: dict[str, str], team: Team) -> None:
    answer = htmx(team.browser("owner"), "post", f"/pictures/{team.asset.id}/change", form)
    assert answer.status_code == 422
    assert text_of(answer).strip()
    assert (now(team.asset).rating, now(team.asset).tags) == (0, [])


def test_lineage_tells_finals_variations_retries_and_copies_apart(ada: Person, stranger: Person) -> None:
    draft = made(ask(ada, "a heron"), "red")

    def derived(relation: str, color: str) -> Asset:
        generation = ask(ada, "a heron", source=f"asset:{draft.id}", relation=relation)
        return made(generation, color)

    final, varied = derived("final", "green"), derived("vary", "blue")
    again = ask(ada, "a heron")
    Generation.objects.filter(id=again.id).update(retry_of=draft.generation)
    retried, copy = made(again, "pink"), brought(ada, "teal")
    Asset.objects.filter(id=copy.id).update(copied_from=draft)
    hidden = brought(stranger, "black")
    Asset.objects.filter(id=hidden.id).update(copied_from=draft)

    def strands(asset: Asset, side: str) -> dict[str, list[Asset]]:
        page = browser_of(ada).get(f"/pictures/{asset.id}")
        return {strand.label: strand.pictures for strand in page.context[side]}

    assert strands(draft, "after") == {
        "Finals": [final],
        "Variations": [varied],
        "Copies": [copy],
        "Asked again": [retried],
    }
    assert strands(final, "before") == {"Final of the draft": [draft]}
    assert strands(varied, "before") == {"Varied from": [draft]}
    assert strands(retried, "before") == {"Asked again after": [draft]}
    assert strands(copy, "before") == {"Copied from": [draft]}
    assert Generation.objects.get(assets=final).relation == Relation.FINAL


def test_the_trash_leads_on_to_the_next_picture_of_the_search_and_back_by_undo(ada: Person) -> None:
    older, newer = brought(ada, "red"), brought(ada, "blue")
    browser = browser_of(ada)
    moved = browser.post(f"/pictures/{newer.id}/trash?kind=uploaded")
    assert moved["Location"] == f"/pictures/{older.id}?kind=uploaded"
    back = browser.post(
        f"/pictures/{newer.id}/restore", headers={"referer": f"http://testserver{moved['Location']}"}
    )
    assert back["Location"] == f"/pictures/{newer.id}?kind=uploaded"


def test_a_link_with_somebody_elses_search_still_shows_the_picture(ada: Person, stranger: Person) -> None:
    asset = brought(ada)
    page = browser_of(ada).get(f"/pictures/{asset.id}?project={stranger.project.id}")
    assert page.status_code == 200
    assert (page.context["newer"], page.context["older"]) == (None, None)


@pytest.mark.parametrize("path", ["content?", "content?format=webp&", "thumbnail?size=256&"])
def test_a_download_is_saved_and_a_look_is_not(path: str, ada: Person) -> None:
    asset = brought(ada, name="boat.png")
    for download, how in (("1", "attachment"), ("0", "inline")):
        answer: Any = browser_of(ada).get(f"/api/v1/assets/{asset.id}/{path}download={download}")
        data = b"".join(answer.streaming_content)
        assert answer["Content-Disposition"].startswith(f'{how}; filename="boat.')
        assert "?f" in path or "size" in path or data == png()


def test_a_download_is_saved_from_a_bucket_too_and_its_link_says_so(ada: Person, settings: Any) -> None:
    asset = brought(ada, name="boat.png")
    bucket = {
        "BACKEND": "generations.storage.s3.PrivateS3Storage",
        "OPTIONS": {
            "bucket_name": "pictures",
            "endpoint_url": "http://localhost:9",
            "region_name": "here",
            "access_key": "key",
            "secret_key": "secret",
        },
    }
    settings.STORAGES = {**settings.STORAGES, "originals": bucket}
    for download, how in (("1", "attachment"), ("0", "inline")):
        answer = browser_of(ada).get(f"/api/v1/assets/{asset.id}/content?download={download}")
        asked = parse_qs(urlsplit(answer["Location"]).query)
        assert asked["response-content-disposition"] == [f'{how}; filename="boat.png"']
