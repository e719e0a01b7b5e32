"""A store of pictures that belongs to another deployment: nobody begins to work on it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from config.embedded import processes
from config.models import Deployment
from generations.storage.store import MARKER
from providers.sandbox.client import Control
from tests.conftest import Person
from tests.ground.stage import free_port
from tests.kill.fleet import Fleet, listening
from tests.kill.stage import STORED, all_ended, ask_at, outcome

UP = (sys.executable, "manage.py", "up")
Command = Callable[[], tuple[str, ...]]


def begun(command: tuple[str, ...], fleet: Fleet) -> subprocess.CompletedProcess[str]:
    """One of our programs, which is to end by itself."""
    return subprocess.run(
        command,
        env={**fleet.environment, "PORT": str(free_port())},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "command",
    [processes.net, processes.media, lambda: UP, lambda: processes.web("127.0.0.1", free_port(), 1)],
    ids=["net", "media", "up", "web"],
)
def test_who_is_to_work_on_it_ends_with_a_sentence(
    command: Command, fleet: Fleet, person: Person, gateways: Control
) -> None:
    pictures = fleet.folder / "pictures"
    pictures.mkdir()
    (pictures / MARKER).write_text("another environment\n")

    ended = begun(command(), fleet)
    assert ended.returncode != 0
    said = [line for line in (ended.stdout + ended.stderr).splitlines() if "STORAGE_URL" in line]
    assert len(set(said)) == 1  # each of the web's processes says it
    assert "another environment" in said[0]
    assert [path.name for path in pictures.iterdir()] == [MARKER]


def test_a_store_whose_disk_is_not_mounted_is_not_taken_for_a_new_one(
    fleet: Fleet, person: Person, gateways: Control
) -> None:
    Deployment.objects.create(claimed=True)

    ended = begun(processes.net(), fleet)
    assert ended.returncode != 0
    assert "STORAGE_URL leads to a store that is not this deployment's" in ended.stdout + ended.stderr


def test_a_new_store_is_marked_once_and_worked_on_ever_after(
    fleet: Fleet, person: Person, gateways: Control
) -> None:
    fleet.net(), fleet.net(), fleet.media()
    listening(3)
    generation = ask_at(person, "bytespike")
    all_ended([generation])
    assert outcome(generation) == STORED
    ours = Deployment.objects.get()
    assert ours.claimed
    assert Path(fleet.folder, "pictures", MARKER).read_text().strip() == str(ours.name)

    again = fleet.net()
    listening(4)
    assert again.code is None
