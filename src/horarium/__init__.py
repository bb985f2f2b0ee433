"""Horarium: background and periodic tasks for Python. What callers import; nothing inside imports this.

A name is imported when it is first asked for: the command line and the pytest plugin come by here too, and need few.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_SCHEDULES = "horarium.schedules"
_HOMES = {  # of the names that do not come from _SCHEDULES
    "AsyncResult": "horarium.app.result",
    "EagerResult": "horarium.app.result",
    "GroupResult": "horarium.app.result_set",
    "Horarium": "horarium.app.app",
    "Ignore": "horarium.errors",
    "Reject": "horarium.errors",
    "Retry": "horarium.errors",
    "ResultSet": "horarium.app.result_set",
    "Signature": "horarium.app.signature",
    "StampingVisitor": "horarium.app.stamping",
    "chain": "horarium.app.canvas",
    "chord": "horarium.app.canvas",
    "chunks": "horarium.app.mapping",
    "group": "horarium.app.canvas",
    "maybe_signature": "horarium.app.signature",
    "result_from_tuple": "horarium.app.result_set",
    "signature": "horarium.app.signature",
    "subtask": "horarium.app.signature",
    "xmap": "horarium.app.mapping",
    "xstarmap": "horarium.app.mapping",
    "SoftTimeLimitExceeded": "horarium.errors",
    "Task": "horarium.app.task",
    "__version__": "horarium.version",
    "current_app": "horarium.app.app",
    "shared_task": "horarium.app.app",
}


def __getattr__(name: str) -> Any:  # whatever the name stands for
    if name not in __all__:
        return _room(name)
    value = globals()[name] = getattr(import_module(_HOMES.get(name, _SCHEDULES)), name)
    return value


def _room(name: str) -> ModuleType:
    """Return a module of the house, so that ``horarium.errors`` needs no import of its own."""
    module = f"{__name__}.{name}"
    try:
        if not name.startswith("_"):
            return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
