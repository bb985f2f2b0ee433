"""The tasks on streaQ."""
# mypy: disable-error-code="import-not-found,import-untyped,untyped-decorator,misc"

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

import uvloop
from streaq import Worker
from streaq.constants import REDIS_RESULTS_SET

from bench.apps import witness

BATCH = 1_000  # calls in one enqueue_many

asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # for the caller; the worker is told below

worker = Worker(
    redis_url=os.environ["BENCH_STORE"],
    concurrency=int(os.environ["BENCH_CONCURRENCY"]),
    anyio_kwargs={"use_uvloop": True},
)


@worker.task(silent=True)
async def noop() -> None:
    return None


@worker.task(silent=True)
async def tell() -> None:
    witness.tell_start()


@worker.task(silent=True)
async def hold_on() -> None:
    await asyncio.sleep(witness.tell_hold())


@worker.cron("0 3 * * *")
async def nightly() -> None:
    """Something for the scheduler to look after while it idles."""


@asynccontextmanager
async def opened() -> AsyncIterator[None]:
    async with worker:
        yield


async def delay() -> Any:
    return await noop.enqueue()


async def bulk(count: int) -> tuple[Any, Any]:
    tasks: list[Any] = []
    for start in range(0, count, BATCH):
        batch = [noop.enqueue() for _ in range(min(BATCH, count - start))]
        await worker.enqueue_many(batch)
        tasks += batch
    return tasks[0], tasks[-1]


async def note() -> None:
    await tell.enqueue()


async def hold() -> None:
    await hold_on.enqueue()


async def done() -> int:
    """Results stored, for 300 s."""
    return int(await worker.redis.zcard(worker.prefix + REDIS_RESULTS_SET))


async def readable(handle: Any) -> bool:
    return bool((await handle.result(timeout=5)).success)


def facts() -> dict[str, str]:
    return {
        "streaq": version("streaq"),
        "coredis": version("coredis"),
        "uvloop": version("uvloop"),
        "concurrency": f"{worker.concurrency} in each process",
        "results": "stored",
    }
