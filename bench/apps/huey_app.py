"""The tasks on Huey, on SQLite or on Redis."""
# mypy: disable-error-code="import-not-found,import-untyped,untyped-decorator,misc"

from __future__ import annotations

import os
import sqlite3
import time
from importlib.metadata import version
from typing import Any

from huey import RedisHuey, SqliteHuey, crontab

from bench.apps import witness

KEEPS_RESULTS = os.environ["BENCH_HUEY_RESULTS"] == "1"
FSYNC = {"default": None, "on": True, "off": False}[os.environ["BENCH_HUEY_FSYNC"]]
STORE = os.environ["BENCH_STORE"]
ON_REDIS = STORE.startswith("redis:")

# store_none: a no-op returns None, which Huey keeps only when asked to; the others keep it always.
if ON_REDIS:
    huey = RedisHuey("bench", url=STORE, store_none=KEEPS_RESULTS)  # its default: a blocking pop
else:
    huey = SqliteHuey("bench", filename=STORE, store_none=KEEPS_RESULTS, fsync=FSYNC)
_called = 0


@huey.task()
def noop() -> None:
    return None


@huey.task()
def tell() -> None:
    witness.tell_start()


@huey.task()
def hold_on() -> None:
    time.sleep(witness.tell_hold())


@huey.periodic_task(crontab(minute="0", hour="3"))
def nightly() -> None:
    """Something for the scheduler to look after while it idles."""


def delay() -> Any:
    global _called
    _called += 1
    return noop()


bulk = None  # Huey has no call for many; enqueue() takes one at a time


def note() -> None:
    tell()


def hold() -> None:
    hold_on()


def done() -> int:
    """Results stored; where none are, calls no longer in the queue (at most one per child is still running then)."""
    if KEEPS_RESULTS:
        return int(huey.storage.result_store_size())
    return _called - int(huey.storage.queue_size())


def readable(handle: Any) -> bool:
    return not KEEPS_RESULTS or bool(huey.storage.has_data_for_key(handle.id))


def facts() -> dict[str, str]:
    results = "stored, None included (store_none)" if KEEPS_RESULTS else "none stored (a no-op returns None)"
    if ON_REDIS:
        return {"huey": version("huey"), "redis-py": version("redis"), "results": results}
    ((journal,),) = huey.storage.sql("pragma journal_mode", results=True)
    ((synchronous,),) = huey.storage.sql("pragma synchronous", results=True)
    return {
        "huey": version("huey"),
        "sqlite": sqlite3.sqlite_version,
        "journal_mode": str(journal),
        "synchronous": {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}[synchronous],
        "results": results,
    }
