"""Work in a process of its own, whatever becomes of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from generations.imaging import Crashed, Flaw, Rejected, inspect_and_derive, run_bounded

from .corpus import encoded, noise, scene, written

ROOT = Path(__file__).resolve().parents[2]


def test_the_result_comes_back(tmp_path: Path) -> None:
    picture = run_bounded(inspect_and_derive, written(tmp_path, encoded(scene(), "avif")), tmp_path)
    assert (picture.width, picture.height, picture.format) == (600, 400, "avif")
    assert picture.derivatives[512].read_bytes()[:4] == b"RIFF"


def test_a_rejection_comes_back_as_itself(tmp_path: Path) -> None:
    with pytest.raises(Rejected) as caught:
        run_bounded(inspect_and_derive, written(tmp_path, b"<html>"), tmp_path)
    assert caught.value.reason is Flaw.NOT_AN_IMAGE


def test_other_errors_come_back_as_themselves(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        run_bounded(inspect_and_derive, tmp_path / "nowhere", tmp_path)


@pytest.mark.parametrize(
    ("expression", "how"),
    [
        ("__import__('time').sleep(20)", "out of time"),
        ("[None for _ in iter(int, 1)]", "out of time"),
        ("__import__('os').kill(__import__('os').getpid(), 9)", "killed"),
        ("__import__('os').abort()", f"signal {int(signal.SIGABRT)}"),
        ("__import__('ctypes').string_at(0)", f"signal {int(signal.SIGSEGV)}"),
        ("__import__('os')._exit(3)", "exit status 3"),
        ("__import__('sys').exit(0)", "exit status 1"),
        ("lambda: 'cannot be pickled'", "exit status 1"),
    ],
)
def test_a_child_that_dies_is_a_crash_and_the_next_one_works(expression: str, how: str) -> None:
    with pytest.raises(Crashed) as caught:
        run_bounded(eval, expression, seconds=0.3 if how == "out of time" else 30.0)
    assert caught.value.how == how
    assert run_bounded(eval, "6 * 7") == 42


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits address space")
def test_a_child_that_wants_too_much_memory_is_a_crash() -> None:
    with pytest.raises(Crashed) as caught:
        run_bounded(eval, "len(bytearray(1 << 29))", memory=1 << 28)
    assert caught.value.how == "out of memory"
    assert run_bounded(eval, "len(bytearray(1 << 27))", memory=1 << 29) == 1 << 27


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits address space")
def test_the_largest_picture_we_keep_fits_into_the_usual_limit(tmp_path: Path) -> None:
    path = written(tmp_path, encoded(scene(7000, 7000).convert("RGBA"), "png", compress_level=1))
    assert run_bounded(inspect_and_derive, path, tmp_path).width == 7000


def test_a_helper_that_is_killed_is_replaced() -> None:
    helper = run_bounded(os.getppid)
    os.kill(helper, signal.SIGKILL)
    with pytest.raises(Crashed):
        run_bounded(eval, "1")
    assert run_bounded(os.getppid) != helper


def test_threads_work_side_by_side(tmp_path: Path) -> None:
    path = written(tmp_path, encoded(noise(), "jpeg"))

    def work(number: int) -> int:
        folder = tmp_path / str(number)
        folder.mkdir()
        return run_bounded(inspect_and_derive, path, folder).width + int(run_bounded(eval, str(number)))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(20))) == [600 + number for number in range(20)]


def test_more_work_than_cores_waits_its_turn_and_leaves_no_more_helpers_than_cores() -> None:
    at_once, rounds = max(2, os.cpu_count() or 1), 6
    work = "(__import__('time').sleep(0.5), __import__('os').getppid())[1]"

    def done(_: int) -> int:
        # Less time than the last ones wait for their turn.
        return int(run_bounded(eval, work, seconds=2.5))

    with ThreadPoolExecutor(at_once * rounds) as pool:
        helpers = list(pool.map(done, range(at_once * rounds)))

    assert len(set(helpers)) <= at_once
    deadline = time.monotonic() + 20
    while len(_helpers()) > at_once and time.monotonic() < deadline:
        threading.Event().wait(0.02)
    assert set(helpers) <= _helpers()
    assert len(_helpers()) <= at_once


def test_the_child_knows_neither_django_nor_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "telltale")
    script = """
import os
from generations.imaging import run_bounded
print(run_bounded(eval, "'django' in __import__('sys').modules"))
print(run_bounded(eval, "'telltale' in str(__import__('os').environ)"))
"""
    assert _run(script).split() == ["False", "False"]


def test_what_a_child_prints_does_not_disturb() -> None:
    assert run_bounded(eval, "print('noise', flush=True) or 5") == 5


def test_a_forked_owner_and_its_copy_do_not_get_each_others_results() -> None:
    script = """
import os
from generations.imaging import run_bounded
run_bounded(eval, "0")
child = os.fork()
mine = [run_bounded(eval, f"{n} + {0 if child else 1000}") for n in range(20)]
right = mine == [n + (0 if child else 1000) for n in range(20)]
if child:
    print(right, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
else:
    os._exit(0 if right else 1)
"""
    assert _run(script).split() == ["True", "0"]


def test_a_helper_does_not_outlive_its_owner() -> None:
    script = """
import os
from generations.imaging import run_bounded
print(run_bounded(os.getppid), flush=True)
os.kill(os.getpid(), 9)
"""
    helper = int(_run(script, expected=-9))
    deadline = time.monotonic() + 20
    while _lives(helper) and time.monotonic() < deadline:
        threading.Event().wait(0.02)
    assert not _lives(helper)


def _helpers() -> set[int]:
    """The helper processes of this one."""
    listed = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    ours = (line.split(maxsplit=2) for line in listed if "darkroom import serve" in line)
    return {int(pid) for pid, owner, _ in ours if int(owner) == os.getpid()}


def _lives(process: int) -> bool:
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False
    )
    return bool(state.stdout.strip()) and not state.stdout.startswith("Z")


def _run(script: str, expected: int = 0) -> str:
    """What a program of its own prints."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == expected, done.stderr
    return done.stdout
