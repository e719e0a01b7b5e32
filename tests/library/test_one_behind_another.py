"""One person changes something while another, who has looked already, is about to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import transaction
from django.http import QueryDict

from accounts import actions
from accounts.errors import NotFound, Refusal
from generations.actions import assets, collecting, presets, searches
from generations.models import Asset, CollectionItem, Preset
from generations.models.search import Search
from tests.conftest import Person, eventually
from tests.library.conftest import Shelf, do, patient, waiting

T = TypeVar("T")


@contextmanager
def behind(work: Callable[[], T]) -> Iterator[list[Future[T]]]:
    """Begins in a thread while what the block did is not committed, and waits for it."""
    running: list[Future[T]] = []
    with ThreadPoolExecutor(1) as threads, transaction.atomic():
        yield running
        running.append(threads.submit(patient, work))
        eventually(lambda: waiting() or running[0].done(), what="the second waiting for the first")


def test_a_picture_that_is_moved_while_it_is_put_in_does_not_stay_in(live: str, person: Person) -> None:
    me = person.principal
    shelf = Shelf(person, actions.create_project(principal=me, name="Campaign"))
    picture = shelf.put().id
    held = collecting.create(principal=me, project_id=shelf.ada.project.id, name="Best")

    def put_in() -> Any:
        return collecting.place(principal=me, collection_id=held.id, asset_id=picture)

    with behind(put_in) as putting:
        do(shelf.ada, "move", [picture], project=shelf.other.id)

    assert isinstance(putting[0].exception(), Refusal)
    assert not CollectionItem.objects.exists()


def test_a_preset_that_is_renamed_while_another_becomes_the_default_is_none(
    live: str, person: Person
) -> None:
    me, project = person.principal, person.project.id
    old, new = (
        presets.save(principal=me, name=name, body={"prompt": "ink"}, project_id=project) for name in "ab"
    )
    presets.update(principal=me, preset_id=old.id, is_default=True)

    def rename() -> Any:
        return presets.update(principal=me, preset_id=old.id, name="Old")

    with behind(rename) as renaming:
        presets.update(principal=me, preset_id=new.id, is_default=True)

    assert renaming[0].exception() is None
    assert [one.name for one in Preset.objects.filter(is_default=True)] == ["b"]
    assert Preset.objects.get(id=old.id).name == "Old"


def test_a_search_that_is_renamed_while_it_is_deleted_is_gone(live: str, person: Person) -> None:
    me = person.principal
    kept = searches.save(principal=me, name="Red", search=Search.of(QueryDict("q=red")))

    def rename() -> Any:
        return searches.update(principal=me, search_id=kept.id, name="Blue")

    with behind(rename) as renaming:
        searches.delete(principal=me, search_id=kept.id)

    assert isinstance(renaming[0].exception(), NotFound)


def test_a_search_that_is_renamed_and_changed_at_once_is_both(live: str, person: Person) -> None:
    me = person.principal
    kept = searches.save(principal=me, name="Red", search=Search.of(QueryDict("q=red")))

    def rename() -> Any:
        return searches.update(principal=me, search_id=kept.id, name="Blue")

    with behind(rename) as renaming:
        searches.update(principal=me, search_id=kept.id, search=Search.of(QueryDict("q=blue")))

    assert renaming[0].exception() is None
    kept.refresh_from_db()
    assert (kept.name, kept.address) == ("Blue", "q=blue")


def test_whoever_comes_second_sees_what_the_first_did(live: str, person: Person) -> None:
    shelf = Shelf(person, actions.create_project(principal=person.principal, name="Campaign"))
    ids = [shelf.put().id for _ in range(3)]
    with behind(lambda: do(person, "tag", ids, tags=["x"])) as following:
        first = do(person, "tag", ids, tags=["x"])
    second = following[0].result()
    assert (first.changed, second.changed, second.undo) == (ids, [], [])


def test_a_picture_that_two_bring_at_once_takes_the_tags_of_both(live: str, person: Person) -> None:
    shelf = Shelf(person, actions.create_project(principal=person.principal, name="Campaign"))
    picture = shelf.put().id

    def bring(tag: str) -> Any:
        return assets.bring_again(principal=person.principal, asset_id=picture, name="", tags=[tag])

    with behind(lambda: bring("sea")) as following:
        bring("sky")
    following[0].result()
    assert Asset.objects.get().tags == ["sky", "sea"]
