"""Backup and restore: every row in one snapshot, every object it names, in one tar file, checked.

Rows are read in one REPEATABLE READ transaction; objects never change under their key, so
those the snapshot names are copied afterwards. Secrets stay sealed: keep FIELD_KEYS and
SECRET_KEY elsewhere, for without them provider keys cannot be opened.
"""

from __future__ import annotations

import hashlib
import io
import json
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

from config.deployment import WrongStore, claim_store
from generations import imaging
from generations.models import Asset, Result, derivative_key
from generations.storage import originals
from generations.storage.store import sha256_of

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
    try:
        yield draft
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)


def _write(draft: Path) -> Tally:
    manifest: dict[str, Any] = {"format": FORMAT, "made_at": timezone.now().isoformat(), "tables": {}}
    with tarfile.open(draft, "w") as tar, transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute(
                "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
            )
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
            with _copy(cursor, f'COPY "{table}" ({_listed(columns)}) TO STDOUT') as copy:
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


def read(path: Path) -> Tally:
    """Bring a backup into an empty, migrated database and an empty store. Raises ArchiveError."""
    with tarfile.open(path) as tar:
        manifest = json.load(_member(tar, "manifest.json"))
        _check_fits(manifest)
        try:
            claim_store()
        except WrongStore as error:
            raise ArchiveError(str(error)) from None
        size = _read_objects(tar)
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
                )
            for model in tables():
                _read_table(tar, model, manifest["tables"][model._meta.db_table])
            _check_originals()
    rows = sum(table["rows"] for table in manifest["tables"].values())
    return Tally(rows, manifest["objects"], size)


def _check_fits(manifest: dict[str, Any]) -> None:
    if manifest.get("format") != FORMAT:
        raise ArchiveError(f"This backup has format {manifest.get('format')}; this Seedbank reads {FORMAT}.")
    if manifest["migrations"] != migrations():
        raise ArchiveError("The backup was made by another version; restore with that version, then upgrade.")
    for model in tables():
        if model._meta.label != "billing.Price" and not _seeded(model) and model._default_manager.exists():
            raise ArchiveError(
                f"The database is not empty ({model._meta.db_table}); restore into a fresh one."
            )


def _seeded(model: type[models.Model]) -> bool:
    return model._meta.label in {"providers.ProviderAccount"}


def _read_table(tar: tarfile.TarFile, model: type[models.Model], facts: dict[str, Any]) -> None:
    table = model._meta.db_table
    digest = hashlib.sha256()
    with connection.cursor() as cursor:
        if model._meta.label == "billing.Price" or _seeded(model):
            cursor.execute(f'DELETE FROM "{table}"')  # noqa: S608 - names of our own tables, never input
        with _copy(cursor, f'COPY "{table}" ({_listed(facts["columns"])}) FROM STDIN') as copy:
            source = _member(tar, f"tables/{table}")
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


def _read_objects(tar: tarfile.TarFile) -> int:
    size = 0
    for member in tar:
        if not member.name.startswith("objects/"):
            continue
        key = member.name.removeprefix("objects/")
        with tempfile.NamedTemporaryFile() as file:
            shutil.copyfileobj(cast(IO[bytes], tar.extractfile(member)), file, 1 << 20)
            file.flush()
            path = Path(file.name)
            if key.endswith(".webp"):
                originals().replace(key, path, "image/webp")
            else:
                with path.open("rb") as content:
                    originals().put(key, path, sha256_of(content), "application/octet-stream")
        size += member.size
    return size


def _check_originals() -> None:
    there = Asset.objects.filter(purged_at=None).values_list("storage_key", "sha256")
    for key, sha256 in there.iterator(chunk_size=2000):
        try:
            found = originals().digest(key)
        except FileNotFoundError:
            found = ""
        if found != sha256:
            raise ArchiveError(f"The backup is damaged: {key} is not what was kept.")


def _copy(cursor: Any, sql: str) -> Any:
    return cursor.copy(sql)


def _listed(columns: list[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


def _member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
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
