"""PostgreSQL itself goes down and comes back, with paid calls on the wire."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from django.core.management import call_command
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from config.embedded import postgres
from generations.models import Generation, Move, Submission
from generations.states import SubmissionState
from providers.sandbox.client import Control
from tests.conftest import Person, eventually, move_to
from tests.database import clone, disconnect, drop
from tests.kill.conftest import Serve
from tests.kill.fleet import Fleet, listening
from tests.kill.stage import STORED, ask_everywhere, assert_ledgers_agree, outcome


class Server:
    """A PostgreSQL of the test's own: nobody else's goes down with it."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir

    def goes(self, how: signal.Signals) -> None:
        """Down, and with it every connection: SIGINT in order, SIGQUIT as if it had crashed."""
        disconnect()
        notes = self.data_dir / "postgres" / "data" / "postmaster.pid"
        pid = int(notes.read_text().split()[0])
        os.kill(pid, how)
        eventually(lambda: not _runs(pid), what="the end of PostgreSQL")

    def comes_back(self) -> None:
        assert postgres.revive(self.data_dir)


@pytest.fixture(scope="module")
def own(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Path]:
    """Its data folder. It runs and has a seeded database, and so long it is Django's."""
    data_dir = Path(tempfile.mkdtemp())
    data_dir.chmod(0o755)  # run by root, the server is another user's
    with django_db_blocker.unblock(), postgres.hold(data_dir):
        known = postgres.conninfo(data_dir)
        ours = {"HOST": known["host"], "PORT": known["port"], "USER": known["user"], "NAME": known["dbname"]}
        before = {name: connection.settings_dict[name] for name in ours}
        move_to(**ours)
        try:
            call_command("migrate", interactive=False, verbosity=0)
            call_command("seed", verbosity=0)
            disconnect()
            yield data_dir
        finally:
            move_to(**before)
    home = data_dir / "postgres"
    if home.is_symlink():
        shutil.rmtree(home.resolve())


@pytest.fixture
def server(own: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[Server]:
    """It runs, with a database for one test."""
    template = str(connection.settings_dict["NAME"])
    with django_db_blocker.unblock():
        clone(template, "one_test")
        move_to(NAME="one_test")
        yield Server(own)
        postgres.revive(own)  # if a test that failed has left it down
        move_to(NAME=template)
        drop("one_test")


@pytest.fixture
def live(server: Server) -> str:
    """Every fixture's database."""
    return str(connection.settings_dict["NAME"])


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def client(serve: Serve, person: Person) -> httpx.Client:
    """For the web process, with a key of the person's and a browser's cookie."""
    client = serve(person)
    client.cookies.set("sessionid", "s" * 32)
    return client


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["in order", "like a crash"])
def test_calls_on_the_wire_and_the_web_outlive_a_restart(
    how: signal.Signals,
    server: Server,
    fleet: Fleet,
    client: httpx.Client,
    person: Person,
    gateways: Control,
) -> None:
    gateways.settings(latency=3)
    workers = [fleet.net(), fleet.media()]
    listening(2)
    generations = ask_everywhere(person)
    eventually(lambda: len(gateways.bill()) == len(generations), what="every call on the wire")
    assert client.get("/api/v1/generations").status_code == 200

    server.goes(how)
    for path in ("/api/v1/generations", "/v1/models", "/"):
        answer = client.get(path)
        assert answer.status_code == 503, path
        assert "The database is away for a moment; try again." in answer.text
        assert answer.headers["Retry-After"] == "2"
    assert client.get("/health/live").status_code == 200
    assert client.get("/health/ready").json()["database"].startswith("failing")
    _every_call_is_answered(gateways)

    server.comes_back()
    eventually(lambda: client.get("/api/v1/generations").status_code == 200, what="the web as before")
    eventually(lambda: not Generation.objects.live().exists(), what="the end of all")
    assert {outcome(one) for one in generations.values()} == {STORED}
    assert set(Submission.objects.values_list("posts", flat=True)) == {1}
    # The leases ended meanwhile, and yet the workers knew whose answers they were waiting for.
    assert not Move.objects.filter(after=SubmissionState.UNKNOWN).exists()
    assert person.wallet.held == 0
    assert [worker.code for worker in workers] == [None, None]
    assert_ledgers_agree(gateways)


def _every_call_is_answered(gateways: Control) -> None:
    """While the database is away: the answers wait in the workers."""
    eventually(
        lambda: all(note["status"] is not None for note in gateways.requests(operation="submit")),
        what="the gateways' answers",
    )
