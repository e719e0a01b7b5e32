"""Pictures in a folder of this machine, or on a disk that all machines share."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from django.core.files.storage import FileSystemStorage
from django.utils.deconstruct import deconstructible

from generations.storage.errors import Corrupt, KeyTaken, StorageUnavailable
from generations.storage.store import MARKER, QUARANTINE, QUARANTINE_DAYS, StoredObject, is_ours, sha256_of

_INCOMING = ".incoming"
_DAY = 24 * 3600.0


@deconstructible(path="generations.storage.folder.FolderStorage")
class FolderStorage(FileSystemStorage):
    """Writes to a file of its own first and links it to its key, which fails where there is one already."""

    def put(self, key: str, path: Path, sha256: str, content_type: str) -> None:
        with _disk(), self._incoming(path, sha256) as incoming:
            try:
                os.link(incoming, self._made_way(key))
            except FileExistsError:
                self._expect(key, sha256)
            _sync(self._file(key).parent)

    def replace(self, key: str, path: Path, content_type: str) -> None:
        with _disk(), self._incoming(path, None) as incoming:
            incoming.replace(self._made_way(key))

    def copy(self, key: str, to_key: str, sha256: str) -> None:
        with self.local_copy(key) as path:
            self.put(to_key, path, sha256, "")

    def read(self, key: str) -> IO[bytes]:
        with _disk():
            return self._file(key).open("rb")

    @contextmanager
    def local_copy(self, key: str) -> Iterator[Path]:
        file = self._file(key)
        if not file.is_file():
            raise FileNotFoundError(key)
        yield file

    def exists(self, name: str) -> bool:
        return self._file(name).is_file()

    def size(self, name: str) -> int:
        with _disk():
            return self._file(name).stat().st_size

    def digest(self, key: str) -> str:
        with _disk(), self._file(key).open("rb") as file:
            return sha256_of(file)

    def delete(self, name: str) -> None:
        with _disk():
            self._file(name).unlink(missing_ok=True)

    def quarantine(self, key: str) -> None:
        with _disk():
            self._file(key).replace(aside := self._made_way(f"{QUARANTINE}/{key}"))
            os.utime(aside)

    def keys(self, prefix: str = "") -> Iterator[StoredObject]:
        root = Path(self.location)
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                file = Path(folder) / name
                key = file.relative_to(root).as_posix()
                if key.startswith(prefix) and not is_ours(key):
                    # It may be deleted while the list is read.
                    with contextlib.suppress(FileNotFoundError):
                        found = file.stat()
                        yield StoredObject(key, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    def signed_link(
        self, key: str, seconds: int, filename: str, content_type: str, *, attachment: bool = False
    ) -> str | None:
        return None

    def local_path(self, key: str) -> Path | None:
        return self._file(key)

    def check(self) -> None:
        root = Path(self.location)
        with _disk():
            root.mkdir(parents=True, exist_ok=True)
        if not os.access(root, os.R_OK | os.W_OK | os.X_OK):
            raise StorageUnavailable("The folder for pictures cannot be written to.")

    def tidy(self) -> None:
        root = Path(self.location)
        with _disk():
            _remove_older(root / _INCOMING, _DAY)
            _remove_older(root / QUARANTINE, QUARANTINE_DAYS * _DAY)

    def marker(self) -> str | None:
        with _disk():
            try:
                return self._file(MARKER).read_text().strip()
            except FileNotFoundError:
                return None

    def mark(self, deployment: str) -> None:
        with _disk():
            root = Path(self.location)
            root.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError), self._file(MARKER).open("x") as file:
                file.write(deployment + "\n")
                file.flush()
                os.fsync(file.fileno())
            _sync(root)

    def _file(self, key: str) -> Path:
        return Path(self.path(key))

    @contextmanager
    def _incoming(self, path: Path, sha256: str | None) -> Iterator[Path]:
        """A copy on the store's own disk that no key leads to; with a hash, durable and read back."""
        waiting = Path(self.location) / _INCOMING
        waiting.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=waiting)
        incoming = Path(name)
        try:
            with os.fdopen(handle, "w+b") as file, path.open("rb") as source:
                shutil.copyfileobj(source, file, 1 << 20)
                file.flush()
                os.fchmod(file.fileno(), self.file_permissions_mode or 0o640)
                if sha256 is not None:
                    os.fsync(file.fileno())
                    file.seek(0)
                    if sha256_of(file) != sha256:
                        raise Corrupt(path.name)
            yield incoming
        finally:
            incoming.unlink(missing_ok=True)

    def _made_way(self, key: str) -> Path:
        """The file for a key, in a folder that exists and will after a power cut."""
        file = self._file(key)
        missing = [folder for folder in file.parents if not folder.exists()]
        file.parent.mkdir(parents=True, exist_ok=True)
        for folder in missing:
            _sync(folder.parent)
        return file

    def _expect(self, key: str, sha256: str) -> None:
        if self.digest(key) != sha256:
            raise KeyTaken(key)


@contextmanager
def _disk() -> Iterator[None]:
    """A disk that is full, read-only, failing or gone makes the store unavailable."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StorageUnavailable(error.strerror or type(error).__name__) from error


def _remove_older(folder: Path, seconds: float) -> None:
    before = time.time() - seconds
    for file in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            if file.is_file() and file.stat().st_mtime < before:
                file.unlink()


def _sync(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
