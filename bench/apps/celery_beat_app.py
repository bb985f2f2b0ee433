"""Celery's own beat: its entries are code, its state a file; Redis carries. No worker takes anything away."""
# mypy: disable-error-code="import-not-found,import-untyped,untyped-decorator,misc"

from __future__ import annotations

import os
from importlib.metadata import version

from celery import Celery
from celery.schedules import schedule

from bench.apps import plan as plans
from redis import Redis

BROKER = os.environ["BENCH_STORE"]

app = Celery("bench", broker=BROKER)
app.conf.update(
    beat_schedule={
        name: {"task": "bench.noop", "schedule": schedule(plans.DAY), "last_run_at": due - plans.DAY}
        for name, due in plans.read().each()
    }
)
_broker = Redis.from_url(BROKER)


@app.task(name="bench.noop")
def noop() -> None:
    return None


def plan(entries: int, due: int, instant: float) -> None:
    plans.write(plans.Plan(entries, due, instant))


def enqueued() -> int:
    return int(_broker.llen("celery"))


def facts() -> dict[str, str]:
    return {
        "celery": version("celery"),
        "redis-py": version("redis"),
        "scheduler": "PersistentScheduler (its default): entries in memory, state in a shelve file",
    }
