"""The Horarium app: where the store is, how tasks behave, when they run.

The file keeps the name it had under Celery; only its first import has changed.
"""

from __future__ import annotations

from datetime import timedelta

from app.settings import TIMEZONE, read_settings
from app.sources import MOTE, VAN_WEZEL
from horarium import Horarium, crontab

settings = read_settings()
settings.run_folder.mkdir(parents=True, exist_ok=True)

app = Horarium("events", store=settings.store_url, include=["app.tasks"])

app.conf.update(
    # Arguments and results are JSON.
    task_serializer="json",
    result_serializer="json",
    accept_content=["json"],
    # Schedules are meant in Eastern time, instants are kept in UTC.
    timezone=TIMEZONE,
    enable_utc=True,
    # Results are kept for an hour.
    result_expires=3600,
    # A task whose process dies is run again.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_concurrency=2,
)

DAILY = {
    "scrape-vanwezel-daily": {
        "task": "app.tasks.scrape_vanwezel",
        "schedule": crontab(minute=0, hour=6),
        "kwargs": {"source_id": VAN_WEZEL},
    },
    "scrape-mote-weekly": {
        "task": "app.tasks.scrape_mote",
        "schedule": crontab(minute=30, hour=6, day_of_week="mon"),
        "kwargs": {"source_id": MOTE},
    },
    "ingest-all-sources": {
        "task": "app.tasks.ingest_all_sources",
        "schedule": crontab(minute=0, hour="*/2"),
    },
    "health-check": {
        "task": "app.tasks.health_check",
        "schedule": crontab(minute="*/15"),
    },
}

# The same work every few seconds, so that somebody who watches sees it happen (EVENTS_DEMO=1; `make run` sets it).
DEMO = {
    "scrape-vanwezel": {
        "task": "app.tasks.scrape_vanwezel",
        "schedule": timedelta(seconds=10),
        "kwargs": {"source_id": VAN_WEZEL, "delay": 0.05},
    },
    "scrape-mote": {
        "task": "app.tasks.scrape_mote",
        "schedule": timedelta(seconds=4),
        "kwargs": {"source_id": MOTE},
    },
    "ingest-all-sources": {
        "task": "app.tasks.ingest_all_sources",
        "schedule": timedelta(seconds=6),
    },
    "health-check": {
        "task": "app.tasks.health_check",
        "schedule": timedelta(seconds=15),
    },
}

app.conf.beat_schedule = DEMO if settings.demo else DAILY
