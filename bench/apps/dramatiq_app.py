"""The tasks on Dramatiq, with Redis as broker and result backend."""
# mypy: disable-error-code="import-not-found,import-untyped,untyped-decorator,misc"

from __future__ import annotations

import os
import time
from importlib.metadata import version
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

from bench.apps import witness

REDIS = os.environ["BENCH_STORE"]

results = RedisBackend(url=f"{REDIS}/1")
broker = RedisBroker(url=f"{REDIS}/0")
broker.add_middleware(Results(backend=results, store_results=True))
dramatiq.set_broker(broker)


@dramatiq.actor
def noop() -> None:
    return None


@dramatiq.actor
def tell() -> None:
    witness.tell_start()


@dramatiq.actor
def hold_on() -> None:
    time.sleep(witness.tell_hold())


def delay() -> Any:
    return noop.send()


bulk = None  # group() sends one by one as well


def note() -> None:
    tell.send()


def hold() -> None:
    hold_on.send()


def done() -> int:
    """Results stored: database 1 of the server holds nothing else."""
    return int(results.client.dbsize())


def readable(handle: Any) -> bool:
    return handle.get_result(backend=results) is None  # raises where there is none


def facts() -> dict[str, str]:
    return {
        "dramatiq": version("dramatiq"),
        "redis-py": version("redis"),
        "middleware": "as it comes, and Results",
        "results": "stored",
    }
