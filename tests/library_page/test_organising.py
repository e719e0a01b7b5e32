"""One verb over many pictures from the page: what is said, what can be undone, and who may."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts import actions
from generations.actions import collecting
from generations.models import Asset, Collection, SavedSearch
from tests.conftest import Person, png
from tests.library_page.conftest import Script
from tests.web.conftest import brought, browser_of, htmx, text_of

EDITING: list[tuple[str, dict[str, Any]]] = [
    ("tag", {"tags": ["harbour"]}),
    ("rate", {"rating": 4}),
    ("trash", {}),
]


def undo_in(page: Any) -> str:
    """The address that the notice's Undo posts to."""
    notice = page.content.decode().partition("data-notice>")[2]
    found = re.search('<form method="post" action="([^"]+)"', notice)
    assert found
    return html.unescape(found[1])


def fresh(asset: Asset) -> Asset:
    return Asset.objects.get(id=asset.id)


def test_a_verb_says_what_it_did_and_its_undo_takes_it_back(ada: Person, script: Script) -> None:
    one, two = brought(ada, "red"), brought(ada, "blue")
    script.bulk("rate", one, rating=2)
    answer = script.bulk("rate", one, two, rating=5).json()
    assert answer["sentence"] == "2 pictures rated."
    assert sorted(answer["changed"]) == sorted([str(one.id), str(two.id)])
    assert {fresh(one).rating, fresh(two).rating} == {5}
    assert script.post("/library/undo", {"undo": answer["undo"]}).json()["sentence"] == "Taken back."
    assert (fresh(one).rating, fresh(two).rating) == (2, 0)


def test_undo_of_the_trash_brings_all_back(ada: Person, script: Script) -> None:
    pictures = [brought(ada, color) for color in ("red", "blue")]
    answer = script.bulk("trash", *pictures).json()
    assert "where they stay for 30 days" in answer["sentence"]
    assert not Asset.objects.kept().exists()
    script.post("/library/undo", {"undo": answer["undo"]})
    assert Asset.objects.kept().count() == 2


def test_undo_of_a_move_brings_pictures_back_although_their_collection_was_deleted_meanwhile(
    ada: Person, script: Script
) -> None:
    picture = brought(ada)
    held = collecting.create(principal=ada.principal, project_id=ada.project.id, name="Best")
    script.bulk("collect", picture, collection=str(held.id))
    other = actions.create_project(principal=ada.principal, name="Campaign")
    answer = script.bulk("move", picture, project=str(other.id)).json()
    collecting.delete(principal=ada.principal, collection_id=held.id)
    back = script.post("/library/undo", {"undo": answer["undo"]})
    assert back.status_code == 200, "there is nothing left to mend"
    assert fresh(picture).project == ada.project


def test_an_undo_that_is_refused_takes_nothing_back(ada: Person, script: Script) -> None:
    picture = brought(ada)
    calls = [
        {"verb": "rate", "rating": 5, "ids": [str(picture.id)]},
        {"verb": "rate", "rating": 9, "ids": [str(picture.id)]},
    ]
    assert script.post("/library/undo", {"undo": calls}).status_code == 422
    assert fresh(picture).rating == 0


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/library/undo", {"undo": [{"verb": "trash", "ids": 5}]}),
        ("/library/undo", {"undo": [7]}),
        ("/library/bulk", {"verb": "tag", "tags": ["\ud83d"]}),
        ("/library/bulk", {"verb": "tag", "tags": ["a\x00"]}),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(
    path: str, body: dict[str, Any], ada: Person, script: Script
) -> None:
    """Half an emoji, for one: what is left when the other half was deleted from a field."""
    picture = brought(ada)
    answer = script.post(path, {"ids": [str(picture.id)], **body})
    assert answer.status_code == 422
    assert answer.json()["error"]
    assert fresh(picture).tags == []


def test_a_picture_that_is_gone_is_said_and_the_others_are_done(ada: Person, script: Script) -> None:
    kept = brought(ada)
    gone = "01a00000-0000-7000-8000-000000000000"
    answer = script.bulk("favorite", kept, gone).json()
    assert answer["not_found"] == [gone]
    assert answer["sentence"].endswith("1 picture is not here any more; somebody deleted or moved it.")
    assert fresh(kept).favorite_of == [ada.user.id]


@pytest.mark.parametrize(("verb", "more"), EDITING, ids=[verb for verb, _ in EDITING])
def test_editors_change_viewers_and_strangers_do_not(
    verb: str, more: dict[str, Any], ada: Person, editor: Person, viewer: Person, stranger: Person
) -> None:
    asset = brought(ada)
    refused = Script(viewer).bulk(verb, asset, **more)
    assert refused.status_code == 403
    assert "editor" in refused.json()["error"]
    assert Script(stranger).bulk(verb, asset, **more).json()["not_found"] == [str(asset.id)]
    before = fresh(asset)
    assert (before.tags, before.rating, before.trashed_at) == ([], 0, None)
    assert Script(editor).bulk(verb, asset, **more).json()["changed"] == [str(asset.id)]


def test_a_viewers_favourite_is_their_own(ada: Person, viewer: Person) -> None:
    asset = brought(ada)
    assert Script(viewer).bulk("favorite", asset).status_code == 200
    assert browser_of(viewer).get("/library?favorite=true").context["assets"] == [asset]
    assert browser_of(ada).get("/library?favorite=true").context["assets"] == []


@pytest.mark.parametrize(
    "body",
    ["no json", [], {"verb": "eat", "ids": ["x"]}, {"verb": "rate", "ids": 7}, {"verb": "tag", "tags": 1}],
)
def test_a_body_that_makes_no_sense_is_answered_with_a_sentence(script: Script, body: Any) -> None:
    answer = script.post("/library/bulk", body if isinstance(body, str) else json.dumps(body))
    assert answer.status_code == 422
    assert answer.json()["error"].endswith(".")


def bring(person: Person, *files: tuple[str, bytes], **more: str) -> Any:
    shown = [SimpleUploadedFile(name, content) for name, content in files]
    form = {"project": str(person.project.id), "file": shown, **more}
    return Script(person).post("/library/bring", form, form=True)


def test_a_file_that_is_here_already_is_said_and_linked(ada: Person) -> None:
    new = bring(ada, ("boat.png", png()))
    assert (new.status_code, new.json()["known"]) == (201, False)
    again = bring(ada, ("copy of boat.png", png()))
    assert (again.status_code, again.json()["known"]) == (200, True)
    assert again.json()["address"] == f"/pictures/{new.json()['id']}"
    assert Asset.objects.count() == 1


def test_a_file_that_was_made_here_is_known_for_what_it_is(ada: Person) -> None:
    made = Asset.objects.get(id=bring(ada, ("boat.png", png())).json()["id"])
    Asset.objects.filter(id=made.id).update(kind="generated", name="", prompt="a boat")
    again = bring(ada, ("downloaded.png", png()))
    assert (again.status_code, again.json()["known"]) == (200, True)
    assert again.json()["address"] == f"/pictures/{made.id}"
    assert Asset.objects.get().name == ""


def test_a_file_that_is_no_picture_is_refused_with_the_reason(ada: Person) -> None:
    answer = bring(ada, ("page.png", b"<html>not a picture</html>"))
    assert answer.status_code == 422
    assert "picture" in answer.json()["error"]
    assert not Asset.objects.exists()


def test_a_script_brings_one_at_a_time_and_into_the_project_it_means(ada: Person) -> None:
    files = [SimpleUploadedFile(name, b"GIF") for name in ("a.png", "b.png")]
    many = Script(ada).post("/library/bring", {"project": str(ada.project.id), "file": files}, form=True)
    lost = bring(ada, ("boat.png", png()), project="my project")
    assert [(one.status_code, bool(one.json()["error"])) for one in (many, lost)] == [(422, True)] * 2
    assert not Asset.objects.exists()


def test_a_form_without_a_script_brings_many_and_names_what_failed(ada: Person) -> None:
    files = [SimpleUploadedFile("red.png", png(color="red")), SimpleUploadedFile("../\u202ebad.png", b"GIF")]
    form = {"project": str(ada.project.id), "file": files}
    said = text_of(browser_of(ada).post("/library/bring", form, follow=True))
    assert "1 picture uploaded." in said
    assert "bad.png: " in said
    assert "\u202e" not in said
    assert "../" not in said


def test_only_editors_bring_pictures(ada: Person, viewer: Person, stranger: Person) -> None:
    for person, status in ((viewer, 403), (stranger, 404)):
        answer = bring(person, ("boat.png", png()), project=str(ada.project.id))
        assert answer.status_code == status
    actions.archive_project(principal=ada.principal, project_id=ada.project.id)
    assert "archived" in Script(ada).post(
        "/library/bring",
        {"project": str(ada.project.id), "file": SimpleUploadedFile("b.png", png())},
        form=True,
    ).json().get("error", "")


def test_a_collection_is_made_named_put_in_order_and_deleted(ada: Person) -> None:
    client, script = browser_of(ada), Script(ada)
    page = client.post("/collections/new", {"project": str(ada.project.id), "name": "Boats"}, follow=True)
    held = Collection.objects.get()
    assert "Nothing in this collection" in text_of(page)
    one, two, three = (brought(ada, color) for color in ("red", "green", "blue"))
    script.bulk("collect", one, two, three, collection=str(held.id))
    script.post(f"/collections/{held.id}/place", {"ids": [str(three.id), str(two.id)], "after": str(one.id)})
    shown = f"/library?collection={held.id}"
    assert client.get(shown).context["assets"] == [one, three, two]
    client.post(f"/collections/{held.id}/name", {"name": "Red boats"})
    client.post(f"/collections/{held.id}/cover", {"asset": str(two.id)})
    said = client.get("/collections")
    assert "Red boats" in text_of(said)
    assert "3 pictures" in text_of(said)
    assert f"/api/v1/assets/{two.id}/thumbnail" in said.content.decode()
    gone = client.post(f"/collections/{held.id}/delete", follow=True)
    assert "still in the library" in text_of(gone)
    assert "Red boats" not in text_of(gone)
    assert Asset.objects.kept().count() == 3
    back = client.post(undo_in(gone), follow=True)
    assert back.context["assets"] == [one, three, two]
    assert f"/api/v1/assets/{two.id}/thumbnail" in client.get("/collections").content.decode()


def test_an_order_is_kept_whole_or_not_at_all(ada: Person) -> None:
    browser_of(ada).post("/collections/new", {"project": str(ada.project.id), "name": "Boats"})
    held, script, asset = Collection.objects.get(), Script(ada), brought(ada)
    place = f"/collections/{held.id}/place"
    assert script.post(place, {"ids": [str(asset.id), "no id"]}).status_code == 422
    assert script.post(place, {"ids": [str(asset.id)] * 201}).status_code == 422
    assert not held.items.exists()


def test_collections_are_the_editors_to_change(ada: Person, viewer: Person, stranger: Person) -> None:
    browser_of(ada).post("/collections/new", {"project": str(ada.project.id), "name": "Boats"})
    held, asset = Collection.objects.get(), brought(ada)
    verbs: list[tuple[str, dict[str, str]]] = [
        ("name", {"name": "Mine"}),
        ("delete", {}),
        ("cover", {"asset": str(asset.id)}),
    ]
    for person, status in ((viewer, 403), (stranger, 404)):
        for verb, form in verbs:
            assert browser_of(person).post(f"/collections/{held.id}/{verb}", form).status_code == status
        place = Script(person).post(f"/collections/{held.id}/place", {"ids": [str(asset.id)]})
        assert place.status_code == status
        new = browser_of(person).post("/collections/new", {"project": str(ada.project.id), "name": "Mine"})
        assert new.status_code == status
    assert list(Collection.objects.values_list("name", flat=True)) == ["Boats"]
    assert "Boats" not in text_of(browser_of(stranger).get("/collections"))
    assert "Boats" in text_of(browser_of(viewer).get("/collections"))


def test_a_search_is_kept_for_me_or_for_a_project(ada: Person, viewer: Person) -> None:
    client = browser_of(ada)
    form = {"search": "q=boat&rating=4", "name": "Good boats"}
    page = client.post("/searches", form, follow=True)
    assert page.request["QUERY_STRING"] == "q=boat&rating=4"
    assert "Good boats" not in text_of(browser_of(viewer).get("/library"))
    client.post("/searches", {**form, "name": "Our boats", "project": str(ada.project.id)})
    assert "Our boats" in text_of(browser_of(viewer).get("/library"))
    ours = SavedSearch.objects.get(name="Our boats")
    assert browser_of(viewer).post(f"/searches/{ours.id}/delete").status_code == 403
    shared = {**form, "project": str(ada.project.id)}
    assert browser_of(viewer).post("/searches", shared).status_code == 403
    client.post(f"/searches/{ours.id}/name", {"name": "The best boats"})
    assert "The best boats" in text_of(client.get("/library"))
    gone = client.post(f"/searches/{ours.id}/delete", follow=True)
    assert list(SavedSearch.objects.values_list("name", flat=True)) == ["Good boats"]
    client.post(undo_in(gone))
    assert "The best boats" in text_of(browser_of(viewer).get("/library"))


def test_the_page_of_a_kept_search_names_it_and_lets_its_owner_rename_it(ada: Person, viewer: Person) -> None:
    client = browser_of(ada)
    form = {"search": "q=boat", "name": "Boats", "project": str(ada.project.id)}
    page = client.post("/searches", form, follow=True)
    kept = SavedSearch.objects.get()
    rename = f'action="/searches/{kept.id}/name"'
    assert rename in page.content.decode()
    assert rename not in client.get("/library").content.decode()
    assert rename not in browser_of(viewer).get("/library?q=boat").content.decode()


def test_a_script_that_was_signed_out_is_told_the_way_back(ada: Person) -> None:
    client = browser_of(ada)
    client.logout()
    answer = htmx(client, "post", "/library/bulk", {"verb": "trash"})
    assert answer.status_code == 422
    assert "Sign in" in text_of(answer)
