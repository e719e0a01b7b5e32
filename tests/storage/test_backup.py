"""A backup brings back every row and every picture, or says what is wrong with it."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import DjangoDbBlocker

from accounts.models import User
from billing.models import Wallet
from generations.models import Asset, Generation
from generations.storage import originals
from tests import conftest
from tests.conftest import Person, ask, ended
from tests.database import clone, drop
from tests.web.conftest import brought

SUMS = ("granted", "available", "held", "spent")


@pytest.fixture
def elsewhere(template: str, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """The name of another database, in which there is nothing yet."""
    name = f"{connection.settings_dict['NAME']}_elsewhere"
    with django_db_blocker.unblock():
        clone(f"{template}_bare", name)
        yield name
        drop(name)


def move_to(name: str, pictures: Path, settings: Any) -> None:
    """Go on with another database and an empty store."""
    conftest.move_to(NAME=name)
    options = {"location": str(pictures)}
    settings.STORAGES = {
        **settings.STORAGES,
        "originals": {**settings.STORAGES["originals"], "OPTIONS": options},
    }
    storages._storages.clear()  # type: ignore[attr-defined]


def test_what_was_backed_up_is_restored_into_an_empty_database_and_store(
    engine: Any, person: Person, elsewhere: str, tmp_path: Path, settings: Any, live: str
) -> None:
    made = ended(ask(person, count=2))
    before = sorted(Asset.objects.values_list("id", "sha256", "storage_key", "tags"))
    books = Wallet.objects.values_list(*SUMS).get(user=person.user)
    assert made.status == "succeeded"
    assert len(before) == 2
    path = tmp_path / "backup.tar"
    call_command("backup", str(path))

    move_to(elsewhere, tmp_path / "other", settings)
    try:
        call_command("restore", str(path))

        assert sorted(Asset.objects.values_list("id", "sha256", "storage_key", "tags")) == before
        assert Wallet.objects.values_list(*SUMS).get(user__email=person.user.email) == books
        assert Generation.objects.get(id=made.id).prompt == made.prompt
        for _id, sha256, key, _tags in before:
            assert originals().digest(key) == sha256
        call_command("audit_ledger")
        call_command("verify_assets")
        with pytest.raises(CommandError, match="is not empty"):
            call_command("restore", str(path))
    finally:
        conftest.move_to(NAME=live)


def test_a_backup_into_a_folder_that_is_not_there_is_told_in_a_sentence(db: None, tmp_path: Path) -> None:
    missing = tmp_path / "not there"
    with pytest.raises(CommandError, match=f"There is no folder {missing}; make it first"):
        call_command("backup", str(missing / "backup.tar"))


def test_a_backup_that_cannot_be_whole_leaves_nothing(person: Person, tmp_path: Path) -> None:
    asset = brought(person)
    originals().delete(asset.storage_key)
    with pytest.raises(CommandError, match="is missing"):
        call_command("backup", str(tmp_path / "backup.tar"))
    assert not list(tmp_path.glob("backup*"))


def test_a_damaged_backup_is_refused_and_nothing_of_it_stays(
    live: str, person: Person, elsewhere: str, tmp_path: Path, settings: Any
) -> None:
    path, damaged = tmp_path / "backup.tar", tmp_path / "damaged.tar"
    call_command("backup", str(path))
    with tarfile.open(path) as whole, tarfile.open(damaged, "w") as copy:
        for member in whole:
            content = whole.extractfile(member).read()  # type: ignore[union-attr]
            if member.name == "tables/accounts_user":
                content = content.replace(person.user.email.encode(), b"eve@example.com")
            entry = tarfile.TarInfo(member.name)
            entry.size = len(content)
            copy.addfile(entry, io.BytesIO(content))

    move_to(elsewhere, tmp_path / "other", settings)
    try:
        with pytest.raises(CommandError, match="accounts_user is not what was written"):
            call_command("restore", str(damaged))
        assert not User.objects.exists()
    finally:
        conftest.move_to(NAME=live)
