"""What every store of pictures can do, on a folder and on S3 alike."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Protocol

from generations.storage.errors import WrongBucket

MARKER = ".deployment-id"
QUARANTINE = ".quarantine"
QUARANTINE_DAYS = 7
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object: its key, its size in bytes, and when it was written (UTC)."""

    key: str
    size: int
    modified: datetime


class Store(Protocol):
    """Objects under keys such as ``project/asset/sha256``. Every method may raise StorageUnavailable."""

    def put(self, key: str, path: Path, sha256: str, content_type: str) -> None:
        """Keep a file for ever: written once, made durable, read back.

        The same bytes again are no error. Raises KeyTaken and Corrupt.
        """

    def replace(self, key: str, path: Path, content_type: str) -> None:
        """Keep a file that can be made again: overwrites, and is not read back."""

    def copy(self, key: str, to_key: str, sha256: str) -> None:
        """Keep an object under another key too, read back like any other.

        The same bytes again are no error. Raises FileNotFoundError, KeyTaken and Corrupt.
        """

    def read(self, key: str) -> IO[bytes]:
        """The object, open at its start. Raises FileNotFoundError."""

    def local_copy(self, key: str) -> AbstractContextManager[Path]:
        """The object as a file on this machine while the block runs; not to be written to."""

    def exists(self, key: str) -> bool:
        """Whether there is an object."""

    def size(self, key: str) -> int:
        """Its bytes. Raises FileNotFoundError."""

    def digest(self, key: str) -> str:
        """The sha256 of what is there now, every byte read. Raises FileNotFoundError."""

    def delete(self, key: str) -> None:
        """Remove it; no error if it is gone already."""

    def quarantine(self, key: str) -> None:
        """Take an object away from its key and keep it for seven days, to be looked at by staff."""

    def keys(self, prefix: str = "") -> Iterator[StoredObject]:
        """Every object whose key begins with ``prefix``, without the store's own."""

    def signed_link(
        self, key: str, seconds: int, filename: str, content_type: str, *, attachment: bool = False
    ) -> str | None:
        """A link that needs nothing else and dies after ``seconds``; None where there is none."""

    def local_path(self, key: str) -> Path | None:
        """Where the object is as a file, for a web server to hand off; None where it is not."""

    def check(self) -> None:
        """Whether the store can be used, cheaply. Raises StorageUnavailable."""

    def tidy(self) -> None:
        """Remove what killed writers left behind, and what was in quarantine long enough."""

    def marker(self) -> str | None:
        """Whose store this is, None if nobody's."""

    def mark(self, deployment: str) -> None:
        """Make it ``deployment``'s, unless it is somebody's already."""


def claim(store: Store, deployment: str, *, fresh: bool) -> None:
    """Make sure that a store is this deployment's, and make a new one so.

    ``fresh`` says that the database knows of no pictures yet; without it, a store that bears
    no marker is an empty mount or a wrong bucket. Raises WrongBucket.
    """
    found = store.marker()
    if found is None and fresh:
        store.mark(deployment)
        found = store.marker()
    if found is None:
        raise WrongBucket(f"The store has no {MARKER}, although pictures should be in it.")
    if found != deployment:
        raise WrongBucket(f"The store is marked as {found}'s; this is {deployment}.")


def is_ours(key: str) -> bool:
    """Whether a key is the store's own and not a picture's."""
    return key.startswith(".")


def sha256_of(file: IO[bytes]) -> str:
    """The hash of everything still to be read."""
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()
