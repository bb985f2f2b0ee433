"""``celery.schedules``: the names besides ``crontab``, ``schedule`` and ``solar``."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from horarium.errors import InvalidSchedule as ParseException
from horarium.schedules.interval import schedule
from horarium.schedules.recurrence import Recurrence as BaseSchedule

__all__ = ["BaseSchedule", "ParseException", "maybe_schedule"]


def maybe_schedule(s: Any, relative: bool = False, app: Any = None) -> Any:
    """Return the interval that a number of seconds or a timedelta means; a schedule as it is."""
    return schedule(s, relative=relative) if isinstance(s, int | float | timedelta) else s
