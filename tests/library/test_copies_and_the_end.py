"""Copies with objects of their own, and the end of the trash; both also when interrupted."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.errors import NotFound
from accounts.models import Role
from generations.actions import assets, organise, uploads
from generations.actions.organise import Deed
from generations.engine import converting, duplicating, keeping, likening, purging
from generations.models import Asset, Conversion, Copying, finding
from generations.models.search import Search
from generations.storage import StorageUnavailable, originals
from generations.storage.folder import FolderStorage
from tests.conftest import Person, eventually, png
from tests.library.conftest import Shelf, patient, waiting


@pytest.fixture
def picture(shelf: Shelf) -> Asset:
    asset = uploads.upload(
        principal=shelf.ada.principal,
        project_id=shelf.ada.project.id,
        chunks=[png()],
        name="boat.png",
        tags=("x",),
    )
    return assets.update(principal=shelf.ada.principal, asset_id=asset.id, rating=4, favorite=True)


def copy(person: Person, ids: list[UUID], shelf: Shelf) -> list[UUID]:
    asked = Deed("copy", project=shelf.other.id)
    return organise.bulk(principal=person.principal, asked=asked, ids=ids).changed


def due_now() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE generations_copying SET due_at = now()")


def test_a_copy_is_a_picture_of_its_own(shelf: Shelf, picture: Asset) -> None:
    (made,) = copy(shelf.ada, [picture.id], shelf)
    copied = Asset.objects.get(id=made)
    assert (copied.project, copied.copied_from, copied.sha256) == (shelf.other, picture, picture.sha256)
    assert (copied.rating, copied.tags, copied.favorite_of, copied.charged) == (4, ["x"], [], 0)
    assert copied.storage_key != picture.storage_key
    assert finding.page_of(shelf.ada.principal, Search(q="boat", project=shelf.other.id)).ids == [made]
    originals().delete(picture.storage_key)
    assert originals().digest(copied.storage_key) == picture.sha256
    assert originals().exists(copied.derivative_key(256))


def test_a_viewer_may_take_a_copy_home_and_not_bring_one(
    shelf: Shelf, picture: Asset, stranger: Person
) -> None:
    shelf.let_in(stranger, Role.VIEWER)
    home = Deed("copy", project=stranger.project.id)
    assert len(organise.bulk(principal=stranger.principal, asked=home, ids=[picture.id]).changed) == 1
    with pytest.raises(NotFound):
        copy(stranger, [picture.id], shelf)


def test_an_interrupted_copy_goes_on(shelf: Shelf, picture: Asset, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(FolderStorage):
        def copy(self, key: str, to_key: str, sha256: str) -> None:
            super().copy(key, to_key, sha256)
            raise StorageUnavailable("the answer was lost")

    full = Full(location=originals().location)  # type: ignore[attr-defined]
    monkeypatch.setattr(duplicating, "originals", lambda: full)
    (made,) = copy(shelf.ada, [picture.id], shelf)
    assert not Asset.objects.filter(id=made).exists()
    monkeypatch.undo()
    assert duplicating.work() == 0, "it waits before it is tried again"
    due_now()
    assert duplicating.work() == 1
    assert originals().digest(Asset.objects.get(id=made).storage_key) == picture.sha256
    assert duplicating.work() == 0


def test_a_copy_of_what_is_missing_is_given_up(shelf: Shelf, picture: Asset) -> None:
    originals().delete(picture.storage_key)
    copy(shelf.ada, [picture.id], shelf)
    assert not Copying.objects.exists()
    assert Asset.objects.count() == 1


def thrown_away(asset: Asset, days: float) -> None:
    Asset.objects.filter(id=asset.id).update(trashed_at=timezone.now() - timedelta(days=days))


@contextmanager
def unmounted(folder: Path) -> Iterator[None]:
    """The disk of pictures is away: where it was mounted, an empty folder is left."""
    originals().mark("tests")
    keeping.see_the_mark()
    aside = folder.rename(folder.with_name("unmounted"))
    folder.mkdir()
    yield
    folder.rmdir()
    aside.rename(folder)


def test_while_the_disk_is_away_nothing_is_taken_for_missing_or_for_deleted(
    shelf: Shelf, picture: Asset, tmp_path: Path
) -> None:
    doomed = uploads.upload(
        principal=shelf.ada.principal,
        project_id=shelf.ada.project.id,
        chunks=[png(color="plum")],
        name="doomed.png",
    )
    thrown_away(doomed, 31)
    Asset.objects.update(likeness=None)
    unused = converting.converted(picture, "jpeg", None)
    Conversion.objects.update(used_at=timezone.now() - timedelta(days=15))
    with unmounted(tmp_path / "pictures"):
        (made,) = copy(shelf.ada, [picture.id], shelf)
        assert (purging.purge(), likening.fill()) == (0, 0)
        with pytest.raises(StorageUnavailable):
            converting.tidy()
        with pytest.raises(StorageUnavailable):
            keeping.delete(doomed.storage_key)
    due_now()
    assert duplicating.work() == 1
    assert originals().digest(Asset.objects.get(id=made).storage_key) == picture.sha256
    assert likening.fill() == 2
    assert Asset.objects.filter(likeness=picture.likeness).count() == 2
    converting.tidy()
    assert purging.purge() == 1
    assert not originals().exists(unused)
    assert not originals().exists(doomed.storage_key)


def test_after_thirty_days_a_picture_and_its_bytes_are_gone(shelf: Shelf, picture: Asset) -> None:
    me = shelf.ada.principal
    thrown_away(picture, 29.9)
    assert purging.purge() == 0
    assert finding.page_of(me, Search(trashed=True)).ids == [picture.id]
    thrown_away(picture, 30.1)
    assert purging.purge() == 1
    assert list(originals().keys()) == []
    assert finding.page_of(me, Search(trashed=True)).ids == []
    assert finding.page_of(me, Search(trashed=True, q="boat")).ids == []
    with pytest.raises(NotFound):
        assets.restore(principal=me, asset_id=picture.id)
    assert purging.purge() == 0


def test_a_restored_picture_is_kept(shelf: Shelf, picture: Asset) -> None:
    thrown_away(picture, 31)
    assets.restore(principal=shelf.ada.principal, asset_id=picture.id)
    assert purging.purge() == 0
    assert originals().exists(picture.storage_key)


def test_an_interrupted_purge_goes_on_and_shows_nothing_meanwhile(
    shelf: Shelf, picture: Asset, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone(FolderStorage):
        def delete(self, name: str) -> None:
            raise StorageUnavailable(name)

    stopped: Any = Gone(location=originals().location)  # type: ignore[attr-defined]
    monkeypatch.setattr(keeping, "originals", lambda: stopped)
    thrown_away(picture, 31)
    assert purging.purge() == 0
    assert originals().exists(picture.storage_key)
    with pytest.raises(NotFound):
        assets.restore(principal=shelf.ada.principal, asset_id=picture.id)
    monkeypatch.undo()
    assert purging.purge() == 1
    assert not originals().exists(picture.storage_key)


def test_a_picture_that_is_restored_while_it_is_purged_is_kept(person: Person, live: str) -> None:
    me = person.principal
    picture = uploads.upload(principal=me, project_id=person.project.id, chunks=[png()], name="boat.png")
    thrown_away(picture, 31)
    with ThreadPoolExecutor(1) as other:
        with transaction.atomic():
            assets.restore(principal=me, asset_id=picture.id)
            purged = other.submit(patient, purging.purge)
            eventually(waiting, what="a purge that has found it")
        assert purged.result() == 0
    assert originals().exists(picture.storage_key)
    assert not assets.restore(principal=me, asset_id=picture.id).trashed_at
