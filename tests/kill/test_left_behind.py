"""What a killed worker had in its hands is cleared away by those after it, and nobody else's is touched."""

from __future__ import annotations

import os
import time
from pathlib import Path

from providers.sandbox.client import Control
from tests.conftest import Person, eventually
from tests.kill.fleet import Fleet
from tests.kill.stage import STORED, all_ended, ask_at, assert_ledgers_agree, outcome

DAY = 24 * 3600.0


def of_another_day(folder: Path) -> Path:
    """As if it had been made two days ago."""
    then = time.time() - 2 * DAY
    os.utime(folder, (then, then))
    return folder


def test_files_of_a_killed_worker_go_and_those_of_others_stay(
    fleet: Fleet, person: Person, gateways: Control
) -> None:
    place = Path(fleet.environment["SCRATCH_DIR"])
    generation = ask_at(person, "bytespike")
    fleet.net(at="after_download").is_killed()
    (left,) = of_another_day(place).iterdir()
    assert [file.name for file in of_another_day(left).iterdir()] == ["picture"]
    theirs = place / "of another program"
    theirs.mkdir()
    of_another_day(theirs)
    fleet.net(at="after_download").is_killed()
    assert not left.exists()
    (fresh,) = set(place.iterdir()) - {theirs}

    of_another_day(fresh)
    fleet.net()
    eventually(lambda: not fresh.exists(), what="the end of what was left")
    young = place / "seedbank-in-hand"
    young.mkdir()
    fleet.media()
    all_ended([generation])
    assert outcome(generation) == STORED
    assert set(place.iterdir()) == {theirs, young}
    assert_ledgers_agree(gateways)
