"""A worker whose messages are in one store and whose results are in another."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import apsw
import psycopg
import pytest
from yard import Yard, wait_for

from horarium.engines.connect import connect
from servers import PostgresServer, RedisServer


@pytest.fixture(params=["sqlite+sqlite", "redis+sqlite", "redis+postgres"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Yard]:
    """A yard whose messages are in the first of the two, and its results in the second."""
    carrier, _, keeper = request.param.partition("+")
    with ExitStack() as servers:
        store = servers.enter_context(RedisServer()).url if carrier == "redis" else None
        results = f"sqlite:///{tmp_path}/results.db"
        if keeper == "postgres":
            results = servers.enter_context(PostgresServer()).url
        yard = Yard(tmp_path, store=store, results=results)
        yield yard
        yard.close()


@contextmanager
def taking_no_writes(results: str) -> Iterator[None]:
    """Let the store for results be read and not written to, for the length of a ``with`` block."""
    if results.startswith("sqlite"):
        blocker = apsw.Connection(results.removeprefix("sqlite:///"))
        blocker.execute("BEGIN IMMEDIATE")
        yield
        blocker.execute("ROLLBACK")
        blocker.close()
        return
    with psycopg.connect(results) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'horarium'").fetchall()
        for (table,) in tables:
            connection.execute(f"LOCK TABLE horarium.{table} IN EXCLUSIVE MODE")  # type: ignore[arg-type]
        yield


def test_every_result_is_in_the_store_for_results(stores: Yard) -> None:
    stores.start()
    ids = [stores.send("add", number, number) for number in range(50)]
    runs = stores.ends(*ids)
    assert [run.result and bytes(run.result) for run in runs] == [b"%d" % (2 * number) for number in range(50)]
    kept = connect(stores.results)
    assert all(run is not None and run.result for run in kept.results.read(ids))
    kept.close()
    carried = connect(stores.store)
    assert all(run is not None and run.result is None for run in carried.results.read(ids))
    carried.close()


def test_work_of_a_killed_child_is_done_again_and_recorded_once(stores: Yard) -> None:
    worker = stores.start()
    id = stores.send("nap", "a", 1.0)
    stores.sees("start", "a", 1)
    (line,) = stores.saw("start", "a", 1)
    os.kill(int(line[-1]), signal.SIGKILL)
    (run,) = stores.ends(id)
    assert [attempt.outcome for attempt in run.attempts] == ["crashed", "succeeded"]
    assert run.result is not None and bytes(run.result) == b'"a"'
    worker.signal(signal.SIGTERM)
    assert worker.ends() == 0


def test_ends_wait_for_the_store_for_results_and_none_is_lost(stores: Yard) -> None:
    worker = stores.start()
    stores.ends(stores.send("add", 1, 1))
    with taking_no_writes(stores.results):
        ids = [stores.send("mark", f"m{number}") for number in range(20)]
        for number in range(20):
            stores.sees("mark", f"m{number}")
        states = [run.state for run in stores.app.engine.results.read(ids) if run is not None]
        assert "SUCCESS" not in states
    runs = stores.ends(*ids)
    assert [len(run.attempts) for run in runs] == [1] * 20
    assert len(stores.saw("mark")) == 20
    worker.signal(signal.SIGTERM)
    assert worker.ends() == 0
    wait_for(lambda: not stores.app.engine.inspector.counts().queues, "nothing is left over")


def test_a_worker_tells_at_its_start_what_its_store_may_lose(tmp_path: Path) -> None:
    with RedisServer() as server:
        yard = Yard(tmp_path, store=server.url)
        yard.start(beat=True)
        yard.close()
        (told,) = [line for line in yard.workers[0].text.splitlines() if "append-only file" in line]
        assert "WARNING" in told and "appendonly yes" in told
