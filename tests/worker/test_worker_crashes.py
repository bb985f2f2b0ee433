"""What becomes of tasks when processes die: nothing is lost, the guilty are charged, the innocent are not."""

from __future__ import annotations

import os
import signal
import time

import pytest
from yard import Yard, is_alive, wait_for

from horarium.outcome import State


def test_a_killed_child_is_noticed_and_its_task_runs_again_at_once(yard: Yard) -> None:
    worker = yard.start()
    id = yard.send("hang_once", "a")
    pid = int(yard.sees("start", "a", 1)[0][-1])
    killed = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    (run,) = yard.ends(id)
    took = time.monotonic() - killed
    assert run.state == State.SUCCESS
    assert [attempt.outcome for attempt in run.attempts] == ["crashed", "succeeded"]
    assert "SIGKILL" in run.attempts[0].error.text
    assert took < 3.0
    assert len(worker.children()) == 2


@pytest.mark.parametrize("how", ["segv", "abort", "exit0", "exit1", "kill"])
def test_a_task_that_takes_its_process_along_is_its_own_failure_only(yard: Yard, how: str) -> None:
    yard.start()
    neighbours = [yard.send("mark", f"n{n}") for n in range(20)]
    id = yard.send("die", how)
    (run, *others) = yard.ends(id, *neighbours)
    assert run.state == State.SUCCESS
    assert [attempt.outcome for attempt in run.attempts] == ["crashed", "succeeded"]
    assert {len(other.attempts) for other in others} == {1}


@pytest.mark.parametrize("how", ["sys.exit", "recursion"])
def test_leaving_the_interpreter_or_recursing_too_deep_is_an_ordinary_failure(yard: Yard, how: str) -> None:
    worker = yard.start(concurrency=1)
    children = worker.children()
    (run,) = yard.ends(yard.send("die", how))
    assert run.state == State.FAILURE
    assert run.error is not None
    assert run.error.class_path.split(".")[-1] in ("SystemExit", "RecursionError")
    assert worker.children() == children


def test_a_poison_message_is_dead_after_three_crashes_and_the_good_ones_finish(yard: Yard) -> None:
    """Row 45."""
    worker = yard.start(crash_delays=(0.0, 0.1, 0.1))
    poison = yard.send("die", "kill", 99)
    good = [yard.send("mark", f"g{n}") for n in range(50)]
    (bad, *others) = yard.ends(poison, *good)
    assert bad.state == State.DEAD
    assert [attempt.outcome for attempt in bad.attempts] == ["crashed"] * 3
    assert {run.state for run in others} == {State.SUCCESS}
    assert {attempt.outcome for run in others for attempt in run.attempts} == {"succeeded"}
    assert len(yard.saw("start", "kill")) == 3
    worker.says(f"Task die[{poison}] given up after 3 crashes: expected the process to live")
    assert worker.text.count("given up") == 1
    assert worker.text.count(f"it was running die[{poison}]") == 3


def test_deliveries_in_line_behind_a_crash_go_back_uncharged(yard: Yard) -> None:
    warmed = [yard.send("mark", f"w{n}") for n in range(40)]
    ids = [yard.send("die", "kill"), *(yard.send("mark", f"m{n}") for n in range(40))]
    yard.start(concurrency=1)
    runs = yard.ends(*warmed, *ids)
    assert {run.state for run in runs} == {State.SUCCESS}
    assert [run.id for run in runs if len(run.attempts) > 1] == [ids[0]]
    assert len({run.id for run in runs}) == len(yard.saw("mark")) + 1


def test_when_the_supervisor_is_killed_its_children_end_and_another_worker_takes_over(yard: Yard) -> None:
    """Row 44."""
    first = yard.start(lease=2.0)
    id = yard.send("hang_once", "a")
    yard.sees("start", "a", 1)
    family = [process.pid for process in first.family()]
    assert len(family) == 3
    first.process.kill()
    wait_for(lambda: not any(map(is_alive, family)), "the children have ended", 3.0)
    yard.start(lease=2.0)
    (run,) = yard.ends(id, timeout=10)
    assert run.state == State.SUCCESS
    assert [attempt.outcome for attempt in run.attempts] == ["crashed", "succeeded"]


def test_when_the_zygote_is_killed_the_worker_gives_its_work_back_and_ends(yard: Yard) -> None:
    worker = yard.start()
    id = yard.send("hang_once", "a")
    yard.sees("start", "a", 1)
    family = [process.pid for process in worker.family()]
    (zygote,) = (process for process in worker.family() if process.ppid() == worker.pid)
    zygote.kill()
    assert worker.ends() == 70
    wait_for(lambda: not any(map(is_alive, family)), "the children have ended")
    assert yard.run(id).state == State.PENDING
    assert yard.run(id).attempts == ()


def test_a_frozen_supervisor_cannot_keep_children_working_beyond_their_lease(yard: Yard) -> None:
    worker = yard.start(lease=2.0)
    id = yard.send("hang_once", "a")
    pid = int(yard.sees("start", "a", 1)[0][-1])
    worker.signal(signal.SIGSTOP)
    wait_for(lambda: not is_alive(pid), "the guardian has killed the child", 4.0)
    other = yard.start(lease=2.0)
    (run,) = yard.ends(id, timeout=10)
    assert run.state == State.SUCCESS
    worker.signal(signal.SIGCONT)
    (thawed,) = yard.ends(yard.send("mark", "after"))
    assert thawed.state == State.SUCCESS
    other.signal(signal.SIGTERM)
    assert other.ends() == 0
    (alone,) = yard.ends(yard.send("mark", "alone"), timeout=10)
    assert alone.state == State.SUCCESS


def test_what_a_task_has_started_ends_with_its_process(yard: Yard) -> None:
    yard.start()
    yard.send("spawn", "a")
    (line,) = yard.sees("spawned", "a")
    program, child = int(line[2]), int(line[3])
    os.kill(child, signal.SIGKILL)
    wait_for(lambda: not is_alive(program), "the program has ended")


def test_a_started_at_most_once_task_is_dead_and_not_run_again_when_its_process_dies(yard: Yard) -> None:
    worker = yard.start()
    id = yard.send("once_only", "a", acks_late=False)
    pid = int(yard.sees("start", "a")[0][-1])
    os.kill(pid, signal.SIGKILL)
    (run,) = yard.ends(id)
    assert run.state == State.DEAD
    worker.says(f"Task once_only[{id}] given up after 1 crash: ")
    assert len(yard.saw("start", "a")) == 1


def test_what_is_lost_with_a_whole_worker_is_told_by_the_one_that_finds_it(yard: Yard) -> None:
    first = yard.start(lease=2.0)
    id = yard.send("once_only", "a", acks_late=False)
    yard.sees("start", "a")
    other = yard.start(lease=2.0)
    first.process.kill()
    other.says(f"Task once_only[{id}] given up after 1 crash: ")
    assert yard.run(id).state == State.DEAD


def test_the_successor_of_a_killed_worker_is_not_warned_of_its_name(yard: Yard) -> None:
    first = yard.start(name="heir", lease=6.0)
    first.process.kill()
    first.ends()
    assert "another live worker" not in yard.start(name="heir").text


def test_two_workers_of_one_name_are_told_apart(yard: Yard) -> None:
    first = yard.start(name="twin", lease=2.0)
    second = yard.start(name="twin", lease=2.0)
    assert f"another live worker (pid {first.pid} on " in second.text
    assert "another live worker" not in first.text
    ids = [yard.send("hang_once", "a"), yard.send("hang_once", "b")]
    yard.sees("start", "a", 1)
    yard.sees("start", "b", 1)
    first.process.kill()
    for pid in {int(line[-1]) for line in (*yard.saw("start", "a", 1), *yard.saw("start", "b", 1))}:
        if is_alive(pid) and os.getsid(pid) == pid:
            os.kill(pid, signal.SIGKILL)
    # What the second one gave back may reach a child of the dead one a moment before it goes: that is a second crash of
    # it, and so a wait of 10 s (crash_delays).
    runs = yard.ends(*ids, timeout=30)
    assert {run.state for run in runs} == {State.SUCCESS}
    assert {len(run.attempts) for run in runs} <= {2, 3}


@pytest.mark.parametrize(
    ("pool", "task", "how", "code"),
    [
        ("process", "fork", "returns", 0),
        ("process", "fork", "raises", 1),
        ("process", "fork", "exits", 0),
        ("process", "afork", "returns", 0),
        ("thread", "fork", "returns", 0),
        ("async", "fork", "returns", 0),
        ("async", "afork", "returns", 0),
    ],
)
def test_a_copy_that_a_task_forks_and_lets_return_ends_there(
    yard: Yard, pool: str, task: str, how: str, code: int
) -> None:
    yard.start(concurrency=1, pool=pool)
    ids = [yard.send(task, str(number), how) for number in range(3)]
    after = [yard.send("mark", str(number)) for number in range(10)]
    runs = yard.ends(*ids, *after)
    assert {run.state for run in runs} == {State.SUCCESS}
    assert [bytes(run.result or b"") for run in runs[:3]] == [str(code).encode()] * 3
    assert {len(run.attempts) for run in runs} == {1}
    copies = {int(line[-1]) for line in yard.saw("copy")}
    assert len(copies) == 3 and not any(map(is_alive, copies))
    assert not copies & {int(line[-1]) for line in yard.saw("mark")}
