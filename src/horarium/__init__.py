"""Horarium: background and periodic tasks for Python. What callers import; nothing inside imports this."""

from horarium.app.app import Celery, Horarium, shared_task
from horarium.app.result import AsyncResult, EagerResult
from horarium.app.signature import Signature
from horarium.app.stand_in import current_app, current_task
from horarium.app.task import Task
from horarium.errors import Ignore, Reject, Retry, SoftTimeLimitExceeded
from horarium.schedules import (
    calendar,
    clocked,
    cron,
    crontab,
    dates,
    dates_from_ical,
    every,
    explain,
    public_holidays,
    schedule,
    solar,
    union,
    without,
)
from horarium.version import __version__

__all__ = [
    "AsyncResult",
    "Celery",
    "EagerResult",
    "Horarium",
    "Ignore",
    "Reject",
    "Retry",
    "Signature",
    "SoftTimeLimitExceeded",
    "Task",
    "__version__",
    "calendar",
    "clocked",
    "cron",
    "crontab",
    "current_app",
    "current_task",
    "dates",
    "dates_from_ical",
    "every",
    "explain",
    "public_holidays",
    "schedule",
    "shared_task",
    "solar",
    "union",
    "without",
]
