"""Time limits, revocation and recycling, in every pool, with real processes."""

from __future__ import annotations

import signal

import pytest
from yard import Yard, is_alive, wait_for

from horarium import loglines
from horarium.outcome import State

POOLS = ["process", "thread", "async"]


@pytest.mark.parametrize("pool", POOLS)
def test_a_pool_runs_plain_and_async_tasks(yard: Yard, pool: str) -> None:
    yard.start(pool=pool)
    ids = [yard.send("add", n, 1) for n in range(30)]
    ids += [yard.send("anap", f"a{n}", 0.05) for n in range(5)] + [yard.send("sway", "s")]
    runs = yard.ends(*ids)
    assert {run.state for run in runs} == {State.SUCCESS}
    assert [bytes(run.result) for run in runs[:30]] == [str(n + 1).encode() for n in range(30)]
    assert [attempt.outcome for attempt in runs[-1].attempts] == ["retried", "retried", "succeeded"]


@pytest.mark.parametrize("pool", ["thread", "async"])
def test_slots_of_one_child_run_side_by_side(yard: Yard, pool: str) -> None:
    ids = [yard.send("anap" if pool == "async" else "nap", f"n{n}", 1.0) for n in range(4)]
    yard.start(pool=pool, concurrency=4)
    yard.ends(*ids)
    assert [line[0] for line in yard.saw()] == ["start"] * 4 + ["end"] * 4


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("task", ["polite", "apolite"])
def test_the_soft_limit_is_raised_inside_the_task(yard: Yard, pool: str, task: str) -> None:
    """Row 38."""
    yard.start(pool=pool)
    (run, quick) = yard.ends(
        yard.send(task, "a", 10, soft_time_limit=0.3), yard.send("polite", "b", 0.02, soft_time_limit=5)
    )
    assert (run.state, bytes(run.result)) == (State.SUCCESS, b'"a in time"')
    assert bytes(quick.result) == b'"b late"'


@pytest.mark.parametrize("pool", POOLS)
def test_a_limit_that_is_no_number_fails_its_task_and_costs_no_child_its_life(yard: Yard, pool: str) -> None:
    worker = yard.start(pool=pool, concurrency=1)
    (run, after) = yard.ends(yard.send("mislaid"), yard.send("add", 1, 1))
    assert (run.state, after.state) == (State.FAILURE, State.SUCCESS)
    assert run.error is not None and run.error.class_path == "builtins.TypeError"
    assert "ended unexpectedly" not in worker.text


@pytest.mark.parametrize("pool", POOLS)
def test_a_soft_limit_that_is_not_caught_fails_the_task(yard: Yard, pool: str) -> None:
    yard.start(pool=pool, concurrency=1)
    (run,) = yard.ends(yard.send("anap", "a", 10, soft_time_limit=0.2))
    assert run.state == State.FAILURE
    assert run.error is not None and run.error.class_path == "horarium.errors.SoftTimeLimitExceeded"
    (after,) = yard.ends(yard.send("add", 1, 1))
    assert after.state == State.SUCCESS


@pytest.mark.parametrize(
    ("pool", "task"),
    [
        ("process", "deaf"),
        ("process", "stubborn"),
        ("thread", "stubborn"),
        ("thread", "deaf"),
        ("async", "astubborn"),
        ("async", "anap"),
        ("async", "deaf"),
        ("async", "block_loop"),
    ],
)
def test_the_hard_limit_ends_a_task_as_failed_and_work_goes_on(yard: Yard, pool: str, task: str) -> None:
    """Row 38."""
    yard.start(pool=pool, concurrency=2)
    (run,) = yard.ends(yard.send(task, "a", 60, time_limit=0.5), timeout=8)
    assert run.state == State.FAILURE
    assert run.error is not None and run.error.class_path == "horarium.errors.TimeLimitExceeded"
    assert [attempt.outcome for attempt in run.attempts] == ["failed"]
    runs = yard.ends(*(yard.send("add", n, n) for n in range(5)))
    assert {after.state for after in runs} == {State.SUCCESS}
    assert len(yard.saw("start", "a")) <= 1 + (task == "anap")


def test_neighbours_of_a_task_that_is_killed_for_its_limit_are_not_charged(yard: Yard) -> None:
    yard.start(pool="async", concurrency=2)
    neighbour = yard.send("anap", "n", 4.0)
    yard.sees("start", "n")
    blocker = yard.send("block_loop", "b", 60, time_limit=0.3)
    (bad, good) = yard.ends(blocker, neighbour)
    assert bad.state == State.FAILURE
    assert good.state == State.SUCCESS
    assert [attempt.outcome for attempt in good.attempts] == ["succeeded"]


@pytest.mark.parametrize(("pool", "task"), [("process", "deaf"), ("thread", "stubborn"), ("async", "anap")])
def test_terminate_ends_what_runs_and_nothing_else(yard: Yard, pool: str, task: str) -> None:
    yard.start(pool=pool, concurrency=1)
    id = yard.send(task, "a", 30)
    yard.sees("start", "a")
    after = yard.send("mark", "after")
    yard.app.control.revoke(id, terminate=True)
    (run, other) = yard.ends(id, after, timeout=8)
    assert run.state == State.REVOKED
    assert other.state == State.SUCCESS
    assert [attempt.outcome for attempt in other.attempts] == ["succeeded"]


def test_a_waiting_task_that_was_revoked_never_starts(yard: Yard) -> None:
    id = yard.send("mark", "a")
    yard.app.control.revoke(id)
    yard.start()
    yard.ends(yard.send("mark", "b"))
    assert yard.saw("mark", "a") == []
    assert yard.run(id).state == State.REVOKED


def test_an_expired_task_never_starts(yard: Yard) -> None:
    id = yard.send("mark", "a", expires=0.01)
    wait_for(lambda: yard.app.now() > yard.run(id).message.expires, "it has expired")
    yard.start()
    (run,) = yard.ends(id)
    assert run.state == State.EXPIRED
    assert yard.saw("mark", "a") == []


def test_a_child_is_replaced_after_so_many_tasks(yard: Yard) -> None:
    yard.start(concurrency=1, max_tasks_per_child=5)
    runs = yard.ends(*(yard.send("pid") for _ in range(20)))
    pids = [bytes(run.result) for run in runs]
    assert [pids.count(pid) for pid in dict.fromkeys(pids)] == [5, 5, 5, 5]
    assert {len(run.attempts) for run in runs} == {1}


def test_a_child_that_has_grown_too_large_is_replaced_between_tasks(yard: Yard) -> None:
    """Row 132."""
    worker = yard.start(concurrency=1, max_memory_per_child=150_000)
    (hog,) = yard.ends(yard.send("hog", 200))
    assert hog.state == State.SUCCESS
    fat = int(bytes(hog.result))
    wait_for(lambda: not is_alive(fat), "the large child is gone")
    (after,) = yard.ends(yard.send("pid"))
    assert int(bytes(after.result)) in worker.children()


def test_tasks_behind_a_slow_one_are_given_to_others(yard: Yard) -> None:
    quick = [yard.send("mark", f"q{n}") for n in range(60)]
    slow = yard.send("nap", "slow", 3.0)
    behind = [yard.send("mark", f"b{n}") for n in range(60)]
    yard.start()
    runs = yard.ends(*quick, *behind)
    assert yard.saw("end", "slow") == []
    assert {len(run.attempts) for run in runs} == {1}
    yard.ends(slow)


def test_a_worker_leaves_tasks_that_it_does_not_know(yard: Yard) -> None:
    yard.start()
    unknown = yard.send("of_the_next_release")
    yard.ends(*(yard.send("mark", f"m{n}") for n in range(5)))
    assert yard.run(unknown).state == State.PENDING


def test_output_is_kept_with_the_run_and_bounded(yard: Yard) -> None:
    worker = yard.start(output_limit=2000)
    (run,) = yard.ends(yard.send("babble", 5000))
    assert run.state == State.SUCCESS
    assert loglines.read(run.logs[0]).text.startswith("line 0 ")
    assert loglines.read(run.logs[-1]).text.startswith("line 4999 ")
    assert [line for line in run.logs if "lines are left out here" in line] != []
    assert sum(map(len, run.logs)) < 2200
    assert len(worker.text) < 10_000


def test_stacks_are_shown_on_usr1(yard: Yard) -> None:
    worker = yard.start(concurrency=1)
    id = yard.send("nap", "a", 2.0)
    yard.sees("start", "a")
    worker.signal(signal.SIGUSR1)
    worker.says("in nap")
    worker.says("supervisor.py")
    yard.ends(id)
