"""The tasks on RQ."""
# mypy: disable-error-code="import-not-found,import-untyped"

from __future__ import annotations

import os
import time
from importlib.metadata import version
from typing import Any

from rq import Queue
from rq.registry import FinishedJobRegistry

from bench.apps import witness
from redis import Redis

BATCH = 1_000  # calls in one enqueue_many
NAME = "bench"

connection = Redis.from_url(os.environ["BENCH_STORE"])
queue = Queue(NAME, connection=connection)
_ended = FinishedJobRegistry(NAME, connection=connection).key


def noop() -> None:
    return None


def tell() -> None:
    witness.tell_start()


def hold_on() -> None:
    time.sleep(witness.tell_hold())


def delay() -> Any:
    return queue.enqueue(noop)


def bulk(count: int) -> tuple[Any, Any]:
    jobs: list[Any] = []
    for start in range(0, count, BATCH):
        jobs += queue.enqueue_many([Queue.prepare_data(noop) for _ in range(min(BATCH, count - start))])
    return jobs[0], jobs[-1]


def note() -> None:
    queue.enqueue(tell)


def hold() -> None:
    queue.enqueue(hold_on, job_timeout=2 * int(witness.HOLD_SECONDS))


def done() -> int:
    """Jobs that have ended, their results stored for 500 s."""
    return int(connection.zcard(_ended))


def readable(handle: Any) -> bool:
    return bool(handle.get_status(refresh=True) == "finished")


def facts() -> dict[str, str]:
    return {
        "rq": version("rq"),
        "redis-py": version("redis"),
        "hiredis": version("hiredis"),
        "serializer": "pickle (its default)",
        "results": "stored",
    }
