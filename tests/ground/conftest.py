"""Real data folders, real processes; nothing is left behind."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from config.embedded import postgres
from tests.ground.stage import Stage, put_cluster, put_tables


@pytest.fixture
def data_dir() -> Iterator[Path]:
    with _data_dir() as path:
        yield path


@pytest.fixture(scope="session")
def cluster() -> Iterator[Path]:
    """A cluster as Seedbank makes it, stopped. Making one takes seconds; copies never wait for the disk."""
    with _data_dir() as path:
        with (
            postgres.hold(path),
            psycopg.connect(make_conninfo(**postgres.conninfo(path)), autocommit=True) as link,
        ):
            link.execute("ALTER SYSTEM SET fsync = off")
        yield (path / "postgres" / "data").resolve()


@pytest.fixture(scope="session")
def prepared(cluster: Path) -> Iterator[Path]:
    """A data folder after `manage.py prepare`: the tables and the prices are there."""
    with _data_dir() as path:
        put_cluster(cluster, path)
        stage = Stage(path)
        made = stage.python("manage.py", "prepare")
        assert made.ends() == 0, made.lines
        stage.clear()
        yield path


@pytest.fixture
def with_cluster(data_dir: Path, cluster: Path) -> None:
    """The test's data folder has its cluster already."""
    put_cluster(cluster, data_dir)


@pytest.fixture
def with_tables(data_dir: Path, prepared: Path) -> None:
    """The test's data folder has its cluster, tables and secrets already."""
    put_tables(prepared, data_dir)


@pytest.fixture(scope="module")
def shared_stage(prepared: Path) -> Iterator[Stage]:
    """One for all tests of a module that leave the product as they found it."""
    with _data_dir() as path:
        put_tables(prepared, path)
        stage = Stage(path)
        yield stage
        stage.clear()


@pytest.fixture
def stage(data_dir: Path) -> Iterator[Stage]:
    """Starts Python programs that know DATA_DIR, and ends what is left of them."""
    stage = Stage(data_dir)
    yield stage
    stage.clear()


@contextmanager
def _data_dir() -> Iterator[Path]:
    """A data folder in a folder that the server's user may enter: run by root, the cluster stays in it."""
    folder = Path(tempfile.mkdtemp(prefix="seedbank-test-"))
    folder.chmod(0o755)
    try:
        yield folder / "var"
    finally:
        for link in folder.rglob("postgres"):
            if link.is_symlink() and link.exists():  # as root the cluster is elsewhere
                shutil.rmtree(link.resolve())
        shutil.rmtree(folder)
