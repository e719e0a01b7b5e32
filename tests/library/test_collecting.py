"""Collections and saved searches: made, put in order, shared, forgotten; the pictures stay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from accounts.errors import Invalid, NotAllowed, NotFound
from accounts.models import Role
from generations.actions import collecting, organise, searches
from generations.actions.organise import Deed
from generations.engine import sweeping
from generations.models import Asset, Collection, SavedSearch, facets, finding
from generations.models.search import Search
from tests.conftest import Person, make_person
from tests.library.conftest import Shelf, cover_of


@pytest.fixture
def held(shelf: Shelf) -> Collection:
    return collecting.create(
        principal=shelf.ada.principal, project_id=shelf.ada.project.id, name=" The  best "
    )


@pytest.fixture
def five(shelf: Shelf, held: Collection) -> list[UUID]:
    ids = [shelf.put().id for _ in range(5)]
    for one in ids:
        collecting.place(principal=shelf.ada.principal, collection_id=held.id, asset_id=one)
    return ids


def order(shelf: Shelf, held: Collection) -> list[UUID]:
    return finding.page_of(shelf.ada.principal, Search(collection=held.id)).ids


def put(shelf: Shelf, held: Collection, one: UUID, **where: UUID) -> None:
    collecting.place(principal=shelf.ada.principal, collection_id=held.id, asset_id=one, **where)


def test_the_order_is_made_by_hand(shelf: Shelf, held: Collection, five: list[UUID]) -> None:
    a, b, c, d, e = five
    assert order(shelf, held) == five
    put(shelf, held, e, before=a)
    assert order(shelf, held) == [e, a, b, c, d]
    put(shelf, held, a, after=c)
    assert order(shelf, held) == [e, b, c, a, d]
    put(shelf, held, b, after=d)
    assert order(shelf, held) == [e, c, a, d, b]
    put(shelf, held, a)
    assert order(shelf, held) == [e, c, a, d, b], "without a place it stays where it is"


def test_putting_things_between_never_runs_out_of_room(
    shelf: Shelf, held: Collection, five: list[UUID]
) -> None:
    first, *_, last = five
    for number in range(70):
        put(shelf, held, five[1 + number % 3], before=last)
        assert order(shelf, held)[-2:] == [five[1 + number % 3], last]
    assert order(shelf, held)[0] == first


def test_a_deleted_collection_leaves_its_pictures(shelf: Shelf, held: Collection, five: list[UUID]) -> None:
    collecting.remove(principal=shelf.ada.principal, collection_id=held.id, asset_id=five[0])
    assert order(shelf, held) == five[1:]
    collecting.delete(principal=shelf.ada.principal, collection_id=held.id)
    assert Asset.objects.kept().count() == 5
    with pytest.raises(NotFound):
        order(shelf, held)


def test_a_deleted_collection_is_taken_back_as_it_was(
    shelf: Shelf, held: Collection, five: list[UUID]
) -> None:
    me = shelf.ada.principal
    put(shelf, held, five[0], after=five[4])
    collecting.update(principal=me, collection_id=held.id, cover=five[2])
    before = order(shelf, held)
    with pytest.raises(NotFound):
        collecting.restore(principal=me, collection_id=held.id)
    collecting.delete(principal=me, collection_id=held.id)
    nowhere: list[Callable[[], object]] = [
        lambda: put(shelf, held, five[1]),
        lambda: collecting.update(principal=me, collection_id=held.id, name="x"),
        lambda: collecting.delete(principal=me, collection_id=held.id),
        lambda: organise.bulk(principal=me, asked=Deed("collect", collection=held.id), ids=five),
    ]
    for verb in nowhere:
        with pytest.raises(NotFound):
            verb()
    assert facets.facets(me, Search()).values["collection"] == []
    assert not Asset.objects.matching(Search(collection=held.id), me).exists()
    collecting.restore(principal=me, collection_id=held.id)
    assert order(shelf, held) == before
    assert cover_of(held) == five[2]


def test_a_deletion_is_for_good_after_a_day(shelf: Shelf, held: Collection, five: list[UUID]) -> None:
    collecting.delete(principal=shelf.ada.principal, collection_id=held.id)
    sweeping.sweep()
    assert Collection.objects.exists()
    Collection.objects.update(deleted_at=timezone.now() - sweeping.DELETED - timedelta(seconds=1))
    sweeping.sweep()
    assert not Collection.objects.exists()
    assert Asset.objects.kept().count() == 5


def test_what_is_wrong_is_named(shelf: Shelf, held: Collection, five: list[UUID]) -> None:
    me, foreign = shelf.ada.principal, shelf.put(project=shelf.other)
    with pytest.raises(Invalid, match="name"):
        collecting.create(principal=me, project_id=shelf.ada.project.id, name="  ")
    with pytest.raises(Invalid, match="cover"):
        collecting.update(principal=me, collection_id=held.id, cover=foreign.id)
    with pytest.raises(Invalid, match="another project"):
        put(shelf, held, foreign.id)
    with pytest.raises(Invalid, match="before"):
        put(shelf, held, five[0], before=uuid4())
    with pytest.raises(Invalid, match="another picture"):
        put(shelf, held, five[0], after=five[0])
    assert order(shelf, held) == five


def test_who_may_do_what_with_a_collection(
    shelf: Shelf, held: Collection, five: list[UUID], stranger: Person
) -> None:
    viewer, editor = make_person("vi@example.com"), make_person("ed@example.com")
    shelf.let_in(viewer, Role.VIEWER)
    shelf.let_in(editor, Role.EDITOR)
    project = shelf.ada.project.id
    mine, one = {"collection_id": held.id}, {"collection_id": held.id, "asset_id": five[0]}
    verbs: list[tuple[Callable[..., object], dict[str, Any]]] = [
        (collecting.create, {"project_id": project, "name": "x"}),
        (collecting.update, {**mine, "name": "x"}),
        (collecting.delete, mine),
        (collecting.restore, mine),
        (collecting.place, {**one, "after": five[1]}),
        (collecting.remove, one),
    ]
    for verb, what in verbs:
        Collection.objects.update(deleted_at=timezone.now() if verb == collecting.restore else None)
        for person, refusal in ((viewer, NotAllowed), (stranger, NotFound)):
            with pytest.raises(refusal):
                verb(principal=person.principal, **what)
    assert finding.page_of(viewer.principal, Search(collection=held.id)).ids == five
    me = editor.principal
    collecting.update(principal=me, collection_id=held.id, name="x", cover=five[2])
    collecting.place(principal=me, collection_id=held.id, asset_id=five[0], after=five[1])
    collecting.remove(principal=me, collection_id=held.id, asset_id=five[2])
    held.refresh_from_db()
    assert (held.name, cover_of(held)) == ("x", five[1])
    collecting.delete(principal=me, collection_id=held.id)


def test_a_search_is_kept_for_myself_or_shared_with_a_project(shelf: Shelf, stranger: Person) -> None:
    me, search = shelf.ada.principal, Search(q="boat", tag=("a, b",), rating=3)
    own = searches.save(principal=me, name="Boats", search=search)
    shared = searches.save(principal=me, name="Ours", search=search, project_id=shelf.ada.project.id)
    assert searches.of(own) == search
    assert list(SavedSearch.objects.visible_to(stranger.principal)) == []
    shelf.let_in(stranger, Role.VIEWER)
    assert list(SavedSearch.objects.visible_to(stranger.principal)) == [shared]
    changed = searches.update(principal=me, search_id=own.id, name="Ships", search=Search(q="ship"))
    assert (changed.name, searches.of(changed)) == ("Ships", Search(q="ship"))
    searches.delete(principal=me, search_id=own.id)
    with pytest.raises(NotFound):
        searches.visible(me, own.id)


def test_who_may_change_a_shared_search(shelf: Shelf, stranger: Person) -> None:
    search, project = Search(q="boat"), shelf.ada.project.id
    editor, viewer = make_person("ed@example.com"), make_person("vi@example.com")
    shelf.let_in(editor, Role.EDITOR)
    shelf.let_in(viewer, Role.VIEWER)
    shared = searches.save(principal=editor.principal, name="Ours", search=search, project_id=project)
    for person, refusal in ((viewer, NotAllowed), (stranger, NotFound)):
        with pytest.raises(refusal):
            searches.save(principal=person.principal, name="x", search=search, project_id=project)
        with pytest.raises(refusal):
            searches.update(principal=person.principal, search_id=shared.id, name="x")
        with pytest.raises(refusal):
            searches.delete(principal=person.principal, search_id=shared.id)
    searches.update(principal=editor.principal, search_id=shared.id, name="x")
    searches.delete(principal=shelf.ada.principal, search_id=shared.id)


def test_a_search_for_everything_or_without_a_name_is_not_kept(shelf: Shelf) -> None:
    for name, search in (("x", Search()), (" ", Search(q="boat")), ("x" * 101, Search(q="boat"))):
        with pytest.raises(Invalid):
            searches.save(principal=shelf.ada.principal, name=name, search=search)


def test_a_search_that_cannot_be_kept_is_refused_alike_when_made_and_when_changed(shelf: Shelf) -> None:
    me = shelf.ada.principal
    kept = searches.save(principal=me, name="x", search=Search(q="boat"))
    for search, problem in ((Search(), "choose words or a filter"), (Search(q="x" * 3000), "is too long")):
        with pytest.raises(Invalid, match=problem):
            searches.save(principal=me, name="y", search=search)
        with pytest.raises(Invalid, match=problem):
            searches.update(principal=me, search_id=kept.id, search=search)
