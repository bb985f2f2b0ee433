"""APScheduler 3: jobs in memory, or in PostgreSQL by SQLAlchemy. Run as a module it is the scheduler.

It has no queue: a job that comes due runs in the scheduler's own pool of threads. So a job here adds a byte to a file,
the least that somebody else can count; what a job that enqueued something would take more is not in its figures.
"""
# mypy: disable-error-code="import-not-found,import-untyped,misc"

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.blocking import BlockingScheduler

from bench.apps import plan as plans

STORE = os.environ.get("BENCH_STORE", "").replace("postgresql://", "postgresql+psycopg://")
FIRED = os.environ["BENCH_FIRED"]
# Its default passes over what is a second late, and all are: so many cannot be fired in one.
NEVER_LATE = {"misfire_grace_time": None}
_file = os.open(FIRED, os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def fired() -> None:
    os.write(_file, b".")


def plan(entries: int, due: int, instant: float) -> None:
    """Keep the plan; where there is a store, put the jobs there."""
    plans.write(plans.Plan(entries, due, instant))
    if STORE:
        scheduler = BackgroundScheduler(jobstores=_stores(), job_defaults=NEVER_LATE, timezone="UTC")
        scheduler.start(paused=True)
        _add_jobs(scheduler)
        scheduler.shutdown()


def enqueued() -> int:
    return Path(FIRED).stat().st_size


def facts() -> dict[str, str]:
    versions = {name: version(name) for name in ("apscheduler", *(("sqlalchemy", "psycopg") if STORE else ()))}
    return {
        **versions,
        "misfire_grace_time": "None (its default of 1 s would pass most over)",
        "jobs": "run, not queued",
    }


def main() -> None:
    scheduler = BlockingScheduler(jobstores=_stores(), job_defaults=NEVER_LATE, timezone="UTC")
    if not STORE:
        _add_jobs(scheduler)
    scheduler.start()


def _stores() -> dict[str, Any]:
    return {"default": SQLAlchemyJobStore(url=STORE) if STORE else MemoryJobStore()}


def _add_jobs(scheduler: Any) -> None:
    for name, when in plans.read().each():
        scheduler.add_job("bench.apps.apscheduler_app:fired", "interval", days=1, start_date=when, id=name)


if __name__ == "__main__":
    main()
