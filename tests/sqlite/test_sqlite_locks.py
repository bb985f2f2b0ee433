"""Waiting for the write lock: bounded, typed, fair enough."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest
from sqlite_words import claim, put_one

from horarium.engines.sqlite import SqliteEngine, connection
from horarium.errors import EngineUnavailable


@pytest.fixture
def intruder(path: Path, engine: SqliteEngine) -> Iterator[apsw.Connection]:
    """Another program with a connection to the store."""
    engine.check()
    other = apsw.Connection(str(path))
    yield other
    other.close()


def test_a_lock_held_too_long_is_a_typed_error_and_nothing_is_stored(
    engine: SqliteEngine, intruder: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "PATIENCE", 0.2)
    impatient = SqliteEngine(engine._path)
    intruder.execute("BEGIN IMMEDIATE")
    with pytest.raises(EngineUnavailable, match="another writer"):
        put_one(impatient)
    intruder.execute("ROLLBACK")
    put_one(impatient)
    assert engine.inspector.counts().states == {"PENDING": 1}
    impatient.close()


def test_a_lock_held_for_a_while_is_waited_for(engine: SqliteEngine, intruder: apsw.Connection) -> None:
    intruder.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.3, intruder.execute, ["ROLLBACK"])
    release.start()
    put_one(engine)
    release.join()


def test_an_idle_claim_does_not_ask_for_the_write_lock(engine: SqliteEngine, intruder: apsw.Connection) -> None:
    claim(engine)
    put_one(engine, eta=engine.now() + 60_000)
    intruder.execute("BEGIN IMMEDIATE")
    assert engine.queue.claim(["default"], "o", 10, now=engine.now()) == []
    intruder.execute("ROLLBACK")


def test_ten_writers_all_get_their_turn(path: Path, script: Callable[..., subprocess.Popen[str]]) -> None:
    text = """
engine = SqliteEngine(sys.argv[1], "relaxed")
for _ in range(100): put_one(engine)
engine.close()
"""
    SqliteEngine(path).check()
    processes = [script(text, path) for _ in range(10)]
    assert [process.wait(60) for process in processes] == [0] * 10
    assert SqliteEngine(path).inspector.counts().states == {"PENDING": 1000}


def test_an_exception_inside_a_transaction_undoes_it(engine: SqliteEngine) -> None:
    engine.check()
    with pytest.raises(KeyboardInterrupt), engine._store.write() as db:
        db.execute("DELETE FROM counters")
        raise KeyboardInterrupt
    put_one(engine)


def test_a_transaction_left_open_by_an_asynchronous_exception_is_undone(engine: SqliteEngine) -> None:
    engine.check()
    engine._store.session().connection.execute("BEGIN IMMEDIATE")
    engine._store.session().connection.execute("DELETE FROM counters")
    put_one(engine)


def test_a_reader_that_stays_does_not_let_the_wal_grow_after_it_has_gone(
    engine: SqliteEngine, intruder: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "CHECKPOINT_FRAMES", 50)
    monkeypatch.setattr(connection, "RESTART_FRAMES", 200)
    monkeypatch.setattr(connection, "JOURNAL_SIZE_LIMIT", 100 * 4096)
    engine.close()  # the limits are those of new connections
    wal = engine._path.with_name(f"{engine._path.name}-wal")
    put_one(engine)
    intruder.execute("BEGIN")
    intruder.execute("SELECT count(*) FROM runs").fetchall()
    for _ in range(100):
        put_one(engine)
    assert wal.stat().st_size > 250 * 4096, "the reader did not pin anything"
    intruder.execute("ROLLBACK")
    for _ in range(20):
        put_one(engine)
    assert wal.stat().st_size < 250 * 4096


def test_the_wal_stays_bounded_under_load_by_several_processes(
    path: Path, script: Callable[..., subprocess.Popen[str]]
) -> None:
    text = """
from horarium.engines.sqlite import connection
connection.CHECKPOINT_FRAMES, connection.RESTART_FRAMES = 100, 400
engine = SqliteEngine(sys.argv[1], "relaxed")
largest = 0
for _ in range(300):
    put_one(engine)
    succeed(engine, claim(engine, str(os.getpid()), 1))
    largest = max(largest, os.stat(sys.argv[1] + "-wal").st_size)
print(largest // 4096)
"""
    SqliteEngine(path).check()
    processes = [script(text, path) for _ in range(3)]
    frames = [int(process.communicate(timeout=90)[0]) for process in processes]
    # Some 20,000 frames are written in all. The others go on while the one that checkpoints is not given the CPU.
    assert 100 <= max(frames) < 6_000, frames
