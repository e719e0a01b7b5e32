"""Pictures in a folder."""

from __future__ import annotations

import hashlib
import os
import resource
import threading
import time
from pathlib import Path

import pytest

from generations.storage import FolderStorage, KeyTaken, StorageUnavailable

KEY = "project/asset/hash"


@pytest.fixture
def folder(tmp_path: Path) -> FolderStorage:
    return FolderStorage(location=tmp_path / "store")


def kept(store: FolderStorage, path: Path, content: bytes) -> None:
    path.write_bytes(content)
    store.put(KEY, path, hashlib.sha256(content).hexdigest(), "image/png")


def content(store: FolderStorage) -> bytes:
    with store.read(KEY) as file:
        return file.read()


def test_other_bytes_under_a_key_are_refused_and_the_first_stay(
    folder: FolderStorage, tmp_path: Path
) -> None:
    kept(folder, tmp_path / "first", b"first")
    with pytest.raises(KeyTaken):
        kept(folder, tmp_path / "second", b"second")
    assert content(folder) == b"first"


def test_of_many_writers_with_different_bytes_exactly_one_wins(folder: FolderStorage, tmp_path: Path) -> None:
    start = threading.Barrier(16)
    outcomes: list[int | None] = []

    def write(number: int) -> None:
        start.wait()
        try:
            kept(folder, tmp_path / str(number), str(number).encode())
        except KeyTaken:
            outcomes.append(None)
        else:
            outcomes.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [outcome for outcome in outcomes if outcome is not None]
    assert len(outcomes) == 16
    assert content(folder) == str(winners[0]).encode()
    assert len(winners) == 1


def test_a_disk_that_fills_up_makes_the_store_unavailable_and_leaves_nothing(
    folder: FolderStorage, tmp_path: Path
) -> None:
    (tmp_path / "large").write_bytes(bytes(1 << 20))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, hard))
    try:
        with pytest.raises(StorageUnavailable):
            folder.put(KEY, tmp_path / "large", "any", "image/png")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    folder = FolderStorage(location=tmp_path / "file" / "store")
    with pytest.raises(StorageUnavailable):
        folder.check()


def test_what_a_killed_writer_left_is_no_picture_and_goes_after_a_day(
    folder: FolderStorage, tmp_path: Path
) -> None:
    kept(folder, tmp_path / "first", b"first")
    incoming = tmp_path / "store" / ".incoming"
    young, old = incoming / "young", incoming / "old"
    young.write_bytes(b"half a pic")
    old.write_bytes(b"half a pic")
    two_days_ago = time.time() - 2 * 86400
    os.utime(old, (two_days_ago, two_days_ago))
    folder.tidy()
    assert (young.exists(), old.exists()) == (True, False)
    assert [one.key for one in folder.keys("")] == [KEY]


def test_a_kept_picture_does_not_follow_the_file_it_came_from(folder: FolderStorage, tmp_path: Path) -> None:
    kept(folder, tmp_path / "first", b"first")
    (tmp_path / "first").write_bytes(b"later")
    assert content(folder) == b"first"


def test_a_folder_gives_a_path_and_no_link(folder: FolderStorage, tmp_path: Path) -> None:
    kept(folder, tmp_path / "first", b"first")
    assert folder.signed_link(KEY, 60, "a.png", "image/png") is None
    path = folder.local_path(KEY)
    assert path is not None
    assert path.read_bytes() == b"first"
