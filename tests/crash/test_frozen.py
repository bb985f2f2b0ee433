"""Processes that stand still and go on: what they held belongs to others by then, and they must not touch it."""

from __future__ import annotations

import os
import signal
import time

import apsw
from ground import Ground, Program, is_alive, wait_for
from history import History, broken_off, complaints

from horarium.engines.records import Page, RunFilter
from horarium.outcome import State

LEASE = 2.0


def freeze(pids: list[int]) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)


def thaw(pids: list[int]) -> None:
    for pid in pids:
        if is_alive(pid):
            os.kill(pid, signal.SIGCONT)


def held(ground: Ground) -> list[str]:
    found = ground.app.engine.inspector.find(RunFilter(), Page(limit=1000)).held
    return [each.message.id for each in found if each.owner is not None]


def is_free(ground: Ground) -> bool:
    """Whether nobody holds the store's write lock. A process that is frozen with it holds up everybody: that is
    SQLite's nature, and another test's subject."""
    connection = apsw.Connection(str(ground.store))
    try:
        connection.execute("BEGIN IMMEDIATE; ROLLBACK")
    except apsw.BusyError:
        return False
    finally:
        connection.close()
    return True


def frozen_with_a_line(ground: Ground, worker: Program) -> list[str]:
    """Freeze a worker while one of its deliveries runs and others stand in line behind it; return those in line."""
    tree = worker.tree()

    def caught() -> list[str] | None:
        time.sleep(0.2)  # let it run: it must not lose its lease by being looked at
        freeze(tree)
        events = ground.events()
        started = {event.id for event in events if event.kind == "start"}
        line = [id for id in held(ground) if id not in started]
        # One runs. Between the last look at the lease and a task's first line no program can tell that it slept there.
        if len(line) >= 2 and len(broken_off(History(events=events))) == 1 and is_free(ground):
            return line
        thaw(tree)
        return None

    line: list[str] = wait_for(caught, "a line of deliveries")
    return line


def test_what_stood_in_line_in_a_frozen_worker_is_not_started_when_it_thaws(ground: Ground) -> None:
    """Whoever thaws first matters: here it is the child, before those who would end it."""
    frozen = ground.worker("-n", "frozen", "-c", "1")
    tree = frozen.tree()
    ids = ground.send_many("brief", [f"t{n}" for n in range(3000)])
    ground.sees(ids[60])
    line = frozen_with_a_line(ground, frozen)
    other = ground.worker("-n", "other")
    ground.ends(*ids)
    count = len(ground.events())
    thaw(tree[2:])
    time.sleep(0.5)  # how long the child is on its own: enough for a hundred of these tasks
    thaw(tree)
    other.signal(signal.SIGTERM)
    assert other.ends() == 0
    ground.ends(ground.send("short", "by-the-thawed-one"))
    assert len(line) >= 2 and {event.id for event in ground.events()[count:] if event.kind == "start"}.isdisjoint(line)
    ground.stop()
    wait_for(ground.owners_are_gone, "no owner is left")
    assert complaints(ground.history()) == []


def test_what_ran_in_a_frozen_worker_is_refused_when_it_thaws_and_the_run_ends_once(ground: Ground) -> None:
    """The child thaws first, and comes to an answer while somebody else works on it; then its supervisor tries to
    record what the child has left."""
    frozen = ground.worker("-n", "frozen", "-c", "1")
    id = ground.send("nap", "t", 1.5)
    first = ground.sees(id)
    tree = frozen.tree()
    freeze(tree)
    other = ground.worker("-n", "other")
    second = ground.sees(id, times=2)
    thaw(tree[2:])
    assert ground.sees(id, "end").fence == 1, "the machine was too slow for the test to mean anything"
    thaw(tree)
    (run,) = ground.ends(id)
    other.signal(signal.SIGTERM)
    other.ends()
    ground.ends(ground.send("short", "by-the-thawed-one"))
    (again,) = ground.ends(id)
    assert again == run
    assert run.state == State.SUCCESS
    assert [attempt.outcome for attempt in run.attempts] == ["crashed", "succeeded"]
    assert (first.fence, second.fence) == (1, 2)
    assert run.result is not None and bytes(run.result) == b"[2]"
    assert set(ground.stop().values()) == {0}
    wait_for(ground.owners_are_gone, "no owner is left")
    assert complaints(ground.history()) == []


def test_a_frozen_zygote_ends_its_worker_and_the_work_goes_on_elsewhere(ground: Ground) -> None:
    worker = ground.worker("-c", "1")
    id = ground.send("nap", "t", 600.0, task_id="long")
    ground.sees(id)
    tree = worker.tree()
    freeze(tree[1:2])
    assert worker.ends() == 70
    wait_for(lambda: not any(map(is_alive, tree)), "all of it has ended")
    assert "zygote" in worker.text
    ground.worker("-n", "other", "-c", "1")
    ground.sees(id, times=2)
    ground.app.control.revoke(id, terminate=True)
    (run,) = ground.ends(id)
    assert run.state == State.REVOKED
