"""A backup: every row in one snapshot, every object it names, in one tar file. `restoring` brings it back.

Rows are read in one REPEATABLE READ transaction; objects never change under their key, so
those the snapshot names are copied afterwards. Secrets stay sealed: keep FIELD_KEYS and
SECRET_KEY elsewhere, for without them provider keys cannot be opened.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from django.apps import apps
from django.db import connection, models, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from generations import imaging
from generations.models import Asset, Result, derivative_key
from generations.storage import originals

FORMAT = 1
_LEFT_OUT = {
    "django_migrations",
    "django_content_type",
    "auth_permission",
    "django_session",
    "django_admin_log",
    "config_deployment",  # what is restored is another deployment, with a store of its own
}


class ArchiveError(Exception):
    """A backup that cannot be made or trusted; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What a backup holds."""

    rows: int
    objects: int
    bytes: int


def tables() -> list[type[models.Model]]:
    """Every table with rows of people's, each after those it refers to, as far as they do so in no circle.

    A circle does no harm: PostgreSQL checks Django's foreign keys when the transaction ends.
    """
    found = [model for model in apps.get_models(include_auto_created=True) if _ours(model)]
    ordered: list[type[models.Model]] = []
    while found:
        ready = [model for model in found if not (_refers_to(model) & set(found) - {model})]
        ready = sorted(ready or found, key=lambda model: model._meta.db_table)
        ordered += ready
        found = [model for model in found if model not in ready]
    return ordered


def _ours(model: type[models.Model]) -> bool:
    return model._meta.managed and not model._meta.proxy and model._meta.db_table not in _LEFT_OUT


def _refers_to(model: type[models.Model]) -> set[Any]:
    return {field.related_model for field in model._meta.concrete_fields if field.is_relation}


def migrations() -> list[str]:
    applied = MigrationRecorder(connection).applied_migrations()
    return sorted(f"{app}.{name}" for app, name in applied)


def take_time() -> None:
    """Let this transaction last as long as it must: none of the limits that keep pages quick is for it."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")


def write(path: Path) -> Tally:
    """Write a backup to ``path``; it appears there only when it is whole. Raises ArchiveError."""
    if path.exists():
        raise ArchiveError(f"{path} exists already; choose another name.")
    if not path.parent.is_dir():
        raise ArchiveError(f"There is no folder {path.parent}; make it first, or choose another place.")
    with _draft(path) as draft:
        return _write(draft)


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """A file beside ``path`` that takes its name when the block ends well, and is gone otherwise."""
    draft = path.with_name(path.name + ".part")
    draft.unlink(missing_ok=True)  # of a backup that was killed
    try:
        # It holds what people wrote and what opens their accounts: its owner's alone, whatever the umask.
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        yield draft
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)


def _write(draft: Path) -> Tally:
    manifest: dict[str, Any] = {"format": FORMAT, "made_at": timezone.now().isoformat(), "tables": {}}
    with tarfile.open(draft, "w") as tar, transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        take_time()
        manifest["migrations"] = migrations()
        for model in tables():
            manifest["tables"][model._meta.db_table] = _write_table(tar, model)
        manifest["objects"], size = _write_objects(tar)
        _add(tar, "manifest.json", json.dumps(manifest, indent=1).encode())
    rows = sum(table["rows"] for table in manifest["tables"].values())
    return Tally(rows, manifest["objects"], size)


def _write_table(tar: tarfile.TarFile, model: type[models.Model]) -> dict[str, Any]:
    table = model._meta.db_table
    columns = [field.column for field in model._meta.concrete_fields if field.column]
    with tempfile.TemporaryFile() as file:
        digest = hashlib.sha256()
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT count(*) FROM "{table}"')  # noqa: S608 - names of our own tables, never input
            rows = cast(tuple[int], cursor.fetchone())[0]
            with copying(cursor, f'COPY "{table}" ({listed(columns)}) TO STDOUT') as copy:
                for chunk in copy:
                    digest.update(chunk)
                    file.write(chunk)
        _add_file(tar, f"tables/{table}", file)
    return {"rows": rows, "columns": columns, "sha256": digest.hexdigest()}


def _write_objects(tar: tarfile.TarFile) -> tuple[int, int]:
    count = size = 0
    for key in _keys():
        try:
            with originals().read(key) as source, tempfile.TemporaryFile() as file:
                shutil.copyfileobj(source, file, 1 << 20)
                size += _add_file(tar, f"objects/{key}", file)
        except FileNotFoundError:
            if key.endswith(".webp"):
                continue  # a smaller picture can be made again
            raise ArchiveError(
                f"The object {key} is missing. If it was purged just now, try again; else run verify_assets."
            ) from None
        count += 1
    return count, size


def _keys() -> Iterator[str]:
    for key in Asset.objects.filter(purged_at=None).values_list("storage_key", flat=True).iterator(2000):
        yield key
        yield from (derivative_key(key, size) for size in imaging.SIZES)
    unfinished = Result.objects.filter(state="fetched").values_list("storage_key", flat=True)
    yield from unfinished.iterator(chunk_size=2000)


@contextmanager
def copying(cursor: Any, sql: str) -> Iterator[Any]:
    """PostgreSQL's COPY, whose refusals are Django's errors like those of every other statement."""
    with connection.wrap_database_errors, cursor.copy(sql) as copy:
        yield copy


def listed(columns: list[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


def member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    """One file of a backup. Raises ArchiveError."""
    try:
        found = tar.extractfile(name)
    except KeyError:
        found = None
    if found is None:
        raise ArchiveError(f"This is no whole backup: {name} is missing.")
    return found


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def _add_file(tar: tarfile.TarFile, name: str, file: IO[bytes]) -> int:
    entry = tarfile.TarInfo(name)
    entry.size = file.tell()
    file.seek(0)
    tar.addfile(entry, file)
    return entry.size
