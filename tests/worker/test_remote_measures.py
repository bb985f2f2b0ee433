"""What workers do when they are told to, and what becomes of commands that nobody can carry out."""

from __future__ import annotations

import signal
from typing import Any

import msgspec
import pytest
from msgspec import Raw
from yard import Yard, wait_for

from horarium.command import Command
from horarium.engines.records import Note
from horarium.message import new_id

NODE = "w1@host"


def tell(yard: Yard, measure: str, *args: Any, **options: Any) -> Any:
    [reply] = getattr(yard.app.control, measure)(*args, reply=True, timeout=10.0, **options)
    return reply[NODE]


def stats(yard: Yard) -> Any:
    return yard.app.control.inspect([NODE], timeout=10.0).stats()[NODE]


def test_a_pool_of_processes_grows_and_shrinks_while_it_works_row_117(yard: Yard) -> None:
    worker = yard.start(name=NODE, concurrency=1)
    yard.send("nap", "first", 3.0)
    yard.sees("start", "first")
    second = yard.send("nap", "second", 0.5)
    assert tell(yard, "pool_grow", 2) == {"ok": "pool will grow"}
    wait_for(lambda: len(worker.children()) == 3, "three children")
    yard.ends(second)
    assert tell(yard, "pool_shrink", 2) == {"ok": "pool will shrink"}
    wait_for(lambda: len(worker.children()) == 1, "one child")
    assert stats(yard)["pool"]["max-concurrency"] == 1
    yard.ends(yard.send("add", 1, 2))
    assert yard.saw("end", "first")  # a child that ran something was not taken


@pytest.mark.parametrize("pool", ["thread", "async"])
def test_a_pool_of_slots_grows_and_shrinks(yard: Yard, pool: str) -> None:
    task = "anap" if pool == "async" else "nap"
    yard.start(name=NODE, concurrency=1, pool=pool)
    first = yard.send(task, "first", 3.0)
    yard.sees("start", "first")
    second = yard.send(task, "second", 0.2)
    tell(yard, "pool_grow", 2)
    yard.ends(second)
    assert not yard.saw("end", "first") and stats(yard)["pool"]["max-concurrency"] == 3
    tell(yard, "pool_shrink", 2)
    yard.ends(first)
    together = [yard.send(task, f"after-{number}", 0.3) for number in range(3)]
    yard.ends(*together)
    lines = [line[0] for line in yard.saw() if line[1].startswith("after-")]
    assert lines == ["start", "end"] * 3  # one at a time again


def test_a_pool_is_restarted_without_losing_what_runs(yard: Yard) -> None:
    worker = yard.start(name=NODE, concurrency=2)
    before = set(worker.children())
    running = yard.send("nap", "through", 1.0)
    yard.sees("start", "through")
    assert tell(yard, "pool_restart") == {"ok": "reload started"}
    [run] = yard.ends(running)
    assert (run.state, len(run.attempts)) == ("SUCCESS", 1)
    wait_for(lambda: len(now := set(worker.children())) == 2 and not now & before, "two fresh children")


def test_queues_are_added_and_cancelled(yard: Yard) -> None:
    yard.start(name=NODE)
    other = yard.send("add", 1, 2, queue="other")
    assert tell(yard, "add_consumer", "other") == {"ok": "add consumer other"}
    yard.ends(other)
    assert [queue["name"] for queue in yard.app.control.inspect(timeout=10.0).active_queues()[NODE]] == [
        "default",
        "other",
    ]
    assert tell(yard, "cancel_consumer", "default") == {"ok": "no longer consuming from default"}
    assert tell(yard, "cancel_consumer", "other") == {"ok": "no longer consuming from other"}
    waiting = [yard.send("add", 1, 2, queue=queue) for queue in ("default", "other")]
    assert tell(yard, "pool_restart") == {"ok": "reload started"}  # those born later read none either
    tell(yard, "add_consumer", "third")
    yard.ends(yard.send("add", 1, 2, queue="third"))
    assert [yard.run(id).state for id in waiting] == ["PENDING", "PENDING"]
    tell(yard, "add_consumer", "default")
    yard.ends(waiting[0])


@pytest.mark.parametrize("pool", ["process", "thread", "async"])
def test_time_limits_are_changed_while_the_worker_runs(yard: Yard, pool: str) -> None:
    """TL1: on every pool."""
    yard.start(name=NODE, pool=pool)
    task = "anap" if pool == "async" else "nap"

    def end() -> str:
        [run] = yard.ends(yard.send(task, "long", 1.0))
        return run.error.class_path.rpartition(".")[2] if run.error is not None else run.state

    assert end() == "SUCCESS"
    assert tell(yard, "time_limit", task, None, 0.3) == {"ok": "time limits set successfully"}
    wait_for(lambda: end() == "TimeLimitExceeded", "the new limit holds")  # each child learns of it by itself
    assert tell(yard, "time_limit", task, None, None) == {"ok": "time limits set successfully"}
    wait_for(lambda: end() == "SUCCESS", "there is no limit any more")


def test_a_rate_limit_holds_for_the_fleet(yard: Yard) -> None:
    yard.start(name=NODE)
    assert tell(yard, "rate_limit", "add", "7/m") == {"ok": "new rate limit set successfully"}
    [switch] = yard.app.engine.notes.read("switch:rate:add", now=yard.app.engine.now())
    assert msgspec.json.decode(switch.text)["rate"] == "7/m"
    assert tell(yard, "rate_limit", "add", 0) == {"ok": "rate limit disabled successfully"}


def test_terminate_names_a_run_and_not_a_process(yard: Yard) -> None:
    """RV3."""
    worker = yard.start(name=NODE, concurrency=2)
    victim, bystander = yard.send("nap", "victim", 30.0), yard.send("nap", "bystander", 1.0)
    yard.sees("start", "bystander")
    yard.sees("start", "victim")
    assert tell(yard, "terminate", victim) == {"ok": f"terminate: {victim}"}
    assert [run.state for run in yard.ends(victim, bystander)] == ["REVOKED", "SUCCESS"]
    wait_for(lambda: len(worker.children()) == 2, "two children")


def test_another_signal_reaches_the_process_before_its_end(yard: Yard) -> None:
    worker = yard.start(name=NODE, concurrency=1)
    victim = yard.send("nap", "victim", 30.0)
    yard.sees("start", "victim")
    assert tell(yard, "terminate", victim, signal="USR1") == {"ok": f"terminate: {victim}"}
    worker.says("most recent call first")  # what a child does at USR1: it shows its stacks
    assert yard.ends(victim)[0].state == "REVOKED"


def test_a_revocation_holds_for_workers_that_start_later(yard: Yard) -> None:
    """RV1, RV2: the state is recorded in the same step, and no worker needs to be there."""
    id = yard.send("mark", "never")
    assert yard.app.control.revoke(id) == [id]
    assert yard.run(id).state == "REVOKED"
    assert yard.app.control.inspect(timeout=0.2).revoked() == {"store": [id]}
    yard.start(name=NODE)
    yard.ends(yard.send("mark", "after"))
    assert not yard.saw("mark", "never")


def test_the_store_tells_what_waits_where_nobody_lives(yard: Yard) -> None:
    """MO4: what is queued can be seen without a worker."""
    id = yard.send("add", 1, 2, countdown=1000)
    inspect = yard.app.control.inspect(timeout=0.2)
    assert [told["request"]["id"] for told in inspect.scheduled()["store"]] == [id]
    assert inspect.query_task(id)["store"][id][0] == "scheduled"
    assert inspect.reserved() == {"store": []}
    assert inspect.ping() is None and inspect.active() is None


def test_each_waiting_message_is_told_of_by_one_worker(yard: Yard) -> None:
    for name in ("w1@host", "w2@host"):
        yard.start(name=name, concurrency=1)
    ids = {yard.send("add", 1, 2, countdown=1000) for _ in range(20)}
    told = [
        info["request"]["id"] for each in yard.app.control.inspect(timeout=10.0).scheduled().values() for info in each
    ]
    assert len(told) == 20 and set(told) == ids


def test_a_frozen_worker_costs_the_timeout_and_hides_nobody(yard: Yard) -> None:
    """MO5: those who live answer; for the silent one the store tells what it knows."""
    frozen, _ = (yard.start(name=name, concurrency=1) for name in ("frozen@host", NODE))
    held = yard.send("add", 1, 2, countdown=1000)
    frozen.signal(signal.SIGSTOP)
    inspect = yard.app.control.inspect(timeout=1.0)
    assert set(inspect.ping()) == {NODE}
    assert set(told := inspect.scheduled()) == {NODE, "frozen@host"}
    assert [info["request"]["id"] for each in told.values() for info in each] == [held]
    assert yard.app.control.inspect(["frozen@host"], timeout=0.5).ping() is None
    yard.app.control.broadcast("pool_grow", {"n": 1}, ["frozen@host"], reply=True, timeout=0.3)
    frozen.signal(signal.SIGCONT)
    assert (
        yard.app.control.inspect(["frozen@host"], timeout=10.0).stats()["frozen@host"]["pool"]["max-concurrency"] == 1
    )


def test_a_killed_worker_does_not_answer(yard: Yard) -> None:
    worker = yard.start(name=NODE, concurrency=1)
    worker.signal(signal.SIGKILL)
    worker.ends()
    assert yard.app.control.inspect(timeout=0.5).ping() is None


def test_a_command_older_than_the_worker_changes_nothing_in_it(yard: Yard) -> None:
    engine = yard.app.engine
    now = engine.now()
    command = Command(id=new_id(now), name="shutdown", issued=now, expires=now + 60_000)
    engine.notes.post([Note(key=command.key, text=Raw(msgspec.json.encode(command)), expires=command.expires)], now=now)
    worker = yard.start(name=NODE, concurrency=1)
    assert yard.app.control.ping(timeout=10.0) == [{NODE: {"ok": "pong"}}]
    yard.ends(yard.send("add", 1, 2))
    assert "stopping" not in worker.text


def test_a_worker_that_starts_answers_a_question_that_waits_for_it(yard: Yard) -> None:
    worker = yard.start(name=NODE, concurrency=1, ready=False)
    assert yard.app.control.ping(timeout=20.0) == [{NODE: {"ok": "pong"}}]
    worker.says("ready.")


def test_shutdown_is_answered_and_lets_what_runs_finish(yard: Yard) -> None:
    worker = yard.start(name=NODE, concurrency=1)
    id = yard.send("nap", "last", 1.0)
    yard.sees("start", "last")
    assert tell(yard, "shutdown", destination=[NODE]) == {"ok": "shutting down"}
    assert yard.app.control.ping(timeout=5.0)  # it answers while it drains
    assert worker.ends() == 0
    assert yard.run(id).state == "SUCCESS"
    assert yard.app.control.inspect(timeout=0.2).ping() is None


def test_workers_of_one_name_both_answer(yard: Yard) -> None:
    workers = [yard.start(name=NODE, concurrency=1) for _ in range(2)]
    answers = yard.app.control.inspect(timeout=10.0).ping()
    assert len(answers) == 2 and NODE in answers
    one = workers[0].pid
    assert yard.app.control.inspect([f"{NODE}#{one}"], timeout=10.0).stats()[NODE]["pid"] == one


def test_a_worker_without_remote_control_does_not_answer(yard: Yard) -> None:
    yard.start(name=NODE, concurrency=1, remote_control=False)
    assert yard.app.control.ping(timeout=0.5) == []
    yard.ends(yard.send("add", 1, 2))


def test_autoscaling_follows_what_is_ready_in_the_store(yard: Yard) -> None:
    """PF2: not what workers have taken."""
    worker = yard.start(name=NODE, autoscale=(4, 1), autoscale_every=0.2, autoscale_keep=1.0, concurrency=None)
    assert len(worker.children()) == 1
    ids = [yard.send("nap", f"work-{number}", 2.0) for number in range(8)]
    wait_for(lambda: len(worker.children()) == 4, "four children")
    assert stats(yard)["autoscaler"]["current"] == 4
    assert tell(yard, "pool_grow", 1) == {
        "error": "pool_grow is not supported with autoscale. Adjust autoscale range instead."
    }
    yard.ends(*ids)
    wait_for(lambda: len(worker.children()) == 1, "one child")
    assert tell(yard, "autoscale", 3, 2) == {"ok": "autoscale now max=3 min=2"}
    wait_for(lambda: len(worker.children()) == 2, "two children")


def test_a_worker_that_knew_no_bounds_can_be_given_some(yard: Yard) -> None:
    worker = yard.start(name=NODE, concurrency=1, autoscale_every=0.2)
    assert tell(yard, "autoscale", 3, 2) == {"ok": "autoscale now max=3 min=2"}
    wait_for(lambda: len(worker.children()) == 2, "two children")


def test_all_children_are_gone_at_the_end_after_growing(yard: Yard) -> None:
    worker = yard.start(name=NODE, concurrency=1)
    tell(yard, "pool_grow", 3)
    wait_for(lambda: len(worker.children()) == 4, "four children")
    worker.signal(signal.SIGTERM)
    assert worker.ends() == 0
    engine = yard.app.engine
    assert not [record for record in engine.inspector.workers(now=engine.now()) if record.alive]
