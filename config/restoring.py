"""Bringing a backup back: into a database that nobody has used, after everything that can be checked was.

The rows come first, in a transaction that ends last. So whatever the backup or the database refuses is
known before the first object is copied, and no row is seen before the object it names is there.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Any, cast

from django.db import connection, models, transaction

from config import unused
from config.archive import FORMAT, ArchiveError, Tally, copying, listed, member, migrations, tables, take_time
from config.deployment import WrongStore, claim_store
from generations.models import Asset, Result
from generations.storage import originals
from generations.storage.store import sha256_of


def read(path: Path) -> Tally:
    """Bring a backup into a migrated, unused database and an empty store. Raises ArchiveError."""
    with tarfile.open(path) as tar:
        manifest = _manifest(tar)
        _check_unused()
        try:
            claim_store()
        except WrongStore as error:
            raise ArchiveError(str(error)) from None
        with transaction.atomic():
            _make_room()
            for model in tables():
                _read_table(tar, model, manifest["tables"][model._meta.db_table])
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            _check_originals(_digests(tar))
            size = _read_objects(tar)
            _check_originals(originals().digest)
    rows = sum(table["rows"] for table in manifest["tables"].values())
    return Tally(rows, manifest["objects"], size)


def _manifest(tar: tarfile.TarFile) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.load(member(tar, "manifest.json"))
    except ValueError:
        raise ArchiveError("The backup is damaged: manifest.json cannot be read.") from None
    if manifest.get("format") != FORMAT:
        raise ArchiveError(f"This backup has format {manifest.get('format')}; this Seedbank reads {FORMAT}.")
    if manifest["migrations"] != migrations():
        raise ArchiveError("The backup was made by another version; restore with that version, then upgrade.")
    return manifest


def _check_unused() -> None:
    if table := unused.in_use(tables()):
        raise ArchiveError(
            f"The database is not empty ({table}); restore into a fresh one, in which nobody has signed in "
            "or made anything yet: set DATABASE_URL and STORAGE_URL, or DATA_DIR, to new ones."
        )


def _make_room() -> None:
    take_time()
    try:
        unused.lock(tables())
    except unused.Busy:
        raise ArchiveError("Something is at work on this database; stop Seedbank and try again.") from None
    _check_unused()  # again, now that nobody can come in between
    unused.clear(tables())


def _read_table(tar: tarfile.TarFile, model: type[models.Model], facts: dict[str, Any]) -> None:
    table = model._meta.db_table
    digest = hashlib.sha256()
    with connection.cursor() as cursor:
        with copying(cursor, f'COPY "{table}" ({listed(facts["columns"])}) FROM STDIN') as copy:
            source = member(tar, f"tables/{table}")
            while chunk := source.read(1 << 20):
                digest.update(chunk)
                copy.write(chunk)
        cursor.execute(f'SELECT count(*) FROM "{table}"')  # noqa: S608 - names of our own tables, never input
        rows = cast(tuple[int], cursor.fetchone())[0]
        if digest.hexdigest() != facts["sha256"] or rows != facts["rows"]:
            raise ArchiveError(f"The backup is damaged: {table} is not what was written.")
        if isinstance(model._meta.pk, models.AutoField):
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence(%s, %s), "  # noqa: S608 - names of our own tables, never input
                f'(SELECT coalesce(max(id), 0) + 1 FROM "{table}"), false)',
                [table, model._meta.pk.column],
            )


def _digests(tar: tarfile.TarFile) -> Callable[[str], str]:
    """How to hash an object of the backup; FileNotFoundError if it has none under that key."""
    found = {entry.name: entry for entry in tar}

    def digest(key: str) -> str:
        entry = found.get(f"objects/{key}")
        if entry is None:
            raise FileNotFoundError(key)
        return sha256_of(cast(IO[bytes], tar.extractfile(entry)))

    return digest


def _read_objects(tar: tarfile.TarFile) -> int:
    size = 0
    for entry in tar:
        if not entry.name.startswith("objects/"):
            continue
        key = entry.name.removeprefix("objects/")
        with tempfile.NamedTemporaryFile() as file:
            shutil.copyfileobj(cast(IO[bytes], tar.extractfile(entry)), file, 1 << 20)
            file.flush()
            path = Path(file.name)
            if key.endswith(".webp"):
                originals().replace(key, path, "image/webp")
            else:
                with path.open("rb") as content:
                    originals().put(key, path, sha256_of(content), "application/octet-stream")
        size += entry.size
    return size


def _check_originals(digest: Callable[[str], str]) -> None:
    for key, sha256 in _originals():
        try:
            found = digest(key)
        except FileNotFoundError:
            found = ""
        if found != sha256:
            raise ArchiveError(f"The backup is damaged: {key} is not what was kept.")


def _originals() -> Iterator[tuple[str, str]]:
    """What every original is called and hashes to, those too that are no asset yet."""
    kept = (Asset.objects.filter(purged_at=None), Result.objects.filter(state="fetched"))
    return chain.from_iterable(
        rows.values_list("storage_key", "sha256").iterator(chunk_size=2000) for rows in kept
    )
