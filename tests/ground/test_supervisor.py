"""Programs side by side: restarted when they die, ended in order, never left behind."""

from __future__ import annotations

import json
import os
import signal
import sys

from config.embedded import warden
from tests.ground.stage import Actor, Stage, alive, eventually

SUPERVISE = """
import json, os, sys
from pathlib import Path
from config.embedded import locks
from config.embedded.supervisor import Program, Supervisor
folder = Path(os.environ["DATA_DIR"])
folder.mkdir(exist_ok=True)
programs = [Program(name, tuple(command), patience) for name, command, patience in json.loads(sys.argv[1])]
lock = locks.take(folder / "programs.lock")
print("begins")
Supervisor(programs, out=sys.stdout, inherited=lock, every_second=lambda: None).run()
print("all ended")
"""
# Says who it is; ends when it is told to.
POLITE = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("goodbye"), sys.exit()))
print("pid", os.getpid())
while True: time.sleep(1)
"""
DEAF = """
import os, signal, time
signal.signal(signal.SIGTERM, lambda *_: print("not yet"))
print("pid", os.getpid())
while True: time.sleep(1)
"""
# Leaves a process of its own group behind when it is killed.
PARENT = """
import os, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import os, time; print('straggler', os.getpid()); time.sleep(600)"])
print("pid", os.getpid())
while True: time.sleep(1)
"""


def supervise(stage: Stage, **programs: str) -> Actor:
    told = [(name, [sys.executable, "-c", code], 60) for name, code in programs.items()]
    return stage.python("-c", SUPERVISE, json.dumps(told))


def pid_of(actor: Actor, words: str) -> int:
    return int(actor.says(words).split()[-1])


def test_a_program_that_dies_is_started_again(stage: Stage) -> None:
    up = supervise(stage, one=POLITE, two=POLITE)
    first, other = pid_of(up, "one │ pid"), pid_of(up, "two │ pid")
    os.kill(first, signal.SIGKILL)
    up.says("one │ ended (killed by signal 9) and is started again")
    second = eventually(lambda: [line for line in up.lines if "one │ pid" in line][1:])
    assert int(second[0].split()[-1]) != first
    assert alive(other)
    assert len([line for line in up.lines if "two │ pid" in line]) == 1


def test_what_a_dead_program_left_behind_is_killed_before_it_starts_again(stage: Stage) -> None:
    up = supervise(stage, one=PARENT)
    straggler, leader = pid_of(up, "straggler"), pid_of(up, "one │ pid")
    os.kill(leader, signal.SIGKILL)
    eventually(lambda: len([line for line in up.lines if "one │ pid" in line]) == 2)
    assert not alive(straggler)


def test_one_interrupt_ends_all_in_the_order_given(stage: Stage) -> None:
    up = supervise(stage, one=POLITE, two=PARENT, three=POLITE)
    straggler = pid_of(up, "straggler")
    for name in ("one", "two", "three"):
        up.says(f"{name:<5} │ pid")
    up.process.send_signal(signal.SIGINT)
    assert up.ends() == 0
    assert [line for line in up.lines if "goodbye" in line] == ["one   │ goodbye", "three │ goodbye"]
    assert up.lines[-1] == "all ended"
    assert not alive(straggler)
    assert stage.marked() == []


def test_a_program_that_ends_while_all_are_ending_stays_ended(stage: Stage) -> None:
    up = supervise(stage, one=DEAF, two=POLITE)
    up.says("one │ pid")
    other = pid_of(up, "two │ pid")
    up.process.send_signal(signal.SIGTERM)
    up.says("one │ not yet")
    os.kill(other, signal.SIGKILL)
    eventually(lambda: not alive(other))
    hurry(up)
    assert up.ends() == 0
    assert len([line for line in up.lines if "two │ pid" in line]) == 1


def test_a_second_interrupt_does_not_wait_for_a_program_that_takes_its_time(stage: Stage) -> None:
    up = supervise(stage, one=DEAF, two=DEAF)
    leaders = [pid_of(up, f"{name} │ pid") for name in ("one", "two")]
    up.process.send_signal(signal.SIGINT)
    up.says("one │ not yet")
    hurry(up)
    up.says("one │ did not end in time and was killed")
    up.says("two │ did not end in time and was killed")
    assert up.ends() == 0
    assert not any(alive(leader) for leader in leaders)


def test_nothing_outlives_a_supervisor_that_is_killed(stage: Stage) -> None:
    up = supervise(stage, one=POLITE, two=PARENT, three=DEAF)
    for name in ("one", "two", "three"):
        up.says(f"{name:<5} │ pid")
    up.says("straggler")
    up.process.kill()
    up.process.wait()
    eventually(lambda: stage.marked() == [])


def test_the_watch_over_orphans_is_kept_even_when_its_keeper_was_killed(stage: Stage) -> None:
    up = supervise(stage, one=POLITE)
    others = {up.process.pid, pid_of(up, "one │ pid")}
    [keeper] = set(stage.marked()) - others
    os.kill(keeper, signal.SIGKILL)
    eventually(lambda: set(stage.marked()) - others - {keeper})
    up.process.kill()
    up.process.wait()
    eventually(lambda: stage.marked() == [])


def test_the_watch_over_orphans_knows_from_its_first_moment_what_there_is(stage: Stage) -> None:
    orphan = stage.python("-c", POLITE)
    orphan.says("pid")
    stage.python(warden.__file__, str(orphan.process.pid)).leave()
    assert orphan.ends() == 0
    assert orphan.lines[-1] == "goodbye"


def test_a_program_that_says_much_at_once_is_shown_whole(stage: Stage) -> None:
    up = supervise(stage, one="print('x' * 300_000); print('last word', end='')")
    up.says("last word")
    assert "one │ " + "x" * 300_000 in up.lines


def hurry(up: Actor) -> None:
    """A second Ctrl-C, a while after the first: repeated until it is taken for one."""

    def killed() -> bool:
        up.process.send_signal(signal.SIGINT)
        return any("was killed" in line for line in up.lines)

    eventually(killed)
