"""What questions take of a store that keeps a million runs: ``python -m bench.kept_runs sqlite|postgres|redis``.

The runs are recorded as they ended (Results.record): of 20 tasks on 4 queues, one in 50 failed, one in 1,000 dead or
revoked, created over one day; a result of 100 bytes, and a traceback where there is an error. Each question is asked 40
times: the median and the 95th percentile, of this process's wall clock. Caches are warm.

``--keep FOLDER`` leaves the store there, for others to try pages with (``sqlite`` only); ``--runs N`` for fewer.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Raw

from horarium.clock import Instant
from horarium.engines.connect import connect
from horarium.engines.protocol import Engine
from horarium.engines.records import Page, RunFilter
from horarium.message import Message, new_id
from horarium.outcome import Attempt, ErrorRecord, Run, State

ROOT = Path(__file__).parents[1]
RUNS, BATCH, TIMES = 1_000_000, 5_000, 40
DAY = 86_400_000
MOST = 10_001  # counted of a state, where a page shows "10,000+"
TASKS = [f"shop.task_{number:02}" for number in range(20)]
QUEUES = ["default", "mail", "reports", "slow"]
ERROR = ErrorRecord(
    class_path="builtins.ConnectionError",
    args=Raw(b'["the shop is shut"]'),
    text="the shop is shut",
    traceback="Traceback (most recent call last):\n" + '  File "/srv/shop/tasks.py", line 12, in charge\n' * 8,
)
RESULT = Raw(b'"' + b"x" * 100 + b'"')


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench.kept_runs")
    parser.add_argument("store", choices=["sqlite", "postgres", "redis"])
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args(arguments)
    with served(asked.store, asked.keep) as url:
        engine = connect(url)
        began = time.perf_counter()
        fill(engine, asked.runs)
        print(f"{asked.store}: {asked.runs:,} runs kept, stored in {time.perf_counter() - began:.0f} s", flush=True)
        if "postgres" in asked.store:
            analyse(url)
        for name, question in questions(engine).items():
            print(f"  {name:44} {_measure(question)}", flush=True)
        engine.close()


def fill(engine: Engine, count: int) -> None:
    """Record so many ended runs, the newest of just now."""
    now = engine.now()
    for start in range(0, count, BATCH):
        runs = [_run(number, now - DAY + DAY * number // count) for number in range(start, min(start + BATCH, count))]
        engine.results.record(runs, keep=7 * 86_400.0, now=now)


def questions(engine: Engine) -> dict[str, Callable[[], object]]:
    """Return what the pages of people ask."""
    search, counts, now = engine.results.search, engine.inspector.counts, engine.now()
    first = Page(limit=50)
    middle = search(RunFilter(until=now - DAY // 2), first).next
    return {
        "counts(): every run": counts,
        f"counts(most={MOST})": lambda: counts(most=MOST),
        "counts(most=0): queues alone": lambda: counts(most=0),
        "newest 50": lambda: search(RunFilter(), first),
        "50 from the middle on": lambda: search(RunFilter(), Page(limit=50, after=middle)),
        "newest 50 that failed": lambda: search(RunFilter(states=("FAILURE",)), first),
        "newest 50 that succeeded": lambda: search(RunFilter(states=("SUCCESS",)), first),
        "newest 50 of a task": lambda: search(RunFilter(tasks=(TASKS[3],)), first),
        "of a task that never failed, 20,000 failures": lambda: search(
            RunFilter(tasks=(TASKS[3],), states=("FAILURE",)), first
        ),
        "newest 50 of a task that are dead": lambda: search(RunFilter(tasks=(TASKS[3],), states=("DEAD",)), first),
        "newest 50 of a queue, before noon": lambda: search(RunFilter(queues=("mail",), until=now - DAY // 2), first),
        "of a task that there is not": lambda: search(RunFilter(tasks=("nothing",)), first),
    }


def _run(number: int, created: Instant) -> Run:
    state = State.FAILURE if number % 50 == 7 else State.SUCCESS
    if number % 1000 == 1:
        state = State.DEAD if number % 2000 == 1 else State.REVOKED
    is_good = state == State.SUCCESS
    started, ended = created + 40, created + 40 + number % 3000
    words = {State.SUCCESS: "succeeded", State.FAILURE: "failed", State.DEAD: "crashed", State.REVOKED: "revoked"}
    error = None if is_good else ERROR
    task, queue = TASKS[number * 7 % len(TASKS)], QUEUES[number % len(QUEUES)]
    return Run(
        message=Message(id=new_id(created), task=task, queue=queue, created=created, args=Raw(b"[%d]" % number)),
        state=state,
        changed=ended,
        result=RESULT if is_good else None,
        error=error,
        attempts=(
            Attempt(number=1, worker="worker@bench", outcome=words[state], started=started, ended=ended, error=error),
        ),
        worker="worker@bench",
        started=started,
        ended=ended,
    )


def _measure(question: Callable[[], object]) -> str:
    took = []
    for _ in range(TIMES):
        began = time.perf_counter()
        question()
        took.append((time.perf_counter() - began) * 1000)
    return f"median {statistics.median(took):8.2f} ms, p95 {statistics.quantiles(took, n=20)[-1]:8.2f} ms"


@contextmanager
def served(store: str, keep: Path | None) -> Iterator[str]:
    """Yield the address of an empty store: a file, or a server of its own, that goes away at the end."""
    sys.path[:0] = [str(ROOT / "tests")]
    from servers import PostgresServer, RedisServer

    if store == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{(keep or Path(folder)).absolute() / 'kept.db'}"
    elif store == "postgres":
        with PostgresServer() as server:
            yield server.url
    else:
        with RedisServer() as server:
            yield server.url


def analyse(url: str) -> None:
    """Do what autovacuum would have done a minute later."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE horarium.runs")


if __name__ == "__main__":
    main()
