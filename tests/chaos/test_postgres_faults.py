"""Rows 16 to 18 of the matrix: what a PostgreSQL server, and others who use it, can do to those who rely on it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from ground import children_of, wait_for
from scene import Scene, pause
from sites import PostgresSite

TERMINATE = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'horarium'"


@pytest.fixture
def postgres() -> Iterator[PostgresSite]:
    site = PostgresSite("deadlock_timeout=200ms")
    yield site
    site.close()


@pytest.fixture
def scene(postgres: PostgresSite, tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(postgres, tmp_path)
    yield scene
    scene.close()


def test_row_16_connections_terminated_twice_a_second_lose_nothing(postgres: PostgresSite, scene: Scene) -> None:
    scene.play(beats=2)
    ended = 0
    with scene.recovery("the last termination", fires=True):
        for _ in range(8):
            ended += int(str(postgres.tell(TERMINATE)[0][0]))
            pause(0.5)
    assert ended > 30, "not exercised"
    scene.reckon("16 all connections terminated every 0.5 s", terminated=ended)


@pytest.mark.parametrize("how", ["immediate", "kill -9"])
def test_row_17_a_server_that_is_stopped_at_once_and_started_again_has_lost_nothing(
    postgres: PostgresSite, scene: Scene, how: str
) -> None:
    scene.play()
    for turn in range(2):
        wait_for(scene.in_flight, "work in flight")
        with scene.recovery(f"{how} {turn + 1}", fires=turn == 1), scene.crash():
            postgres.server.kill() if how == "kill -9" else postgres.server.stop(how)
            pause(1.0)
            postgres.server.start()
    assert scene.troubles() > 0, "not exercised"
    scene.reckon(f"17 {how} and start")


def test_row_17_a_server_that_stands_still_for_ten_seconds_is_waited_for(postgres: PostgresSite, scene: Scene) -> None:
    scene.play()
    process = postgres.server.process
    assert process is not None
    wait_for(scene.in_flight, "work in flight")
    with scene.recovery("SIGSTOP for 10 s", within=10.0, fires=True):
        pids = [process.pid, *children_of(process.pid)]
        for number, seconds in ((signal.SIGSTOP, 10.0), (signal.SIGCONT, 0.0)):
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
            pause(seconds)
    assert scene.failed_calls() > 0, "expected calls to fail within their timeout while the server stands still"
    assert scene.troubles() > 0, "not exercised"
    scene.reckon("17 SIGSTOP of the whole server for 10 s")


@contextmanager
def foreign_transaction(postgres: PostgresSite, *statements: str) -> Iterator[None]:
    """Another program, that has a transaction open on our tables."""
    import psycopg

    with psycopg.connect(postgres.url, connect_timeout=5) as connection:
        while True:
            try:
                for statement in statements:
                    connection.execute(statement)  # type: ignore[call-overload]
                break
            except psycopg.errors.DeadlockDetected:  # with one of ours; the server chose to end this one
                connection.rollback()
        yield
        connection.rollback()


def test_row_18_foreign_locks_delay_everybody_and_end_nobody(postgres: PostgresSite, scene: Scene) -> None:
    """One is shorter than the patience of a call, one is longer, one is a snapshot that stays open, and some deadlock
    with whoever comes along."""
    scene.play()
    tables = [str(name) for (name,) in postgres.tell("SELECT tablename FROM pg_tables WHERE schemaname = 'horarium'")]
    everything = "LOCK TABLE " + ", ".join(f"horarium.{name}" for name in tables) + " IN ACCESS EXCLUSIVE MODE"
    for seconds in (2.0, 6.0):
        with scene.recovery(f"a lock of {seconds:g} s", fires=True), foreign_transaction(postgres, everything):
            pause(seconds)
    assert scene.troubles() > 0, "not exercised"
    snapshot = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SELECT count(*) FROM horarium.messages"
    with foreign_transaction(postgres, *snapshot):
        before = len(scene.ground.events())
        wait_for(lambda: len(scene.ground.events()) > before + 60, "work goes on beside an old snapshot", 15)
    with scene.recovery("deadlocks"):
        deadlock(postgres, tables)
    scene.reckon("18 foreign locks, an old snapshot, deadlocks")


def deadlock(postgres: PostgresSite, tables: list[str]) -> None:
    """Take our tables' locks in both orders at once, again and again: the server breaks the ties, at our cost too."""

    def take(order: list[str]) -> None:
        import psycopg

        with psycopg.connect(postgres.url, autocommit=True, connect_timeout=5) as connection:
            for _ in range(8):
                with suppress(psycopg.Error), connection.transaction():
                    for name in order:
                        connection.execute(f"LOCK TABLE horarium.{name} IN SHARE ROW EXCLUSIVE MODE")  # type: ignore[call-overload]

    threads = [threading.Thread(target=take, args=(order,)) for order in (tables, tables[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
