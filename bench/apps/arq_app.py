"""The tasks on arq."""
# mypy: disable-error-code="import-not-found,import-untyped,misc"

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

import uvloop
from arq import cron
from arq.connections import RedisSettings, create_pool
from arq.constants import default_queue_name

from bench.apps import witness

REDIS = RedisSettings.from_dsn(os.environ["BENCH_STORE"])
QUIET = {"version": 1, "disable_existing_loggers": False, "root": {"level": "WARNING"}}  # it tells of every job else

asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
_pool: Any = None
_called = 0


async def noop(context: dict[str, Any]) -> None:
    return None


async def tell(context: dict[str, Any]) -> None:
    witness.tell_start()


async def hold_on(context: dict[str, Any]) -> None:
    await asyncio.sleep(witness.tell_hold())


class WorkerSettings:
    functions = (noop, tell, hold_on)
    cron_jobs = (cron(noop, hour=3, minute=0),)
    redis_settings = REDIS
    max_jobs = int(os.environ["BENCH_CONCURRENCY"])
    poll_delay = float(os.environ["BENCH_ARQ_POLL"])
    log_results = False


@asynccontextmanager
async def opened() -> AsyncIterator[None]:
    global _pool
    _pool = await create_pool(REDIS)
    yield


async def delay() -> Any:
    global _called
    _called += 1
    return await _pool.enqueue_job("noop")


bulk = None  # enqueue_job() sends one at a time


async def note() -> None:
    await _pool.enqueue_job("tell")


async def hold() -> None:
    await _pool.enqueue_job("hold_on")


async def done() -> int:
    """Calls that have ended: a job leaves the queue in the transaction that stores its result for 3,600 s."""
    return _called - int(await _pool.zcard(default_queue_name))


async def readable(handle: Any) -> bool:
    return bool((await handle.result_info()).success)


def facts() -> dict[str, str]:
    return {
        "arq": version("arq"),
        "redis-py": version("redis"),
        "hiredis": version("hiredis"),
        "uvloop": version("uvloop"),
        "max_jobs": f"{WorkerSettings.max_jobs} in each process",
        "poll_delay": f"{WorkerSettings.poll_delay:g} s",
        "results": "stored",
    }
