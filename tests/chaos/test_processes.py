"""Rows 1 to 10 and 31 of the matrix: processes that die, stand still, starve and misbehave, on each store."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ground import Ground, is_alive, wait_for
from history import boot_ns
from scene import LEASE, Scene, pause

from horarium.outcome import State

ENGINES = pytest.mark.parametrize("site", ["sqlite", "redis", "postgres"], indirect=True)
SWEEP = 1.0
CRASH_DELAY = 1.0  # of the first crash; the worker waits so long on purpose
NOTICED = 1.0  # within so long a child's death is known


def seconds_until(ground: Ground, id: str, kind: str = "start", times: int = 1) -> Callable[[], float]:
    """Return what waits for an event and tells how long it took from now."""
    began = boot_ns()
    return lambda: (ground.sees(id, kind, times).at - began) / 1e9


def finish(scene: Scene, row: str) -> None:
    scene.beats, scene.producers = [], []
    scene.reckon(row)


@ENGINES
def test_row_01_a_killed_child_is_noticed_within_a_second_and_nobody_else_suffers(scene: Scene) -> None:
    worker = scene.ground.worker()
    id = scene.ground.send("nap", "hit", 1.5)
    neighbour = scene.ground.send("nap", "neighbour", 3.0)
    start = scene.ground.sees(id)
    scene.ground.sees(neighbour)
    again = seconds_until(scene.ground, id, times=2)
    os.kill(start.pid, signal.SIGKILL)
    worker.says("ended unexpectedly", timeout=NOTICED)
    took = again()
    assert took <= CRASH_DELAY + NOTICED
    hit, other = scene.ground.ends(id, neighbour)
    assert [attempt.outcome for attempt in hit.attempts] == ["crashed", "succeeded"]
    assert [attempt.outcome for attempt in other.attempts] == ["succeeded"]
    scene.facts["recovered"] = {"a child's death, with a wait of 1 s": round(took, 2)}
    finish(scene, "1 kill -9 of a child")


BAD = ["flood", "segfault_in_thread", "exit_quietly", "leave_grandchildren", "leak_descriptors", "terminate_copies"]


@ENGINES
def test_rows_02_and_08_tasks_that_behave_badly_suffer_alone(scene: Scene) -> None:
    worker = scene.ground.worker()
    arguments = {"flood": (4,), "leave_grandchildren": (3,), "terminate_copies": (2,)}
    bad = [scene.ground.send(task, task, *arguments.get(task, ())) for task in BAD]
    good = scene.ground.send_many("short", [f"good{n}" for n in range(40)])
    runs = scene.ground.ends(*bad, *good)
    assert [(run.message.task, run.error) for run in runs if run.state != State.SUCCESS] == []
    assert {tuple(attempt.outcome for attempt in run.attempts) for run in runs[len(bad) :]} == {("succeeded",)}
    assert sum(len(attempt.outcome) > 0 for run in runs[: len(bad)] for attempt in run.attempts) == len(bad) + 2
    wait_for(lambda: len(worker.children()) == 2, "the worker is whole")
    worker.signal(signal.SIGTERM)
    assert worker.ends() == 0
    wait_for(lambda: not scene.ground.left_over(), "what the tasks have started is gone")
    finish(scene, "2, 8 segfault, exit, flood, leaks, grandchildren")


@ENGINES
def test_row_03_a_killed_worker_takes_its_children_along_and_others_go_on_after_its_lease(scene: Scene) -> None:
    victim = scene.ground.worker("-n", "victim", "-c", "1")
    id = scene.ground.send("nap", "hit", 2.0)
    scene.ground.sees(id)
    scene.ground.worker("-n", "other", "-c", "1")
    tree = victim.tree()
    again = seconds_until(scene.ground, id, times=2)
    victim.signal(signal.SIGKILL)
    wait_for(lambda: not any(map(is_alive, tree)), "its children end with it", 1.0)
    took = again()
    assert took <= LEASE + 1.2 * SWEEP + CRASH_DELAY + 0.5
    (run,) = scene.ground.ends(id)
    assert [attempt.outcome for attempt in run.attempts] == ["crashed", "succeeded"]
    scene.facts["recovered"] = {"a host's death, with a wait of 1 s": round(took, 2)}
    finish(scene, "3 kill -9 of a worker (a dead host)")


@ENGINES
@pytest.mark.parametrize("who", ["parent", "tree"])
def test_row_04_a_worker_that_stands_still_for_three_leases_has_lost_its_work(scene: Scene, who: str) -> None:
    frozen = scene.ground.worker("-n", "frozen", "-c", "1")
    id = scene.ground.send("nap", "hit", 3 * LEASE)
    first = scene.ground.sees(id)
    scene.ground.worker("-n", "other", "-c", "1")
    pids = frozen.tree() if who == "tree" else [frozen.pid]
    again = seconds_until(scene.ground, id, times=2)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    took = again()
    # Whoever runs is killed at its deadline where anybody is awake to do it; a whole tree learns of it when it thaws.
    assert who == "tree" or not is_alive(first.pid)
    pause(max(0.0, 3 * LEASE - took))
    for pid in pids:
        if is_alive(pid):
            os.kill(pid, signal.SIGCONT)
    (run,) = scene.ground.ends(id)
    assert [attempt.outcome for attempt in run.attempts] == ["crashed", "succeeded"]
    wait_for(lambda: not is_alive(first.pid), "the child that had lost its lease is ended", 5)
    scene.ground.ends(*[scene.ground.send("nap", f"after{n}", 0.2) for n in range(4)])
    scene.facts["recovered"] = {f"{who} frozen, with a wait of 1 s": round(took, 2)}
    finish(scene, f"4 SIGSTOP of the {who} for three leases")


@ENGINES
def test_rows_05_and_09_a_child_that_stands_still_or_hangs_is_killed_at_its_limit(scene: Scene) -> None:
    worker = scene.ground.worker("-c", "2")
    hung = scene.ground.send("nap", "hung", 60.0, time_limit=1.0)
    stopped = scene.ground.send("nap", "stopped", 60.0, time_limit=1.5)
    child = scene.ground.sees(stopped).pid
    os.kill(child, signal.SIGSTOP)
    began = time.monotonic()
    runs = scene.ground.ends(hung, stopped, timeout=5)
    assert time.monotonic() - began <= 1.5 + 3
    assert {run.error.class_path.rpartition(".")[2] for run in runs if run.error} == {"TimeLimitExceeded"}
    assert {run.state for run in runs} == {State.FAILURE}
    wait_for(lambda: len(worker.children()) == 2, "the worker is whole")
    scene.ground.ends(scene.ground.send("short", "after"))
    finish(scene, "5, 9 SIGSTOP of a child, a hang: killed at the time limit")


@ENGINES
def test_row_06_a_worker_starved_of_the_processor_loses_its_lease_at_worst(scene: Scene) -> None:
    """Its processes get 4 % of the time, in slices of 20 ms: what a tiny quota comes to."""
    starved = scene.ground.worker("-n", "starved", "-c", "1")
    ids = [scene.ground.send("nap", f"t{n}", 0.05) for n in range(30)]
    scene.ground.sees(ids[0])
    other = scene.ground.worker("-n", "other", "-c", "1", ready=False)
    until = time.monotonic() + 3 * LEASE
    while time.monotonic() < until:
        for number, share in ((signal.SIGSTOP, 0.48), (signal.SIGCONT, 0.02)):
            for pid in starved.tree():
                if is_alive(pid):
                    os.kill(pid, number)
            time.sleep(share)  # the slice
    scene.ground.ends(*ids)
    assert other.is_running
    finish(scene, "6 a worker with 4 % of a processor")


@ENGINES
def test_row_10_signals_end_a_worker_in_time_and_what_is_unfinished_goes_back_uncharged(scene: Scene) -> None:
    ground = scene.ground
    once = ground.worker("-n", "once", "-c", "1")
    short = ground.send("nap", "short", 0.8)
    ground.sees(short)
    once.signal(signal.SIGTERM)
    assert once.ends(3) == 0
    twice = ground.worker("-n", "twice", "-c", "1")
    long = ground.send("nap", "long", 6.0)
    ground.sees(long)
    twice.signal(signal.SIGTERM)
    twice.says("stopping")
    began = time.monotonic()
    twice.signal(signal.SIGTERM)
    assert (twice.ends(5), time.monotonic() - began < 3) == (3, True)
    starting = ground.worker("-n", "starting", ready=False)
    wait_for(lambda: starting.text, "it starts")
    starting.signal(signal.SIGTERM)
    assert starting.ends(5) == 0
    ground.worker("-n", "last", "-c", "1")
    runs = ground.ends(short, long)
    assert [run.state for run in runs] == [State.SUCCESS] * 2
    assert "crashed" not in [attempt.outcome for run in runs for attempt in run.attempts]
    ground.sees(long, times=2)
    finish(scene, "10 TERM once, twice, during start")


@ENGINES
def test_row_31_a_poison_message_dies_alone(scene: Scene) -> None:
    """It has crashed twice when it is met here: the ten seconds between the second crash and the third are the
    worker's patience, not what is tested."""
    scene.ground.environment["CRASH_LIMIT"] = "2"
    workers = [scene.ground.worker("-n", f"w{n}", ready=False) for n in range(2)]
    pill = scene.ground.send("poison", "pill")
    good = scene.ground.send_many("brief", [f"good{n}" for n in range(200)])
    (dead, *runs) = scene.ground.ends(pill, *good)
    assert (dead.state, [attempt.outcome for attempt in dead.attempts]) == (State.DEAD, ["crashed"] * 2)
    assert {tuple(attempt.outcome for attempt in run.attempts) for run in runs} == {("succeeded",)}
    assert all(worker.is_running for worker in workers)
    finish(scene, "31 a poison message among 200 good ones")


CGROUP = Path("/sys/fs/cgroup/memory")


@pytest.fixture
def small_room() -> Iterator[Path]:
    """A memory cgroup for one child."""
    room = CGROUP / f"horarium-chaos-{os.getpid()}"
    try:
        room.mkdir()
    except OSError as error:
        pytest.skip(f"no memory cgroup (v1) can be made here: {error}")
    (room / "memory.limit_in_bytes").write_text(str(200 << 20))
    yield room
    wait_for(lambda: not (room / "cgroup.procs").read_text(), "the room is empty", 10)
    room.rmdir()


@ENGINES
def test_row_07_a_task_that_takes_all_memory_dies_and_nobody_else(scene: Scene, small_room: Path) -> None:
    worker = scene.ground.worker("-c", "2")
    hog = scene.ground.send("hog", "hog", 400)
    child = scene.ground.sees(hog).pid
    (small_room / "cgroup.procs").write_text(str(child))
    good = [scene.ground.send("nap", f"t{n}", 0.1) for n in range(20)]
    worker.says("ended unexpectedly: signal 9", timeout=20)
    (run, *others) = scene.ground.ends(hog, *good)
    assert [attempt.outcome for attempt in run.attempts] == ["crashed", "succeeded"]
    assert {tuple(attempt.outcome for attempt in other.attempts) for other in others} == {("succeeded",)}
    assert worker.is_running
    finish(scene, "7 a memory hog in a cgroup of 200 MiB")
