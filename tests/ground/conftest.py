"""Real data folders, real processes; nothing is left behind."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ground.stage import Stage


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data folder in a folder that only we may enter, as in a fresh clone below `mktemp -d`."""
    folder = Path(tempfile.mkdtemp(prefix="seedbank-test-"))
    yield folder / "var"
    for link in folder.rglob("postgres"):
        if link.is_symlink() and link.exists():  # as root the cluster is elsewhere
            shutil.rmtree(link.resolve())
    shutil.rmtree(folder)


@pytest.fixture
def stage(data_dir: Path) -> Iterator[Stage]:
    """Starts Python programs that know DATA_DIR, and ends what is left of them."""
    stage = Stage(data_dir)
    yield stage
    stage.clear()
