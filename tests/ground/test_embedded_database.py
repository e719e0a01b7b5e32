"""The PostgreSQL server that the embedded default brings along."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from config.embedded import EmbeddedError, binaries, postgres
from tests.ground.stage import Stage, alive, eventually, put_cluster, server_of

HOLD = """
import os, sys
from pathlib import Path
from config.embedded import postgres
with postgres.hold(Path(os.environ["DATA_DIR"])):
    print("held")
    sys.stdin.read()
"""
# Makes the cluster and stands still where it would put it in its place.
HOLD_NEARLY = (
    """
import signal, sys
def stand_still(event, arguments):
    if event == "os.rename" and str(arguments[0]).endswith("data.new"):
        signal.pause()
sys.addaudithook(stand_still)
"""
    + HOLD
)
MADE_BEFORE = pytest.mark.usefixtures("with_cluster")
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs to run as root")


def ask(data_dir: Path, question: str) -> object:
    with psycopg.connect(make_conninfo(**postgres.conninfo(data_dir)), autocommit=True) as connection:
        cursor = connection.execute(question)
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def test_holders_share_one_server_and_the_last_one_stops_it(stage: Stage) -> None:
    first, second = stage.python("-c", HOLD), stage.python("-c", HOLD)
    first.says("held")
    second.says("held")
    server = server_of(stage.data_dir)
    assert server is not None
    first.leave()
    assert ask(stage.data_dir, "SELECT 1") == 1
    second.leave()
    assert not alive(server)


@MADE_BEFORE
def test_data_is_found_again_after_a_stop(data_dir: Path) -> None:
    with postgres.hold(data_dir):
        ask(data_dir, "CREATE TABLE kept AS SELECT 'for ever' AS words")
    with postgres.hold(data_dir):
        assert ask(data_dir, "SELECT words FROM kept") == "for ever"


@MADE_BEFORE
def test_a_killed_holder_leaves_a_server_that_the_next_one_uses_and_stops(stage: Stage) -> None:
    killed = stage.python("-c", HOLD)
    killed.says("held")
    server = server_of(stage.data_dir)
    assert server is not None
    killed.process.kill()
    killed.ends()
    with postgres.hold(stage.data_dir):
        assert server_of(stage.data_dir) == server
    assert not alive(server)


@MADE_BEFORE
def test_a_server_killed_under_its_holders_is_started_again_with_its_data(stage: Stage) -> None:
    with postgres.hold(stage.data_dir):
        ask(stage.data_dir, "CREATE TABLE kept AS SELECT 'for ever' AS words")
        assert not postgres.revive(stage.data_dir)
        kill_server(stage.data_dir)
        assert eventually(lambda: postgres.revive(stage.data_dir))
        assert ask(stage.data_dir, "SELECT words FROM kept") == "for ever"


@MADE_BEFORE
def test_a_stale_pid_file_that_names_a_living_process_is_no_obstacle(stage: Stage) -> None:
    killed = stage.python("-c", HOLD)
    killed.says("held")
    kill_server(stage.data_dir)
    killed.process.kill()
    killed.ends()
    pid_file = stage.data_dir / "postgres/data/postmaster.pid"
    owner = pid_file.stat().st_uid
    bystander = subprocess.Popen(["sleep", "600"], user=owner if os.geteuid() == 0 else None, cwd="/")
    try:
        pid_file.write_text("\n".join([str(bystander.pid), *pid_file.read_text().split("\n")[1:]]))
        with postgres.hold(stage.data_dir):
            assert ask(stage.data_dir, "SELECT 1") == 1
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_cluster_whose_making_was_interrupted_is_made_anew(stage: Stage) -> None:
    interrupted = stage.python("-c", HOLD_NEARLY)
    draft = stage.data_dir / "postgres" / "data.new"
    eventually(lambda: (draft / "base").exists())
    interrupted.process.kill()
    assert interrupted.ends() == -signal.SIGKILL
    assert not (stage.data_dir / "postgres" / "data").exists()
    with postgres.hold(stage.data_dir):
        assert ask(stage.data_dir, "SELECT 1") == 1


@MADE_BEFORE
def test_a_cluster_of_another_version_is_refused_in_a_sentence(data_dir: Path) -> None:
    (data_dir / "postgres/data/PG_VERSION").write_text("17\n")
    sentence = "made by PostgreSQL 17, and this Seedbank brings 18"
    with pytest.raises(EmbeddedError, match=sentence), postgres.hold(data_dir):
        pytest.fail("it was used")


def test_a_path_too_long_for_a_socket_gets_a_short_one(data_dir: Path, cluster: Path) -> None:
    deep = data_dir / ("deep and 'quoted\" " * 6)
    put_cluster(cluster, deep)
    with postgres.hold(deep):
        assert ask(deep, "SELECT 1") == 1
        socket_folder = Path(postgres.conninfo(deep)["host"])
        assert socket_folder.parent == Path("/tmp")
        assert socket_folder.stat().st_mode & 0o777 == 0o700
    socket_folder.rmdir()


@pytest.mark.parametrize(
    "spoil",
    [lambda path: path.chmod(0o755), pytest.param(lambda path: os.chown(path, 4321, 4321), marks=AS_ROOT)],
)
def test_a_short_socket_folder_that_others_may_enter_is_refused(
    data_dir: Path, cluster: Path, spoil: Callable[[Path], None]
) -> None:
    deep = data_dir / ("d" * 120)
    put_cluster(cluster, deep)
    with postgres.hold(deep):
        folder = Path(postgres.conninfo(deep)["host"])
    spoil(folder)
    try:
        with pytest.raises(EmbeddedError, match="remove it and start again"), postgres.hold(deep):
            pytest.fail("it was used")
    finally:
        folder.rmdir()


@MADE_BEFORE
def test_only_its_own_user_reaches_the_server_and_only_by_its_socket(data_dir: Path) -> None:
    with postgres.hold(data_dir):
        assert ask(data_dir, "SHOW listen_addresses") == ""
        assert Path(postgres.conninfo(data_dir)["host"]).stat().st_mode & 0o777 == 0o700


@MADE_BEFORE
def test_texts_sort_and_fold_alike_on_every_system(data_dir: Path) -> None:
    with postgres.hold(data_dir):
        assert ask(data_dir, "SHOW timezone") == "UTC"
        assert ask(data_dir, "SHOW server_encoding") == "UTF8"
        assert (
            ask(data_dir, "SELECT string_agg(x, '' ORDER BY x) FROM unnest('{b,B,ä,a}'::text[]) x") == "Babä"
        )
        assert ask(data_dir, "SELECT upper('äé')") == "ÄÉ"


def test_a_data_folder_with_odd_characters_works(data_dir: Path) -> None:
    odd = data_dir / "a b,'\"$(x)`é"
    with postgres.hold(odd):
        assert ask(odd, "SELECT 1") == 1
    with postgres.hold(odd):
        assert ask(odd, "SELECT 1") == 1


def test_the_servers_programs_run_from_a_copy_that_others_can_read(tmp_path: Path) -> None:
    programs = binaries.copied_to(tmp_path)
    for name in binaries.PROGRAMS:
        said = subprocess.run(
            [programs / name, "--version"], capture_output=True, text=True, check=True
        ).stdout
        assert f"(PostgreSQL) {binaries.MAJOR}." in said
    assert all(path.stat().st_mode & 0o004 for path in programs.parents[2].rglob("*"))
    assert binaries.copied_to(tmp_path) == programs
    assert len(list(tmp_path.iterdir())) == 1


@AS_ROOT
def test_root_changes_no_permissions_it_did_not_make(data_dir: Path) -> None:
    data_dir.parent.chmod(0o700)
    wheel = binaries.program("postgres")
    watched = [*data_dir.parents, *wheel.parents, Path("/var/lib")]
    before = [(path, path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in watched]
    with postgres.hold(data_dir):
        assert (data_dir / "postgres").is_symlink()
    assert before == [(path, path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in watched]


@AS_ROOT
def test_root_keeps_the_cluster_in_a_data_folder_that_the_servers_user_can_reach(data_dir: Path) -> None:
    with postgres.hold(data_dir):
        assert not (data_dir / "postgres").is_symlink()
        assert (data_dir / "postgres/data").stat().st_uid != 0


@AS_ROOT
def test_root_is_told_when_the_folder_behind_the_link_is_gone(data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "postgres").symlink_to(data_dir / "nowhere")
    with pytest.raises(EmbeddedError, match="is gone"), postgres.hold(data_dir):
        pytest.fail("it was used")


def kill_server(data_dir: Path) -> None:
    """SIGKILL to the server's first process, as the kernel does when memory runs out."""
    server = server_of(data_dir)
    assert server is not None
    os.kill(server, signal.SIGKILL)
    eventually(lambda: not alive(server))
