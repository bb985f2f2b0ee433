"""Horarium: background and periodic tasks for Python. What callers import; nothing inside imports this.

A name is brought in when it is first asked for: a health probe, or the completion of a shell, needs none of them.
"""

from horarium.version import __version__

TYPE_CHECKING = False  # as typing's, which would have to be imported
if TYPE_CHECKING:
    from typing import Any

    from horarium.app.app import Horarium, bugreport, current_app, shared_task
    from horarium.app.result import AsyncResult, EagerResult
    from horarium.app.signature import Signature
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

# The same once more, for the interpreter: which module each name is in.
_HOMES = {
    "horarium.app.app": "Horarium bugreport current_app shared_task",
    "horarium.app.result": "AsyncResult EagerResult",
    "horarium.app.signature": "Signature",
    "horarium.app.task": "Task",
    "horarium.errors": "Ignore Reject Retry SoftTimeLimitExceeded",
    "horarium.schedules": (
        "calendar clocked cron crontab dates dates_from_ical every explain public_holidays schedule solar union without"
    ),
}

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
    "bugreport",
    "calendar",
    "clocked",
    "cron",
    "crontab",
    "current_app",
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


def __getattr__(name: str) -> "Any":  # Any: whatever the name stands for
    from importlib import import_module

    for module, names in _HOMES.items():
        if name in names.split():
            value = globals()[name] = getattr(import_module(module), name)
            return value
    try:
        return import_module(f"horarium.{name}")  # a room, such as horarium.errors
    except ModuleNotFoundError as error:
        if error.name != f"horarium.{name}":
            raise
        raise AttributeError(f"module 'horarium' has no attribute {name!r}") from None


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
