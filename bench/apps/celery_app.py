"""The tasks on Celery, with Redis as broker and result backend."""
# mypy: disable-error-code="import-not-found,import-untyped,untyped-decorator,misc"

from __future__ import annotations

import os
from importlib.metadata import version
from typing import Any

from celery import Celery, group
from celery.schedules import crontab

from bench.apps import witness

ACKS_LATE = os.environ["BENCH_CELERY_ACKS_LATE"] == "1"
REDIS = os.environ["BENCH_REDIS"]

app = Celery("bench", broker=f"{REDIS}/0", backend=f"{REDIS}/1")
app.conf.update(
    task_acks_late=ACKS_LATE,
    # Celery's optimizing guide asks for 64 or 128 when tasks are many and short. Here 4, 64, 128 and 0 (no limit)
    # were within 15 % of one another, 128 never the slowest.
    worker_prefetch_multiplier=128,
    broker_connection_retry_on_startup=True,
    beat_schedule={"nightly": {"task": "bench.noop", "schedule": crontab(minute="0", hour="3")}},
)


@app.task(name="bench.noop")
def noop() -> None:
    return None


@app.task(name="bench.tell")
def tell() -> None:
    witness.tell_start()


def delay() -> Any:
    return noop.delay()


def bulk(count: int) -> tuple[Any, Any]:
    """A group: Celery's own way to publish many, over one producer."""
    results = group(noop.s() for _ in range(count)).apply_async()
    return results[0], results[-1]


def note() -> None:
    tell.delay()


def done() -> int:
    """Results stored: database 1 of the server holds nothing else."""
    return int(app.backend.client.dbsize())


def readable(handle: Any) -> bool:
    return bool(app.AsyncResult(handle.id).successful())


def facts() -> dict[str, str]:
    server = app.backend.client.info("server")
    return {
        "celery": version("celery"),
        "kombu": version("kombu"),
        "redis-py": version("redis"),
        "redis": str(server["redis_version"]),
        "redis persistence": "none (save '' and appendonly no): accepted is not yet durable",
        "acks": "late" if ACKS_LATE else "early (Celery's default; a killed worker loses what it holds)",
        "prefetch multiplier": str(app.conf.worker_prefetch_multiplier),
        "results": "stored",
    }
