"""Copying an object inside a store, on a folder and on S3."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from generations.storage import Corrupt, KeyTaken, Store
from tests.storage.conftest import *  # noqa: F403 - its stores

DATA = b"a picture, as far as a store knows" * 1000
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def kept(store: Store, tmp_path: Path) -> str:
    path = tmp_path / "picture"
    path.write_bytes(DATA)
    store.put("project/one/original", path, SHA256, "image/png")
    return "project/one/original"


def test_a_copied_object_is_one_of_its_own(store: Store, kept: str) -> None:
    for _ in range(2):  # twice is no error
        store.copy(kept, "project/two/original", SHA256)
    store.delete(kept)
    assert store.digest("project/two/original") == SHA256


def test_a_copy_is_read_back_and_takes_nobody_elses_place(store: Store, kept: str, tmp_path: Path) -> None:
    with pytest.raises(Corrupt):
        store.copy(kept, "project/two/original", "0" * 64)
    other = tmp_path / "other"
    other.write_bytes(b"another")
    store.put("project/three/original", other, hashlib.sha256(b"another").hexdigest(), "image/png")
    with pytest.raises(KeyTaken):
        store.copy(kept, "project/three/original", SHA256)
    with pytest.raises(FileNotFoundError):
        store.copy("project/none", "project/four", SHA256)
    assert not store.exists("project/four")
