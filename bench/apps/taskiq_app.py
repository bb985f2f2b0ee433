"""The tasks on Taskiq, with a Redis stream or list as broker and Redis as result backend."""
# mypy: disable-error-code="import-not-found,import-untyped,untyped-decorator,misc"

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

import uvloop
from redis.asyncio import Redis
from taskiq import TaskiqScheduler
from taskiq.schedule_sources import LabelScheduleSource
from taskiq.serializers import ORJSONSerializer
from taskiq_redis import ListQueueBroker, RedisAsyncResultBackend, RedisStreamBroker

from bench.apps import witness

asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # its workers do so themselves; this is for the caller
REDIS = os.environ["BENCH_STORE"]
BROKERS = {"stream": RedisStreamBroker, "list": ListQueueBroker}
KIND = os.environ["BENCH_TASKIQ_BROKER"]

broker = (
    BROKERS[KIND](f"{REDIS}/0")
    .with_result_backend(RedisAsyncResultBackend(f"{REDIS}/1", serializer=ORJSONSerializer()))
    .with_serializer(ORJSONSerializer())
)
scheduler = TaskiqScheduler(broker, [LabelScheduleSource(broker)])
_results = Redis.from_url(f"{REDIS}/1")


@broker.task
async def noop() -> None:
    return None


@broker.task
async def tell() -> None:
    witness.tell_start()


@broker.task
async def hold_on() -> None:
    await asyncio.sleep(witness.tell_hold())


@broker.task(schedule=[{"cron": "0 3 * * *"}])
async def nightly() -> None:
    """Something for the scheduler to look after while it idles."""


@asynccontextmanager
async def opened() -> AsyncIterator[None]:
    await broker.startup()
    yield


async def delay() -> Any:
    return await noop.kiq()


bulk = None  # kiq() sends one at a time


async def note() -> None:
    await tell.kiq()


async def hold() -> None:
    await hold_on.kiq()


async def done() -> int:
    """Results stored: database 1 of the server holds nothing else."""
    return int(await _results.dbsize())


async def readable(handle: Any) -> bool:
    return not (await handle.get_result()).is_err


def facts() -> dict[str, str]:
    return {
        "taskiq": version("taskiq"),
        "taskiq-redis": version("taskiq-redis"),
        "redis-py": version("redis"),
        "uvloop": version("uvloop"),
        "broker": KIND,
        "serializer": "orjson",
        "results": "stored",
    }
