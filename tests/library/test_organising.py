"""One verb over many pictures: all or nothing, for those who may, and taken back by its own undo."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from accounts import actions
from accounts.errors import Invalid, NotAllowed, NotFound
from accounts.models import Role
from accounts.principal import Principal
from generations.actions import assets, collecting, organise
from generations.actions.organise import Deed, Done
from generations.models import Asset, Collection, CollectionItem, finding
from generations.models.search import Search
from tests.conftest import Person, make_person
from tests.library.conftest import Shelf, cover_of, do


def take_back(person: Person, done: Done) -> None:
    for body in done.undo:
        what = {name: value for name, value in body.items() if name not in {"verb", "ids"}}
        for name in ("project", "collection"):
            if name in what:
                what[name] = UUID(what[name])
        do(person, body["verb"], [UUID(one) for one in body["ids"]], **what)


def state(ids: list[UUID]) -> list[tuple[Any, ...]]:
    rows = Asset.objects.filter(id__in=ids).order_by("id")
    return [
        (row.project_id, sorted(row.tags), row.rating, row.favorite_of, row.trashed_at is None)
        for row in rows
    ]


@pytest.fixture
def three(shelf: Shelf) -> list[UUID]:
    """Of which the first has a tag and stars already."""
    first = shelf.put(tags=["old", "boat"], rating=2)
    return [first.id, shelf.put("a blue boat").id, shelf.put("a mountain").id]


@pytest.fixture
def held(shelf: Shelf) -> Collection:
    return collecting.create(principal=shelf.ada.principal, project_id=shelf.ada.project.id, name="Best")


def test_each_verb_does_what_it_says_and_its_undo_takes_it_back(
    shelf: Shelf, three: list[UUID], held: Collection
) -> None:
    ada = shelf.ada
    wanted: list[tuple[str, dict[str, Any], Search, int]] = [
        ("tag", {"tags": ["boat", "new"]}, Search(tag=("boat", "new")), 3),
        ("untag", {"tags": ["old", "boat"]}, Search(tag=("old",)), 0),
        ("rate", {"rating": 4}, Search(rating=4), 3),
        ("favorite", {}, Search(favorite=True), 3),
        ("move", {"project": shelf.other.id}, Search(project=shelf.other.id), 3),
        ("collect", {"collection": held.id}, Search(collection=held.id), 3),
        ("trash", {}, Search(trashed=True), 3),
    ]
    for verb, what, search, number in wanted:
        before = state(three)
        done = do(ada, verb, three, **what)
        assert len(finding.page_of(ada.principal, search).ids) == number, verb
        assert do(ada, verb, three, **what).changed == [], f"{verb} twice changes nothing"
        take_back(ada, done)
        assert state(three) == before, verb
    assert held.items.count() == 0


def test_unfavourite_uncollect_and_restore_too(shelf: Shelf, three: list[UUID], held: Collection) -> None:
    for there, back, what in (
        ("favorite", "unfavorite", {}),
        ("collect", "uncollect", {"collection": held.id}),
        ("trash", "restore", {}),
    ):
        before = state(three)
        do(shelf.ada, there, three, **what)
        assert do(shelf.ada, back, three, **what).changed == three
        assert state(three) == before
        take_back(shelf.ada, do(shelf.ada, back, three, **what))


def test_a_search_can_be_meant_instead_of_ids(shelf: Shelf, three: list[UUID]) -> None:
    asked = Deed("rate", rating=5)
    done = organise.bulk(principal=shelf.ada.principal, asked=asked, search=Search(q="boat"))
    assert sorted(done.changed) == sorted(three[:2])


def test_too_many_are_refused_before_anything_happens(
    shelf: Shelf, three: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(organise, "MOST_IDS", 2)
    monkeypatch.setattr(organise, "MOST_FOUND", 2)
    before = state(three)
    found = Search(project=shelf.ada.project.id)
    for call in (
        {"ids": three},
        {"search": found},
        {"search": Search()},
        {},
        {"ids": three[:1], "search": found},
        {"ids": three[:1], "search": Search()},
    ):
        with pytest.raises(Invalid):
            organise.bulk(principal=shelf.ada.principal, asked=Deed("rate", rating=5), **call)
    assert state(three) == before


@pytest.mark.parametrize(
    ("verb", "what", "field"),
    [
        ("tag", {"tags": []}, "tags"),
        ("tag", {"tags": ["x" * 101]}, "tags"),
        ("tag", {"tags": [f"t{number}" for number in range(49)]}, "tags"),
        ("rate", {"rating": 6}, "rating"),
        ("rate", {"rating": None}, "rating"),
        ("move", {}, "project"),
        ("collect", {}, "collection"),
        ("paint", {}, "verb"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_changes(
    shelf: Shelf, three: list[UUID], verb: str, what: dict[str, Any], field: str
) -> None:
    before = state(three)
    with pytest.raises(Invalid) as refusal:
        do(shelf.ada, verb, three, **what)
    assert list(refusal.value.fields) == [field]
    assert state(three) == before


def test_who_may_do_what(shelf: Shelf, three: list[UUID], held: Collection, stranger: Person) -> None:
    viewer, editor = make_person("vi@example.com"), make_person("ed@example.com")
    shelf.let_in(viewer, Role.VIEWER)
    shelf.let_in(editor, Role.EDITOR)
    verbs: dict[str, dict[str, Any]] = {
        "tag": {"tags": ["x"]},
        "untag": {"tags": ["boat"]},
        "rate": {"rating": 3},
        "move": {"project": editor.project.id},
        "collect": {"collection": held.id},
        "uncollect": {"collection": held.id},
        "trash": {},
        "restore": {},
    }
    for verb, what in verbs.items():
        before = state(three)
        # Where a stranger does not see the project or collection that is named, that is the answer.
        try:
            done = do(stranger, verb, three, **what)
            assert (done.changed, done.not_found) == ([], three), verb
        except NotFound:
            assert what
        with pytest.raises((NotAllowed, NotFound)):
            do(
                viewer,
                verb,
                three,
                **{**what, **({"project": viewer.project.id} if "project" in what else {})},
            )
        assert state(three) == before, verb
        take_back(editor, do(editor, verb, three, **what))
        assert state(three) == before, verb
    for verb in ("favorite", "unfavorite"):
        assert do(viewer, verb, three).changed == three
        assert do(stranger, verb, three).not_found == three


def test_a_key_for_one_project_reaches_no_other(shelf: Shelf, three: list[UUID]) -> None:
    key, _ = actions.create_api_key(user=shelf.ada.user, name="one", project_id=shelf.other.id)
    done = organise.bulk(principal=Principal(shelf.ada.user, key), asked=Deed("trash"), ids=three)
    assert (done.changed, done.not_found) == ([], three)


def test_pictures_that_are_not_there_are_named(shelf: Shelf, three: list[UUID]) -> None:
    nobody = uuid4()
    done = do(shelf.ada, "rate", [*three, nobody, three[0]], rating=5)
    assert (len(done.changed), done.not_found) == (3, [nobody])


def test_moving_leaves_the_collections_and_covers_behind_and_an_undo_brings_them_back(
    shelf: Shelf, three: list[UUID], held: Collection
) -> None:
    do(shelf.ada, "collect", three, collection=held.id)
    collecting.update(principal=shelf.ada.principal, collection_id=held.id, cover=three[0])
    key = Asset.objects.get(id=three[0]).storage_key
    done = do(shelf.ada, "move", three[:1], project=shelf.other.id)
    moved = Asset.objects.get(id=three[0])
    assert (moved.project, moved.storage_key, cover_of(held)) == (shelf.other, key, three[1])
    assert not CollectionItem.objects.filter(asset=moved).exists()
    take_back(shelf.ada, done)
    assert CollectionItem.objects.filter(asset=moved, collection=held).exists()
    assert cover_of(held) == moved.id


@pytest.mark.parametrize(("away", "back"), [("uncollect", "collect"), ("trash", "restore")])
def test_a_cover_that_is_not_there_is_not_shown_and_is_the_cover_again_when_it_is(
    shelf: Shelf, three: list[UUID], held: Collection, away: str, back: str
) -> None:
    named = {"collection": held.id} if away == "uncollect" else {}
    do(shelf.ada, "collect", three, collection=held.id)
    collecting.update(principal=shelf.ada.principal, collection_id=held.id, cover=three[1])
    assert cover_of(held) == three[1]
    do(shelf.ada, away, [three[1]], **named)
    assert cover_of(held) == three[0]
    do(shelf.ada, back, [three[1]], **named)
    assert cover_of(held) == three[1]


@pytest.mark.parametrize("away", ["uncollect", "move"])
def test_what_is_put_back_into_a_collection_stands_where_it_stood(
    shelf: Shelf, three: list[UUID], held: Collection, away: str
) -> None:
    do(shelf.ada, "collect", [three[1], three[0], three[2]], collection=held.id)
    named = {"collection": held.id} if away == "uncollect" else {"project": shelf.other.id}
    done = do(shelf.ada, away, three[:2], **named)
    take_back(shelf.ada, done)
    inside = held.items.order_by("rank", "id").values_list("asset_id", flat=True)
    assert list(inside) == [three[1], three[0], three[2]]


@pytest.mark.parametrize("ranks", [["1"], {"x": "first"}, {"x": float("nan")}, {"x": 10**400}, None])
def test_a_place_in_a_collection_is_a_number(
    shelf: Shelf, three: list[UUID], held: Collection, ranks: Any
) -> None:
    with pytest.raises(Invalid, match="ranks must be numbers"):
        do(shelf.ada, "collect", three, collection=held.id, ranks=ranks)
    assert not CollectionItem.objects.exists()


def test_moving_is_undone_although_a_collection_it_was_in_was_deleted(
    shelf: Shelf, three: list[UUID], held: Collection
) -> None:
    do(shelf.ada, "collect", three, collection=held.id)
    collecting.delete(principal=shelf.ada.principal, collection_id=held.id)
    done = do(shelf.ada, "move", three, project=shelf.other.id)
    take_back(shelf.ada, done)
    assert set(Asset.objects.filter(project=shelf.ada.project).values_list("id", flat=True)) == set(three)


def test_nothing_goes_into_an_archived_project(shelf: Shelf, three: list[UUID]) -> None:
    actions.archive_project(principal=shelf.ada.principal, project_id=shelf.other.id)
    for verb in ("move", "copy"):
        with pytest.raises(NotAllowed):
            do(shelf.ada, verb, three, project=shelf.other.id)


def test_a_collection_holds_pictures_of_its_own_project_only(shelf: Shelf, held: Collection) -> None:
    foreign = shelf.put(project=shelf.other)
    with pytest.raises(Invalid, match="move or copy"):
        do(shelf.ada, "collect", [foreign.id], collection=held.id)


def test_one_picture_is_named_rated_and_found_by_its_new_name(shelf: Shelf) -> None:
    one, me = shelf.put("a red boat"), shelf.ada.principal
    assets.update(principal=me, asset_id=one.id, name="Titelbild.png", rating=5, favorite=True)
    changed = assets.update(principal=me, asset_id=one.id, favorite=True, tags=["x"])
    assert (changed.name, changed.rating, changed.tags) == ("Titelbild.png", 5, ["x"])
    assert changed.favorite_of == [shelf.ada.user.id]
    for search in (
        Search(q="titel"),
        Search(q="boat"),
        Search(rating=5),
        Search(favorite=True),
        Search(tag=("x",)),
    ):
        assert finding.page_of(me, search).ids == [one.id], search
    assert assets.update(principal=me, asset_id=one.id, favorite=False).favorite_of == []


def test_a_viewer_may_have_favourites_and_change_nothing_else(shelf: Shelf, stranger: Person) -> None:
    one = shelf.put()
    shelf.let_in(stranger, Role.VIEWER)
    assets.update(principal=stranger.principal, asset_id=one.id, favorite=True)
    for changes in ({"name": "x"}, {"tags": ["x"]}, {"rating": 1}, {"rating": 1, "favorite": False}):
        with pytest.raises(NotAllowed):
            assets.update(principal=stranger.principal, asset_id=one.id, **changes)
    assert Asset.objects.get(id=one.id).favorite_of == [stranger.user.id]
