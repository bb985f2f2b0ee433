"""Forks and threads: no connection crosses a fork, and both sides go on."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from postgres_words import put_one

from horarium.engines.postgres import PostgresEngine


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


def test_both_sides_of_a_fork_go_on(engine: PostgresEngine) -> None:
    put_one(engine)
    for _ in range(3):
        assert in_child(lambda: put_one(engine)) == 0
        put_one(engine)
    assert engine.inspector.counts().states == {"PENDING": 7}


def test_the_parent_keeps_its_session_when_a_child_ends(engine: PostgresEngine) -> None:
    def session() -> int:
        return engine._store.carry_out(lambda db, again: db.connection.info.backend_pid)

    before = session()
    assert in_child(lambda: put_one(engine)) == 0
    assert session() == before


def test_a_child_holds_no_descriptor_of_the_parents_session(engine: PostgresEngine) -> None:
    put_one(engine)
    fd = engine._store.carry_out(lambda db, again: db.connection.fileno())
    parents = Path(f"/proc/self/fd/{fd}").readlink()

    def work() -> None:
        mine = Path(f"/proc/self/fd/{fd}")
        assert not mine.exists() or mine.readlink() != parents

    assert in_child(work) == 0


def test_a_child_forked_inside_a_transaction_does_not_end_it(engine: PostgresEngine) -> None:
    put_one(engine)

    def work(db: object, again: bool) -> None:
        connection = db.connection  # type: ignore[attr-defined]
        with connection.transaction():
            connection.execute("CREATE TEMPORARY TABLE mark (x integer) ON COMMIT DROP")
            assert in_child(lambda: put_one(engine)) == 0
            connection.execute("INSERT INTO mark VALUES (1)")

    engine._store.carry_out(work)
    assert engine.inspector.counts().states == {"PENDING": 2}


def test_a_child_listens_anew(engine: PostgresEngine) -> None:
    listener = engine.notifier.listen(["queue:default"])

    def work() -> None:
        mine = engine.notifier.listen(["queue:default"])
        put_one(engine)
        assert mine.wait(20.0)

    assert in_child(work) == 0
    assert listener.wait(20.0)
    listener.close()


def test_a_child_that_ends_in_the_ordinary_way_harms_nobody(
    url: str, script: Callable[..., subprocess.Popen[str]]
) -> None:
    text = """
engine = PostgresEngine(sys.argv[1])
listener = engine.notifier.listen(["queue:default"])
put_one(engine)
pid = os.fork()
put_one(engine)
if pid == 0: sys.exit(0)  # destructors and all
assert os.waitpid(pid, 0)[1] == 0
put_one(engine)
print(engine.inspector.counts().states, listener.wait(20), flush=True)
"""
    said, _ = script(text, url).communicate(timeout=60)
    assert said == "{'PENDING': 4} True\n"


def test_threads_share_an_engine(engine: PostgresEngine) -> None:
    threads = [threading.Thread(target=lambda: [put_one(engine) for _ in range(20)]) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert engine.inspector.counts().states == {"PENDING": 240}


@pytest.mark.parametrize("times", [1, 2])
def test_a_later_use_of_a_closed_engine_opens_anew(engine: PostgresEngine, times: int) -> None:
    put_one(engine)
    for _ in range(times):
        engine.close()
    put_one(engine)
    assert engine.notifier.listen([]) is not None
