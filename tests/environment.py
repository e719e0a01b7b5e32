"""Loaded before anything else: where the tests live, so that no test can touch real data.

Without TEST_DATABASE_URL the tests run on the embedded PostgreSQL, in a folder of their own
that every worker process shares. It is in memory where there is room: a database of six hundred
files is made and dropped for every other test.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

FOLDER = "SEEDBANK_TEST_FOLDER"
PREFIX = "seedbank-tests-"
MEMORY = Path("/dev/shm")
ROOM = 2 * 1024**3
DAY = 24 * 3600


def _prepare() -> None:
    ours = FOLDER not in os.environ
    folder = Path(os.environ.setdefault(FOLDER, _new_folder() if ours else ""))
    kept = {name: value for name, value in os.environ.items() if name.startswith("TEST_")}
    for name in ("DATABASE_URL", "BROKER_URL", "STORAGE_URL", "PUBLIC_URL", "EMAIL_URL", "API_RATE", "PORT"):
        os.environ.pop(name, None)
        if kept.get(f"TEST_{name}"):
            os.environ[name] = kept[f"TEST_{name}"]
    os.environ |= {
        "SEEDBANK_TESTING": "1",
        "DATA_DIR": str(folder / "var"),
        "SECRET_KEY": "only for tests",
        "FIELD_KEYS": "k1:" + "5e" * 32,
        "SANDBOX": "1",
        "ALLOWED_HOSTS": "localhost,127.0.0.1,testserver",
        "SEEDBANK_LOOK": "0.1",
        "TMPDIR": str(folder),
    }
    tempfile.tempdir = None  # it is asked for anew
    # A process that a test starts need not compile what the one before it has compiled.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if ours:
        atexit.register(_clean, folder)
    if "DATABASE_URL" not in os.environ:
        from config.embedded import postgres

        held = ExitStack()
        held.enter_context(postgres.hold(folder / "var"))
        atexit.register(held.close)
        if ours:
            _never_wait_for_the_disk(postgres.conninfo(folder / "var"))


def _new_folder() -> str:
    """Others may look into it: run by root, the database's server is another user's."""
    for left_over in MEMORY.glob(f"{PREFIX}*"):  # by a run that was killed; its server ends with its folder
        with suppress(OSError):
            if time.time() - left_over.stat().st_mtime > DAY:
                shutil.rmtree(left_over)
    folder = tempfile.mkdtemp(prefix=PREFIX, dir=MEMORY if _memory_will_do() else None)
    Path(folder).chmod(0o755)
    return folder


def _memory_will_do() -> bool:
    """Whether there is room, and programs may run from it, as one test wants."""
    if not os.access(MEMORY, os.W_OK):
        return False
    known = os.statvfs(MEMORY)
    return known.f_bavail * known.f_frsize > ROOM and not known.f_flag & os.ST_NOEXEC


def _never_wait_for_the_disk(server: dict[str, str]) -> None:
    """These rows need not survive a power cut."""
    with psycopg.connect(make_conninfo(**server), autocommit=True) as link:
        link.execute("ALTER SYSTEM SET fsync = off")
        link.execute("ALTER SYSTEM SET full_page_writes = off")
        link.execute("ALTER SYSTEM SET synchronous_commit = off")
        link.execute("SELECT pg_reload_conf()")


def _clean(folder: Path) -> None:
    cluster = folder / "var" / "postgres"
    if cluster.is_symlink():
        shutil.rmtree(cluster.resolve(), ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


_prepare()
