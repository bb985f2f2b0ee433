"""The tasks on Celery: broker and result backend as told, Redis or RabbitMQ for the one, Redis for the other."""
# mypy: disable-error-code="import-not-found,import-untyped,untyped-decorator,misc"

from __future__ import annotations

import os
import time
from importlib.metadata import version
from typing import Any

from celery import Celery, chain, chord, group
from celery.exceptions import TimeoutError
from celery.schedules import crontab

from bench.apps import witness

ACKS_LATE = os.environ["BENCH_CELERY_ACKS_LATE"] == "1"
BROKER = os.environ["BENCH_CELERY_BROKER"]

app = Celery("bench", broker=BROKER, backend=os.environ["BENCH_CELERY_RESULTS"])
app.conf.update(
    task_acks_late=ACKS_LATE,
    task_reject_on_worker_lost=ACKS_LATE,  # without it a killed child loses what it held all the same
    # Celery's optimizing guide asks for 64 or 128 when tasks are many and short. Here 4, 64, 128 and 0 (no limit)
    # were within 15 % of one another, 128 never the slowest.
    worker_prefetch_multiplier=128,
    task_default_delivery_mode="transient",  # the guide's word for speed on RabbitMQ; Redis saves nothing here either
    broker_connection_retry_on_startup=True,
    beat_schedule={"nightly": {"task": "bench.noop", "schedule": crontab(minute="0", hour="3")}},
)


@app.task(name="bench.noop")
def noop() -> None:
    return None


@app.task(name="bench.tell")
def tell() -> None:
    witness.tell_start()


@app.task(name="bench.hold_on")
def hold_on() -> None:
    time.sleep(witness.tell_hold())


@app.task(name="bench.collect")
def collect(values: list[Any]) -> int:
    witness.tell_body()
    return len(values)


@app.task(name="bench.step")
def step(number: int) -> int:
    return number + 1


def delay() -> Any:
    return noop.delay()


def bulk(count: int) -> tuple[Any, Any]:
    """A group: Celery's own way to publish many, over one producer."""
    results = group(noop.s() for _ in range(count)).apply_async()
    return results[0], results[-1]


def chord_of(members: int) -> int:
    """Send a chord, wait for it, and return how many values its body was given."""
    return int(chord([noop.si() for _ in range(members)], collect.s()).apply_async().get(timeout=600))


def chain_of(length: int, within: float) -> int | None:
    """Send a chain, wait for it, and return what it has counted to; None if it has not ended by then."""
    try:
        return int(chain([step.s(0), *[step.s() for _ in range(length - 1)]]).apply_async().get(timeout=within))
    except TimeoutError:
        return None


def note() -> None:
    tell.delay()


def hold() -> None:
    hold_on.delay()


def done() -> int:
    """Results stored: their database holds nothing else."""
    return int(app.backend.client.dbsize())


def readable(handle: Any) -> bool:
    return bool(app.AsyncResult(handle.id).successful())


def facts() -> dict[str, str]:
    return {
        "celery": version("celery"),
        "kombu": version("kombu"),
        "redis-py": version("redis"),
        "broker": BROKER.partition(":")[0],
        "delivery mode": "transient",
        "acks": "late, reject_on_worker_lost" if ACKS_LATE else "early (Celery's default)",
        "prefetch multiplier": str(app.conf.worker_prefetch_multiplier),
        "results": "stored",
    }
