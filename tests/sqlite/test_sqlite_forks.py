"""Forks: no connection crosses one, and both sides go on."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlite_words import put_one

from horarium.engines.sqlite import SqliteEngine


def in_child(work: Callable[[], object]) -> int:
    """Fork, do something in the child, and return its exit code: 0 if nothing was raised."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def open_files() -> int:
    place = Path("/proc/self/fd")
    return len(list(place.iterdir())) if place.exists() else 0


def locks_of(pid: int) -> int:
    return sum(f" {pid} " in line for line in Path("/proc/locks").read_text().splitlines())


def test_both_sides_of_a_fork_go_on(engine: SqliteEngine) -> None:
    put_one(engine)
    for _ in range(3):
        assert in_child(lambda: put_one(engine)) == 0
        put_one(engine)
    assert engine.inspector.counts().states == {"PENDING": 7}
    engine.check()


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="needs Linux")
def test_a_forked_child_holds_locks_that_the_kernel_knows_of(engine: SqliteEngine) -> None:
    put_one(engine)

    def work() -> None:
        assert engine.results.read(["x"]) == [None]
        assert locks_of(os.getpid()) > 0

    assert in_child(work) == 0


def test_a_fork_waits_for_the_transaction_of_another_thread(engine: SqliteEngine) -> None:
    started, over = threading.Event(), threading.Event()

    def write() -> None:
        with engine._store.write() as db:
            started.set()
            over.wait(0.2)
            db.execute("UPDATE counters SET value = value")

    thread = threading.Thread(target=write)
    thread.start()
    started.wait(10)
    assert in_child(lambda: put_one(engine)) == 0
    over.set()
    thread.join()
    put_one(engine)
    assert engine.inspector.counts().states == {"PENDING": 2}


def test_a_child_forked_inside_a_transaction_does_not_close_it(engine: SqliteEngine) -> None:
    put_one(engine)
    with engine._store.write() as db:
        db.execute("UPDATE counters SET value = 1000")
        assert in_child(lambda: engine._store.session().connection.in_transaction and 1 / 0) == 0
    with engine._store.read() as db:
        assert db.execute("SELECT value FROM counters").get == 1000


def test_a_child_that_ends_in_the_ordinary_way_harms_nobody(
    path: Path, script: Callable[..., subprocess.Popen[str]]
) -> None:
    text = """
engine = SqliteEngine(sys.argv[1])
put_one(engine)
pid = os.fork()
put_one(engine)
if pid == 0: sys.exit(0)  # destructors and all
os.waitpid(pid, 0)
put_one(engine)
print(engine.inspector.counts().states, flush=True)
"""
    said, _ = script(text, path).communicate(timeout=60)
    assert said == "{'PENDING': 4}\n"


def test_threads_share_an_engine(engine: SqliteEngine) -> None:
    threads = [threading.Thread(target=lambda: [put_one(engine) for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert engine.inspector.counts().states == {"PENDING": 80}


def test_closing_twice_is_fine_and_a_later_use_opens_anew(engine: SqliteEngine) -> None:
    put_one(engine)
    engine.close()
    engine.close()
    put_one(engine)


def test_a_thread_that_ends_leaves_no_connection_open(engine: SqliteEngine) -> None:
    engine.check()
    before = open_files()
    for _ in range(10):
        thread = threading.Thread(target=put_one, args=[engine])
        thread.start()
        thread.join()
    assert open_files() <= before + 1  # SQLite keeps one for the next connection
