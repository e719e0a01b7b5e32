"""What holds for every store of pictures."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest
from django.core.exceptions import SuspiciousOperation

from generations.storage import Corrupt, Store, WrongBucket, claim
from generations.storage.s3 import PrivateS3Storage

from .servers import BUCKET

PICTURE = bytes(range(256)) * 5000
SHA256 = hashlib.sha256(PICTURE).hexdigest()
KEY = f"project/asset/{SHA256}"
HERE, ELSEWHERE = "0198-here", "0198-elsewhere"


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    path.write_bytes(PICTURE)
    return path


def keys(store: Store, prefix: str = "") -> list[str]:
    return [kept.key for kept in store.keys(prefix)]


def test_what_is_kept_is_found_again_byte_for_byte(store: Store, picture: Path) -> None:
    store.put(KEY, picture, SHA256, "image/png")
    with store.read(KEY) as file:
        assert file.read() == PICTURE
    with store.local_copy(KEY) as path:
        assert path.read_bytes() == PICTURE
    assert (store.exists(KEY), store.size(KEY), store.digest(KEY)) == (True, len(PICTURE), SHA256)
    assert picture.read_bytes() == PICTURE


def test_keeping_the_same_again_is_no_error(store: Store, picture: Path) -> None:
    store.put(KEY, picture, SHA256, "image/png")
    store.put(KEY, picture, SHA256, "image/png")
    assert store.digest(KEY) == SHA256


def test_bytes_that_are_not_what_they_should_be_are_not_kept(store: Store, tmp_path: Path) -> None:
    altered = tmp_path / "altered"
    altered.write_bytes(PICTURE[:-1] + b"?")
    with pytest.raises(Corrupt):
        store.put(KEY, altered, SHA256, "image/png")
    assert not store.exists(KEY)
    assert keys(store) == []


def test_what_can_be_made_again_may_be_overwritten(store: Store, tmp_path: Path) -> None:
    for text in (b"first", b"second"):
        (tmp_path / "small").write_bytes(text)
        store.replace(KEY + "-256.webp", tmp_path / "small", "image/webp")
    with store.read(KEY + "-256.webp") as file:
        assert file.read() == b"second"


def test_what_is_not_there_is_not_found(store: Store) -> None:
    assert not store.exists(KEY)
    for ask in (store.read, store.size, store.digest):
        with pytest.raises(FileNotFoundError):
            ask(KEY)
    with pytest.raises(FileNotFoundError), store.local_copy(KEY):
        pass


def test_deleting_is_done_once_and_may_be_repeated(store: Store, picture: Path) -> None:
    store.put(KEY, picture, SHA256, "image/png")
    store.delete(KEY)
    store.delete(KEY)
    assert not store.exists(KEY)


def test_the_list_names_every_picture_under_a_prefix(store: Store, picture: Path) -> None:
    wanted = [f"{project}/{asset}/{SHA256}" for project in ("p1", "p2") for asset in ("a", "b", "c")]
    for key in wanted:
        store.put(key, picture, SHA256, "image/png")
    assert sorted(keys(store)) == wanted
    assert sorted(keys(store, "p2/")) == wanted[3:]
    found = next(iter(store.keys("p1/a/")))
    assert found.size == len(PICTURE)
    assert abs(found.modified.timestamp() - time.time()) < 3600


@pytest.mark.parametrize("key", ["../outside", "a/../../outside", "/etc/passwd"])
def test_no_key_leads_outside(store: Store, picture: Path, root: Path, key: str) -> None:
    try:
        store.put(key, picture, SHA256, "image/png")
    except SuspiciousOperation:
        return
    inside = [path.read_bytes() for path in root.rglob("*") if path.is_file()]
    assert inside == [PICTURE]


def test_a_picture_in_quarantine_is_gone_from_its_key(store: Store, picture: Path, root: Path) -> None:
    store.put(KEY, picture, SHA256, "image/png")
    store.quarantine(KEY)
    store.tidy()
    assert not store.exists(KEY)
    assert keys(store) == []
    assert (root / ".quarantine" / KEY).read_bytes() == PICTURE


def test_quarantine_ends_after_a_week(store: Store, root: Path) -> None:
    for days in (6, 8):
        put_aside_days_ago(store, days, root / ".quarantine" / f"{days} days")
    store.tidy()
    assert [file.name for file in (root / ".quarantine").iterdir()] == ["6 days"]


def put_aside_days_ago(store: Store, days: int, file: Path) -> None:
    then = time.time() - days * 86400
    if isinstance(store, PrivateS3Storage):
        key = f"{store.location}/.quarantine/{file.name}"
        metadata = {"mtime": str(then)}  # which rclone takes for the time of writing
        store.connection.meta.client.put_object(Bucket=BUCKET, Key=key, Body=PICTURE, Metadata=metadata)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(PICTURE)
    os.utime(file, (then, then))


def test_a_new_store_becomes_ours_and_stays_ours(store: Store) -> None:
    claim(store, HERE, fresh=True)
    claim(store, HERE, fresh=True)
    claim(store, HERE, fresh=False)
    assert keys(store) == []


def test_the_store_of_another_deployment_is_refused(store: Store) -> None:
    claim(store, ELSEWHERE, fresh=True)
    for fresh in (True, False):
        with pytest.raises(WrongBucket):
            claim(store, HERE, fresh=fresh)
    assert store.marker() == ELSEWHERE


def test_an_empty_store_where_pictures_should_be_is_refused(store: Store) -> None:
    with pytest.raises(WrongBucket):
        claim(store, HERE, fresh=False)
    assert store.marker() is None


def test_a_store_that_works_passes_its_check(store: Store) -> None:
    store.check()
    store.tidy()
    assert list(store.keys()) == []
