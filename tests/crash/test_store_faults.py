"""The store's file goes wrong under running processes: what was accepted is done in the end, and whoever cannot go on
says so in one line."""

from __future__ import annotations

import os
import resource
import signal
import time
from contextlib import suppress

import apsw
import pytest
from ground import HERE, Ground, Program, wait_for
from history import complaints

from horarium.outcome import State

FULL = 65_536  # bytes that no file may grow beyond: less than the store has, more than the witness needs


def limit_files(ground: Ground, size: int) -> None:
    """Let no file of the ground's processes grow beyond a size, as on a full disk."""
    for pid in ground.left_over():
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def errors_in(program: Program) -> list[str]:
    """The lines of a log that tell of trouble."""
    return [line for line in program.text.splitlines() if any(word in line for word in ("ERROR", "CRITICAL", "error:"))]


def settle_accounts(ground: Ground) -> None:
    """Wait until all is done, stop, and count."""
    wait_for(ground.is_quiet, lambda: f"quiet:\n{ground.logs()}", 120)
    assert set(ground.stop().values()) == {0}
    wait_for(ground.owners_are_gone, "no owner is left")
    assert complaints(ground.history()) == []
    ground.check_file()


@pytest.mark.timeout(240)
def test_a_full_disk_delays_tasks_and_loses_none(ground: Ground) -> None:
    worker = ground.worker("-B")
    producers = [ground.producer(f"p{n}", n) for n in range(2)]
    wal = ground.store.with_name("store.db-wal")
    wait_for(lambda: wal.stat().st_size > 2 * FULL and len(ground.events()) > 20, "the store has grown")
    limit_files(ground, FULL)
    try:
        worker.says("trying again")
        wait_for(lambda: "failed" in ground.calls.read_text(), "a call has failed for want of room", 20)
        time.sleep(5)  # longer than a lease and a sweep
        assert worker.is_running
    finally:
        limit_files(ground, resource.RLIM_INFINITY)
    done = len(ground.events())
    wait_for(lambda: len(ground.events()) > done + 50, lambda: f"work goes on:\n{ground.logs()}", 20)
    for producer in producers:
        producer.signal(signal.SIGTERM)
        assert producer.ends() == 0
    assert "Traceback" not in worker.text
    assert len(worker.text.split("trying again")) < 20
    settle_accounts(ground)


@pytest.mark.parametrize("runner", ["worker", "worker -B", "beat"])
def test_whoever_finds_the_store_moved_away_says_so_and_ends(ground: Ground, runner: str) -> None:
    ground.environment["CRASH_SCHEDULES"] = "tick" if runner == "beat" else ""
    program = ground.beat() if runner == "beat" else ground.worker(*runner.split()[1:])
    ids = [ground.send("nap", f"t{n}", 1.5) for n in range(4)]
    program.says("Sending due task") if runner == "beat" else ground.sees(ids[0])
    away = ground.store.with_name("away.db")
    ground.store.rename(away)
    assert program.ends(20) == 1
    assert not ground.store.exists()
    assert "Traceback" not in program.text
    # The supervisor, its children and the scheduler look at different moments; each of them may be the one to find it.
    told = ["moved or deleted" in line for line in errors_in(program) if "ended unexpectedly: exit code 1" not in line]
    assert 1 <= len(told) <= (4 if "worker" in runner else 1) and all(told), program.text
    away.rename(ground.store)
    ground.worker()
    runs = ground.ends(*ids)
    assert {run.state for run in runs} == {State.SUCCESS}
    settle_accounts(ground)


def test_children_that_may_not_write_the_store_say_so_and_work_goes_on_when_they_may(ground: Ground) -> None:
    ground.send("short", "first")
    command = ["-m", "horarium", "-A", "victims", "worker", "-l", "info", "-c", "1", "--lease", "2", "--sweep", "1"]
    worker = ground.start("worker", str(HERE / "powerless.py"), *command)
    worker.says("ready.")
    id = ground.send("nap", "t", 0.5)
    ground.sees(id)
    plain = [path for path in ground.folder.glob("store.db*") if path.is_file()]
    try:
        for path in plain:
            path.chmod(0o444)
        for child in worker.children():
            os.kill(child, signal.SIGKILL)
        worker.says("writable")
        time.sleep(3)  # several tries
        assert "Traceback" not in worker.text
        assert len(errors_in(worker)) < 10, worker.text
    finally:
        for path in plain:
            path.chmod(0o644)
    if not worker.is_running:
        assert worker.ends() == 1
        ground.worker()
    (run,) = ground.ends(id)
    assert run.state == State.SUCCESS
    settle_accounts(ground)


def test_a_program_that_holds_the_write_lock_delays_everybody_and_ends_nobody(ground: Ground) -> None:
    worker = ground.worker("-B")
    ids = [ground.send("nap", f"t{n}", 0.3) for n in range(12)]
    ground.sees(ids[0])
    holder = apsw.Connection(str(ground.store))
    holder.set_busy_timeout(5000)
    try:
        holder.execute("BEGIN IMMEDIATE")
        worker.says("in use by another writer", timeout=20)
        time.sleep(2)  # a lease more
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    ground.ends(*ids)
    assert worker.is_running
    assert "Traceback" not in worker.text
    settle_accounts(ground)


def test_a_damaged_store_ends_the_worker_with_one_line(ground: Ground) -> None:
    worker = ground.worker()
    ground.ends(ground.send("short", "first"))
    worker.signal(signal.SIGTERM)
    assert worker.ends() == 0
    ground.app.close()
    with ground.store.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 30_000)
    again = ground.worker(ready=False)
    assert again.ends(20) == 1
    assert "Traceback" not in again.text
    assert len(errors_in(again)) == 1, again.text
