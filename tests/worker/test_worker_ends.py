"""How a worker ends: signals, grace, what is given back, exit codes."""

from __future__ import annotations

import os
import signal
import time

import pytest
from yard import Yard, is_alive, wait_for

from horarium.outcome import State


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("pool", ["process", "thread", "async"])
def test_a_stopping_worker_finishes_what_runs_and_starts_nothing(yard: Yard, pool: str, number: int) -> None:
    worker = yard.start(pool=pool, concurrency=2)
    task = "anap" if pool == "async" else "nap"
    running = [yard.send(task, f"r{n}", 1.0) for n in range(2)]
    yard.sees("start", times=2)
    worker.signal(number)
    worker.says("stopping")
    waiting = yard.send("mark", "late")
    assert worker.ends() == 0
    assert {yard.run(id).state for id in running} == {State.SUCCESS}
    assert yard.run(waiting).state == State.PENDING
    worker.says("stopped.")


def test_an_idle_worker_ends_at_once(yard: Yard) -> None:
    worker = yard.start()
    asked = time.monotonic()
    worker.signal(signal.SIGTERM)
    assert worker.ends() == 0
    assert time.monotonic() - asked < 1.5


@pytest.mark.parametrize("pool", ["process", "thread", "async"])
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGQUIT])
def test_a_second_signal_gives_the_work_back_uncharged(yard: Yard, pool: str, second: int) -> None:
    worker = yard.start(pool=pool, concurrency=1)
    id = yard.send("deaf" if pool != "async" else "anap", "a", 30)
    yard.sees("start", "a")
    family = [process.pid for process in worker.family()]
    worker.signal(signal.SIGTERM)
    worker.says("stopping")
    asked = time.monotonic()
    worker.signal(second)
    assert worker.ends() == 3
    assert time.monotonic() - asked < 2.5
    run = yard.run(id)
    assert run.state == State.PENDING
    assert run.attempts == ()
    wait_for(lambda: not any(map(is_alive, family)), "all processes have ended")


def test_quit_gives_back_at_once_and_a_finished_neighbour_stays_finished(yard: Yard) -> None:
    worker = yard.start(concurrency=1)
    done = yard.send("mark", "done")
    yard.ends(done)
    id = yard.send("hang_once", "a")
    yard.sees("start", "a")
    worker.signal(signal.SIGQUIT)
    assert worker.ends(3.0) == 3
    assert yard.run(done).state == State.SUCCESS
    assert yard.run(id).state == State.PENDING


def test_when_grace_is_over_the_rest_is_given_back(yard: Yard) -> None:
    worker = yard.start(concurrency=2, grace=0.5)
    long, short = yard.send("nap", "long", 30), yard.send("nap", "short", 0.6)
    yard.sees("start", "long")
    yard.sees("start", "short")
    worker.signal(signal.SIGTERM)
    assert worker.ends(5.0) == 3
    assert yard.run(long).state == State.PENDING
    assert yard.run(short).state in (State.SUCCESS, State.PENDING)


def test_work_that_was_given_back_runs_at_the_next_worker(yard: Yard) -> None:
    worker = yard.start(concurrency=1)
    id = yard.send("nap", "a", 1.5)
    yard.sees("start", "a")
    worker.signal(signal.SIGQUIT)
    assert worker.ends() == 3
    yard.start(concurrency=1)
    (run,) = yard.ends(id, timeout=5)
    assert [attempt.outcome for attempt in run.attempts] == ["succeeded"]


def test_a_worker_that_is_told_to_stop_while_it_starts_ends(yard: Yard) -> None:
    worker = yard.start(ready=False)
    worker.says("-- horarium")
    worker.signal(signal.SIGTERM)
    assert worker.ends(5.0) == 0


def test_a_child_that_is_told_to_end_finishes_its_task_and_is_replaced(yard: Yard) -> None:
    worker = yard.start(concurrency=1)
    id = yard.send("nap", "a", 0.8)
    pid = int(yard.sees("start", "a")[0][-1])
    os.kill(pid, signal.SIGTERM)
    (run,) = yard.ends(id)
    assert [attempt.outcome for attempt in run.attempts] == ["succeeded"]
    (after,) = yard.ends(yard.send("pid"))
    assert int(bytes(after.result)) != pid
    assert worker.process.poll() is None


def test_a_store_that_cannot_be_used_is_one_clear_line_and_exit_code_1(yard: Yard) -> None:
    (yard.folder / "store.db").write_bytes(b"this is not a database, but it is long enough" * 100)
    worker = yard.start(ready=False)
    assert worker.ends() == 1
    assert "Traceback" not in worker.text
    assert (yard.folder / "store.db").read_bytes().startswith(b"this is not")


def test_a_store_of_one_process_is_refused(yard: Yard) -> None:
    yard.store = "memory://"
    worker = yard.start(ready=False)
    assert worker.ends() == 1
    assert "several processes" in worker.text


def test_no_live_member_is_left_behind_by_an_orderly_end(yard: Yard) -> None:
    worker = yard.start()
    yard.ends(yard.send("mark", "a"))
    members = yard.app.engine.inspector.workers(now=yard.app.now())
    assert sorted(record.member.kind for record in members if record.alive) == ["child", "child", "worker"]
    worker.signal(signal.SIGTERM)
    assert worker.ends() == 0
    members = yard.app.engine.inspector.workers(now=yard.app.now())
    assert [record for record in members if record.alive] == []
