"""Two people, or two workers, in one instant: what none of them may notice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.http import QueryDict

from accounts import actions
from accounts.errors import Refusal
from accounts.models import AuditEvent, Role
from generations.actions import collecting, copying, presets, searches, sharing, uploads
from generations.engine import duplicating, noticing
from generations.models import (
    Asset,
    CollectionItem,
    Copying,
    Notice,
    Preset,
    SavedSearch,
    ShareLink,
    Tally,
    tallies,
)
from generations.models.search import Search
from generations.storage import originals
from tests.billing.crowd import crowd
from tests.conftest import Person, ask, eventually, make_person, png
from tests.library.conftest import Shelf, do, patient, waiting
from tests.people.test_notices import finish
from tests.web.conftest import let_in

T = TypeVar("T")
SIX = 6


@pytest.fixture
def shelf(person: Person) -> Shelf:
    return Shelf(person, actions.create_project(principal=person.principal, name="Campaign"))


@contextmanager
def held_up(table: str, *work: Callable[[], T]) -> Iterator[list[Future[T]]]:
    """Each in a thread of its own; those that would write to the table wait until all others are done."""

    def all_stand() -> bool:
        done = sum(
            one.done() for one in running
        )  # first: one that ends after it was seen waiting counts once
        return done + waiting() == len(work)

    with ThreadPoolExecutor(len(work)) as threads:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {table} IN SHARE MODE")  # they may look, not write
            running = [threads.submit(patient, call) for call in work]
            eventually(all_stand, what="all having looked, and none having written")
        yield running


def test_the_same_file_brought_by_two_is_one_picture(live: str) -> None:
    ada, bob = make_person("ada@example.com"), make_person("bob@example.com")
    let_in(ada, bob, Role.EDITOR)

    def bring(person: Person) -> Asset:
        return uploads.upload(principal=person.principal, project_id=ada.project.id, chunks=[png()])

    with held_up("generations_asset", lambda: bring(ada), lambda: bring(bob)) as bringing:
        brought = {one.result() for one in bringing}

    only = Asset.objects.get()
    assert brought == {only}
    kept = {only.storage_key, *(only.derivative_key(size) for size in (256, 512, 1024))}
    found = {one.key for one in originals().keys(f"{ada.project.id}/")}
    assert found == kept, "nothing is left of what came second"
    assert AuditEvent.objects.filter(verb="upload").count() == 1


def test_a_copy_that_two_workers_make_is_one_picture(
    live: str, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplicating, "LEASE", timedelta(0))  # the first worker was slower than its lease
    source = uploads.upload(
        principal=shelf.ada.principal, project_id=shelf.ada.project.id, chunks=[png()], name="boat.png"
    )
    [copy] = copying.ask(principal=shelf.ada.principal, sources=[source], project=shelf.other)

    def work() -> int:
        return duplicating.work([copy])

    with held_up("generations_asset", work, work) as working:
        assert sum(one.result() for one in working) == 1

    assert Asset.objects.get(id=copy).copied_from == source
    assert not Copying.objects.exists()


def test_a_notice_that_two_workers_have_in_mind_is_given_once(live: str, gateways: object) -> None:
    ada = make_person("ada@example.com")
    finish(ask(ada), after=61)

    with held_up("generations_notice", noticing.look_after, noticing.look_after) as telling:
        for one in telling:
            one.result()

    assert Notice.objects.filter(user=ada.user).count() == 1


def test_one_default_stays_of_those_that_owners_choose_at_once(person: Person) -> None:
    kept = [
        presets.save(
            principal=person.principal, name=f"{n}", body={"prompt": "ink"}, project_id=person.project.id
        )
        for n in range(SIX)
    ]

    crowd(
        SIX,
        lambda n: presets.update(principal=person.principal, preset_id=kept[n].id, is_default=True),
    )

    assert Preset.objects.filter(is_default=True).count() == 1


def outcomes(running: list[Future[Any]]) -> list[str]:
    """What came of each: ``done``, or the refusal's code."""
    errors = [one.exception() for one in running]
    assert all(error is None or isinstance(error, Refusal) for error in errors), errors
    return sorted(error.code if isinstance(error, Refusal) else "done" for error in errors)


def test_of_two_last_searches_saved_at_once_one_is_kept(live: str, person: Person) -> None:
    me, red = person.user, Search.of(QueryDict("q=red"))
    SavedSearch.objects.bulk_create(
        SavedSearch(user=me, name=f"{n}", address="q=red") for n in range(searches.MOST - 1)
    )

    def save() -> SavedSearch:
        return searches.save(principal=person.principal, name="Last", search=red)

    with held_up("generations_savedsearch", save, save) as saving:
        assert outcomes(saving) == ["done", "invalid_parameter"]

    assert SavedSearch.objects.filter(user=me).count() == searches.MOST


def test_of_two_last_presets_saved_or_taken_back_at_once_one_is_kept(live: str, person: Person) -> None:
    me, body = person.user, {"prompt": "ink"}
    old = presets.save(principal=person.principal, name="Old", body=body)
    presets.delete(principal=person.principal, preset_id=old.id)
    Preset.objects.bulk_create(Preset(user=me, name=f"{n}", body=body) for n in range(presets.MOST - 1))

    def save() -> Preset:
        return presets.save(principal=person.principal, name="Last", body=body)

    def take_back() -> Preset:
        return presets.restore(principal=person.principal, preset_id=old.id)

    with held_up("generations_preset", save, save, take_back) as saving:
        assert outcomes(saving) == ["done", "invalid_parameter", "invalid_parameter"]

    assert Preset.objects.kept().filter(user=me).count() == presets.MOST


def test_of_two_last_links_made_at_once_one_is_open(live: str, shelf: Shelf) -> None:
    me, picture = shelf.ada.user, shelf.put()
    ShareLink.objects.bulk_create(ShareLink(asset=picture, user=me) for _ in range(sharing.MOST - 1))

    def share() -> ShareLink:
        return sharing.share(principal=shelf.ada.principal, asset_id=picture.id)

    with held_up("generations_sharelink", share, share) as sharing_it:
        assert outcomes(sharing_it) == ["conflict", "done"]

    assert ShareLink.objects.open().filter(asset=picture).count() == sharing.MOST


def test_pictures_that_are_put_in_at_once_each_have_a_place(shelf: Shelf) -> None:
    me, pictures = shelf.ada.principal, [shelf.put().id for _ in range(SIX)]
    held = collecting.create(principal=me, project_id=shelf.ada.project.id, name="Best")

    crowd(SIX, lambda n: collecting.place(principal=me, collection_id=held.id, asset_id=pictures[n]))

    assert sorted(CollectionItem.objects.values_list("rank", flat=True)) == [1, 2, 3, 4, 5, 6]


def test_a_project_that_is_counted_by_many_is_counted_once(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallies, "LARGE", 3)
    for _ in range(5):
        shelf.put()

    crowd(SIX, lambda _: tallies.count(shelf.ada.project.id))

    assert Tally.objects.get(facet="pictures").pictures == 5


def test_two_people_at_once_lose_nothing_of_each_other(live: str) -> None:
    ada, bob = make_person("ada@example.com"), make_person("bob@example.com")
    actions.set_member(
        principal=ada.principal, project_id=ada.project.id, email=bob.user.email, role=Role.EDITOR
    )
    shelf = Shelf(ada, actions.create_project(principal=bob.principal, name="Bob's"))
    ids = [shelf.put().id for _ in range(40)]
    failures: list[BaseException] = []

    def work(person: Person, order: list[UUID], mine: str) -> None:
        try:
            for number in range(8):
                do(person, "tag", order, tags=[f"{mine}{number}"])
                do(person, "trash" if number % 2 else "restore", order[number:])
        except BaseException as failure:
            failures.append(failure)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=work, args=(ada, ids, "a")),
        threading.Thread(target=work, args=(bob, ids[::-1], "b")),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    wanted = {f"{who}{number}" for who in "ab" for number in range(8)}
    assert all(set(asset.tags) == wanted for asset in Asset.objects.all())
