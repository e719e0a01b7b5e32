"""Real processes around a database of their own; none is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.sandbox.client import Control
from tests.kill.fleet import Fleet
from tests.kill.stage import own_accounts


@pytest.fixture
def fleet(gateways: Control, tmp_path: Path) -> Iterator[Fleet]:
    own_accounts()
    started = Fleet(tmp_path)
    yield started
    started.clear()
