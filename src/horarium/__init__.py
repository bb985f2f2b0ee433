"""Horarium: background and periodic tasks for Python. What callers import; nothing inside imports this."""

from horarium.app.app import Horarium, current_app, shared_task
from horarium.app.canvas import chain, chord, group
from horarium.app.mapping import chunks, xmap, xstarmap
from horarium.app.result import AsyncResult, EagerResult
from horarium.app.result_set import GroupResult, ResultSet, result_from_tuple
from horarium.app.signature import Signature, maybe_signature, signature, subtask
from horarium.app.stamping import StampingVisitor
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
    "dates",
    "dates_from_ical",
    "every",
    "chain",
    "chord",
    "chunks",
    "explain",
    "group",
    "GroupResult",
    "maybe_signature",
    "result_from_tuple",
    "ResultSet",
    "signature",
    "StampingVisitor",
    "subtask",
    "xmap",
    "xstarmap",
    "public_holidays",
    "schedule",
    "shared_task",
    "solar",
    "union",
    "without",
]
