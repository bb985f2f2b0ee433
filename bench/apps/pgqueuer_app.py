"""The tasks on PgQueuer."""
# mypy: disable-error-code="import-not-found,import-untyped,untyped-decorator,misc"

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

import asyncpg
import pgqueuer
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.models import Job, Schedule
from pgqueuer.queries import Queries

from bench.apps import witness

BATCH = 1_000  # calls in one enqueue
BATCH_SIZE = 100  # jobs in one look at the queue
STORE = os.environ["BENCH_STORE"]

asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
_connection: Any = None
_queries: Any = None
_called = 0


@asynccontextmanager
async def worker() -> AsyncIterator[PgQueuer]:
    connection = await asyncpg.connect(STORE)
    manager = PgQueuer.from_asyncpg_connection(connection)

    @manager.entrypoint("noop")
    async def noop(job: Job) -> None:
        return None

    @manager.entrypoint("tell")
    async def tell(job: Job) -> None:
        witness.tell_start()

    @manager.entrypoint("hold_on")
    async def hold_on(job: Job) -> None:
        await asyncio.sleep(witness.tell_hold())

    @manager.schedule("nightly", "0 3 * * *")
    async def nightly(schedule: Schedule) -> None:
        """Something for the scheduler to look after while it idles."""

    try:
        yield manager
    finally:
        await connection.close()


@asynccontextmanager
async def opened() -> AsyncIterator[None]:
    global _connection, _queries
    _connection = await asyncpg.connect(STORE)
    _queries = Queries.from_asyncpg_connection(_connection)
    await _queries.install()
    yield


async def delay() -> Any:
    global _called
    _called += 1
    return await _queries.enqueue("noop", None)


async def bulk(count: int) -> tuple[Any, Any]:
    global _called
    _called += count
    ids: list[Any] = []
    for start in range(0, count, BATCH):
        size = min(BATCH, count - start)
        ids += await _queries.enqueue(["noop"] * size, [None] * size, [0] * size)
    return ids[:1], ids[-1:]


async def note() -> None:
    await _queries.enqueue("tell", None)


async def hold() -> None:
    await _queries.enqueue("hold_on", None)


async def done() -> int:
    """Calls that have ended: a job leaves the queue in the statement that logs its end."""
    return _called - int(await _connection.fetchval("select count(*) from pgqueuer"))


async def readable(handle: Any) -> bool:
    ((_, status),) = await _queries.job_status(handle)
    return bool(status == "successful")


def facts() -> dict[str, str]:
    return {
        "pgqueuer": version("pgqueuer"),
        "asyncpg": version("asyncpg"),
        "uvloop": version("uvloop"),
        "batch size": str(BATCH_SIZE),
        "durability": "durable (its default: logged tables)",
        "results": "the end of each job is, what it returned is not",
    }


if __name__ == "__main__":
    asyncio.run(pgqueuer.run(worker, batch_size=BATCH_SIZE))
