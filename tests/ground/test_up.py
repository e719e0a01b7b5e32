"""`manage.py up`, as a newcomer runs it: real processes, an empty data folder, a bare environment."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from urllib.request import urlopen

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from config.embedded import locks, postgres
from tests.ground.stage import Actor, Stage, eventually, free_port, processes_marked, server_of

PORTS = 106  # the web's, and from a hundred above it six for the sandbox


@pytest.fixture
def port() -> int:
    return free_port(PORTS)


@pytest.fixture
def up(stage: Stage, port: int) -> Callable[[], Actor]:
    return lambda: stage.python("manage.py", "up", PORT=str(port))


@dataclass(frozen=True)
class Running:
    """An `up` that serves; whoever disturbs it waits until it has recovered."""

    stage: Stage
    port: int
    actor: Actor


@pytest.fixture(scope="module")
def running(shared_stage: Stage) -> Iterator[Running]:
    port = free_port(PORTS)
    actor = shared_stage.python("manage.py", "up", PORT=str(port))
    actor.says("Seedbank is ready")
    yield Running(shared_stage, port, actor)
    interrupt(actor, shared_stage)


def ready(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def people(stage: Stage) -> object:
    with psycopg.connect(make_conninfo(**postgres.conninfo(stage.data_dir))) as connection:
        return connection.execute("SELECT count(*), min(id::text) FROM accounts_user").fetchone()


def granted(stage: Stage) -> int:
    with psycopg.connect(make_conninfo(**postgres.conninfo(stage.data_dir))) as connection:
        row = connection.execute("SELECT sum(granted) FROM billing_wallet").fetchone()
        assert row is not None
        return int(row[0])


def leader(stage: Stage, words: str) -> int:
    """The first process of a group whose command has these words."""
    found = set(stage.marked()) & set(processes_marked(words))  # none of those that only come and go
    return next(pid for pid in found if os.getpgid(pid) == pid)


def interrupt(actor: Actor, stage: Stage) -> None:
    actor.process.send_signal(signal.SIGINT)
    assert actor.ends() == 0
    assert actor.lines[-1] == "Stopped."
    assert stage.marked() == []
    assert server_of(stage.data_dir) is None


def test_up_serves_until_one_interrupt_and_finds_its_data_again(
    stage: Stage, up: Callable[[], Actor], port: int
) -> None:
    stage.data_dir.parent.chmod(0o700)  # as in a fresh clone below `mktemp -d`
    first = up()
    first.says(f"Seedbank is ready: http://localhost:{port}")
    sign_in = first.says("Sign in as")
    assert ready(port)
    before = people(stage)
    interrupt(first, stage)
    second = up()
    assert second.says("Sign in as") == sign_in
    assert people(stage) == before
    interrupt(second, stage)


def test_up_brings_back_its_web_server_and_its_database(running: Running) -> None:
    stage, port, actor = running.stage, running.port, running.actor
    os.kill(leader(stage, "-m granian"), signal.SIGKILL)
    actor.says("ended (killed by signal 9) and is started again")
    eventually(lambda: ready(port))
    server = server_of(stage.data_dir)
    assert server is not None
    os.kill(server, signal.SIGKILL)
    actor.says("PostgreSQL had ended and was started again")
    eventually(lambda: ready(port))


@pytest.mark.usefixtures("with_tables")
def test_an_up_that_was_killed_leaves_no_process_and_the_next_one_starts(
    stage: Stage, up: Callable[[], Actor]
) -> None:
    killed = up()
    killed.says("Seedbank is ready")
    killed.process.kill()
    killed.process.wait()
    following = up()
    following.says("Seedbank is ready")
    interrupt(following, stage)


def test_a_second_up_on_the_same_data_is_refused_in_a_sentence(running: Running) -> None:
    second = running.stage.python("manage.py", "up", PORT=str(running.port))
    assert second.ends() == 1
    assert second.lines == [
        f"CommandError: Seedbank already runs on DATA_DIR {running.stage.data_dir}: stop it first, or set "
        "DATA_DIR and PORT for a second one."
    ]


@pytest.mark.usefixtures("with_cluster")
@pytest.mark.parametrize("distance", [0, 100, 105])
def test_a_taken_port_ends_up_with_a_sentence_that_names_the_setting(
    up: Callable[[], Actor], port: int, distance: int
) -> None:
    with closing(socket.create_server(("127.0.0.1", port + distance))):
        actor = up()
        assert actor.ends() == 1
    assert len(actor.lines) == 1
    assert str(port + distance) in actor.lines[0]
    assert "set SANDBOX_PORT" in actor.lines[0] if distance else "set PORT to another" in actor.lines[0]


@pytest.mark.usefixtures("with_cluster")
def test_a_port_that_a_killed_predecessor_still_holds_is_waited_for(
    stage: Stage, up: Callable[[], Actor], port: int
) -> None:
    with closing(socket.create_server(("127.0.0.1", port))):
        actor = up()
        eventually(lambda: _has_its_locks(stage))  # it looks at the ports next
    actor.says("Preparing the database")


def _has_its_locks(stage: Stage) -> bool:
    path = stage.data_dir / "programs.lock"
    if not path.exists():
        return False
    if (handle := locks.take(path, wait=False)) is None:
        return True
    os.close(handle)
    return False


@pytest.mark.usefixtures("with_cluster")
def test_a_command_works_alone_and_leaves_nothing_running(stage: Stage) -> None:
    alone = stage.python("manage.py", "prepare")
    assert alone.ends() == 0, alone.lines
    assert stage.marked() == []
    assert server_of(stage.data_dir) is None


def test_a_command_works_beside_a_running_up(running: Running) -> None:
    before = granted(running.stage)
    beside = running.stage.python("manage.py", "grant", "you@seedbank.local", "2.50", "--memo", "a present")
    assert beside.ends() == 0, beside.lines
    assert granted(running.stage) == before + 2_500_000
    assert ready(running.port)


def test_pictures_made_beside_a_running_up_are_shown_where_it_serves_them(running: Running) -> None:
    beside = running.stage.python("manage.py", "generate", "a red boat", "--provider", "bytespike")
    assert beside.ends() == 0, beside.lines
    told = next(line for line in beside.lines if "http" in line)
    assert told.strip().startswith(f"http://localhost:{running.port}/pictures/")
