"""A backup brings back every row and every picture, or says what is wrong with it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from pytest_django import DjangoDbBlocker

from accounts.models import User
from billing import ledger
from billing.models import Price, Transfer, Wallet
from billing.pricing import set_price, units
from generations.management.commands.seed import FIRST_EMAIL, sign_in_file
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


@pytest.fixture
def another(live: str, elsewhere: str, tmp_path: Path, settings: Any) -> Callable[[], Any]:
    """Go on in the other database and store, until the block ends."""

    @contextmanager
    def moved() -> Iterator[None]:
        settings.DATA_DIR = tmp_path / "data"
        move_to(elsewhere, tmp_path / "other", settings)
        try:
            yield
        finally:
            conftest.move_to(NAME=live)

    return moved


def rewritten(path: Path, change: Callable[[str, bytes], bytes], *, forged: bool = False) -> Path:
    """A copy of a backup with other contents; ``forged`` hides it from the manifest's checksums."""
    copy = path.with_name("rewritten.tar")
    with tarfile.open(path) as whole, tarfile.open(copy, "w") as tar:
        contents = {one.name: whole.extractfile(one).read() for one in whole}  # type: ignore[union-attr]
        changed = {name: change(name, content) for name, content in contents.items()}
        manifest = json.loads(contents["manifest.json"])
        for table, facts in manifest["tables"].items() if forged else ():
            content = changed[f"tables/{table}"]
            facts.update(rows=content.count(b"\n"), sha256=hashlib.sha256(content).hexdigest())
        changed["manifest.json"] = json.dumps(manifest).encode()
        for name, content in changed.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return copy


def test_a_backup_is_restored_where_seed_has_set_prices_and_brings_its_own(
    person: Person, another: Any, tmp_path: Path, settings: Any
) -> None:
    price = Price.objects.in_force().first()
    assert price is not None
    set_price(model=price.model, provider=price.provider, unit=123_456, memo="dearer here")
    there = sorted(Price.objects.values_list("id", "unit"))
    call_command("backup", str(tmp_path / "backup.tar"))

    settings.EMBEDDED = False
    with another():
        call_command("prepare")
        assert not User.objects.exists()
        call_command("restore", str(tmp_path / "backup.tar"))

        assert sorted(Price.objects.values_list("id", "unit")) == there
        assert units(price.model)[price.provider] == 123_456
        assert User.objects.filter(email=person.user.email).exists()
        call_command("audit_ledger")
        for guarded in (Price.objects.all(), Transfer.objects.all()):
            with pytest.raises(IntegrityError, match="is refused"), transaction.atomic():
                guarded._raw_delete(using="default")


def test_a_backup_takes_the_place_of_a_first_person_who_has_done_nothing_yet(
    person: Person, another: Any, tmp_path: Path
) -> None:
    call_command("seed", "--person")
    asset = brought(person)
    there = sorted(User.objects.values_list("id", flat=True))
    call_command("backup", str(tmp_path / "backup.tar"))

    with another():
        call_command("seed", "--person")
        assert sign_in_file().exists()
        call_command("restore", str(tmp_path / "backup.tar"))

        assert sorted(User.objects.values_list("id", flat=True)) == there
        assert originals().digest(asset.storage_key) == asset.sha256
        assert not sign_in_file().exists(), "its password opens nothing any more"
        call_command("audit_ledger")
        call_command("verify_assets")


def _signs_in(first: User) -> None:
    Client().force_login(first)


def _is_given_credit(first: User) -> None:
    ledger.grant(user=first, amount=1, memo="more", actor=None)


def _enters_a_price(first: User) -> None:
    set_price(model="seedream-5-lite", provider="runware", unit=1, memo="by hand")


@pytest.mark.parametrize("does_something", [_signs_in, _is_given_credit, _enters_a_price])
def test_a_database_that_somebody_has_used_is_refused_before_anything_is_copied(
    person: Person, another: Any, tmp_path: Path, does_something: Callable[[User], None]
) -> None:
    brought(person)
    call_command("backup", str(tmp_path / "backup.tar"))
    with another():
        call_command("seed", "--person")
        first = User.objects.get()
        does_something(first)
        with pytest.raises(CommandError, match=r"is not empty .* set DATABASE_URL"):
            call_command("restore", str(tmp_path / "backup.tar"))
        assert User.objects.get() == first
        assert not list(originals().keys())


def test_what_the_database_refuses_is_told_in_a_sentence_before_anything_is_copied(
    person: Person, another: Any, tmp_path: Path
) -> None:
    brought(person)
    call_command("backup", str(tmp_path / "backup.tar"))

    def without_projects(name: str, content: bytes) -> bytes:
        return b"" if name == "tables/accounts_project" else content

    forged = rewritten(tmp_path / "backup.tar", without_projects, forged=True)
    with another():
        call_command("seed", "--person")
        with pytest.raises(CommandError, match=r"The database refused it: .* foreign key constraint"):
            call_command("restore", str(forged))
        assert User.objects.get().email == FIRST_EMAIL, "what was there is there still"
        assert not list(originals().keys())


def test_a_damaged_picture_is_found_before_anything_is_copied(
    person: Person, another: Any, tmp_path: Path
) -> None:
    asset = brought(person)
    call_command("backup", str(tmp_path / "backup.tar"))

    def bitten(name: str, content: bytes) -> bytes:
        return content[:-1] if name == f"objects/{asset.storage_key}" else content

    damaged = rewritten(tmp_path / "backup.tar", bitten)
    with another():
        with pytest.raises(CommandError, match=f"{asset.storage_key} is not what was kept"):
            call_command("restore", str(damaged))
        assert not Asset.objects.exists()
        assert not list(originals().keys())


def test_a_file_that_is_no_backup_is_told_in_a_sentence(live: str, tmp_path: Path) -> None:
    path = tmp_path / "backup.tar"
    with tarfile.open(path, "w") as tar:
        tar.addfile(tarfile.TarInfo("manifest.json"))
    with pytest.raises(CommandError, match=r"manifest\.json cannot be read"):
        call_command("restore", str(path))
    path.write_text("picture this")
    with pytest.raises(CommandError, match=f"{path} is no whole backup.$"):
        call_command("restore", str(path))


def test_a_backup_is_for_the_eyes_of_its_owner_alone(live: str, tmp_path: Path) -> None:
    left_over = tmp_path / "backup.tar.part"
    left_over.touch()
    left_over.chmod(0o644)
    before = os.umask(0)
    try:
        call_command("backup", str(tmp_path / "backup.tar"))
    finally:
        os.umask(before)
    assert (tmp_path / "backup.tar").stat().st_mode & 0o777 == 0o600


def test_a_damaged_backup_is_refused_and_nothing_of_it_stays(
    live: str, person: Person, elsewhere: str, tmp_path: Path, settings: Any
) -> None:
    path = tmp_path / "backup.tar"
    call_command("backup", str(path))

    def other_person(name: str, content: bytes) -> bytes:
        theirs = person.user.email.encode()
        return content.replace(theirs, b"eve@example.com") if name == "tables/accounts_user" else content

    damaged = rewritten(path, other_person)
    move_to(elsewhere, tmp_path / "other", settings)
    try:
        with pytest.raises(CommandError, match="accounts_user is not what was written"):
            call_command("restore", str(damaged))
        assert not User.objects.exists()
    finally:
        conftest.move_to(NAME=live)
