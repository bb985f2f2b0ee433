"""Celery's beat with RedBeat: entries in Redis, which carries as well. No worker takes anything away."""
# mypy: disable-error-code="import-not-found,import-untyped,untyped-decorator,misc"

from __future__ import annotations

import os
from importlib.metadata import version

from celery import Celery
from celery.schedules import schedule
from redbeat import RedBeatSchedulerEntry

from bench.apps import plan as plans
from redis import Redis

STORE = os.environ["BENCH_STORE"]

app = Celery("bench", broker=f"{STORE}/0")
app.conf.update(redbeat_redis_url=f"{STORE}/1")
_broker = Redis.from_url(f"{STORE}/0")


@app.task(name="bench.noop")
def noop() -> None:
    return None


def plan(entries: int, due: int, instant: float) -> None:
    for name, when in plans.Plan(entries, due, instant).each():
        entry = RedBeatSchedulerEntry(name, "bench.noop", schedule(plans.DAY, app=app), app=app)
        entry.last_run_at = when - plans.DAY
        entry.save()


def enqueued() -> int:
    return int(_broker.llen("celery"))


def facts() -> dict[str, str]:
    return {
        "celery-redbeat": version("celery-redbeat"),
        "celery": version("celery"),
        "redis-py": version("redis"),
        "scheduler": "RedBeatScheduler",
    }
