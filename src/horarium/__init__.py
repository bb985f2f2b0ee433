"""Horarium: background and periodic tasks for Python. What callers import; nothing inside imports this.

A name is brought in when it is first asked for: a health probe, or the completion of a shell, needs none of them.
"""

TYPE_CHECKING = False  # as typing's, which would have to be imported
if TYPE_CHECKING:
    from typing import Any

    from horarium.app.app import Celery, Horarium, bugreport, shared_task
    from horarium.app.canvas import chain, chord, group
    from horarium.app.mapping import chunks, xmap, xstarmap
    from horarium.app.result import AsyncResult, EagerResult
    from horarium.app.result_set import GroupResult, ResultSet, result_from_tuple
    from horarium.app.signature import Signature, maybe_signature, signature, subtask
    from horarium.app.stamping import StampingVisitor
    from horarium.app.stand_in import current_app, current_task, uuid
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

# The same once more, for the interpreter: which module each name is in.
_HOMES = {
    "horarium.app.app": "Celery Horarium bugreport shared_task",
    "horarium.app.result": "AsyncResult EagerResult",
    "horarium.app.result_set": "GroupResult ResultSet result_from_tuple",
    "horarium.app.stand_in": "current_app current_task uuid",
    "horarium.app.task": "Task",
    # The door, not each one's room: a signature must know all kinds, to be composed or rebuilt from a dict.
    "horarium.canvas": (
        "Signature StampingVisitor chain chord chunks group maybe_signature signature subtask xmap xstarmap"
    ),
    "horarium.errors": "Ignore Reject Retry SoftTimeLimitExceeded",
    "horarium.schedules": (
        "calendar clocked cron crontab dates dates_from_ical every explain public_holidays schedule solar union without"
    ),
    "horarium.version": "__version__",
}

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
    "bugreport",
    "calendar",
    "clocked",
    "cron",
    "crontab",
    "current_app",
    "current_task",
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
    "uuid",
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
