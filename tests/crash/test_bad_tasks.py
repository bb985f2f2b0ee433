"""Tasks that behave badly suffer alone: their neighbours are not charged, and the worker stays what it was."""

from __future__ import annotations

import signal

import pytest
from ground import Ground, wait_for
from history import complaints

from horarium.outcome import State

BAD = {
    "flood": (8,),
    "segfault_in_thread": (),
    "recurse_in_c": (),
    "exit_quietly": (),
    "leave_grandchildren": (3,),
    "fan_out": (3,),
    "terminate_copies": (2,),
}
CRASHES = {"segfault_in_thread", "recurse_in_c", "exit_quietly"}


@pytest.mark.parametrize("task", BAD)
def test_only_the_bad_task_suffers(ground: Ground, task: str) -> None:
    worker = ground.worker()
    before = ground.send_many("short", [f"before{n}" for n in range(20)])
    bad = ground.send(task, "bad", *BAD[task])
    after = ground.send_many("short", [f"after{n}" for n in range(20)])
    (run, *neighbours) = ground.ends(bad, *before, *after)
    assert run.state == State.SUCCESS
    assert [attempt.outcome for attempt in run.attempts][:-1] == (["crashed"] if task in CRASHES else [])
    assert {tuple(attempt.outcome for attempt in each.attempts) for each in neighbours} == {("succeeded",)}
    assert sum(map(len, run.logs)) <= 70_000
    wait_for(ground.is_quiet, "what it has called is done")
    wait_for(lambda: len(worker.children()) == 2, "the worker is whole")
    worker.signal(signal.SIGTERM)
    assert worker.ends() == 0
    wait_for(lambda: not ground.left_over(), "what the task has started is gone")
    wait_for(ground.owners_are_gone, "no owner is left")
    assert complaints(ground.history()) == []
