"""``celery.beat``: the words of those who write schedulers. Ours fires from the store and cannot be subclassed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from horarium.errors import ImproperlyConfigured

__all__ = ["BeatLazyFunc", "PersistentScheduler", "ScheduleEntry", "Scheduler", "SchedulingError"]


class SchedulingError(Exception):
    """A scheduled call could not be sent."""


class ScheduleEntry:
    """One schedule as a value, in Celery's words."""

    def __init__(
        self,
        name: str | None = None,
        task: str | None = None,
        last_run_at: datetime | None = None,
        total_run_count: int | None = None,
        schedule: Any = None,
        args: Any = (),
        kwargs: Any = None,
        options: Any = None,
        relative: bool = False,
        app: Any = None,
    ) -> None:
        self.name = name
        self.task = task
        self.last_run_at = last_run_at
        self.total_run_count = total_run_count or 0
        self.schedule = schedule
        self.args = args
        self.kwargs = kwargs or {}
        self.options = options or {}
        self.relative = relative
        self.app = app

    def __repr__(self) -> str:
        return f"<ScheduleEntry: {self.name} {self.task} {self.schedule!r}>"


class Scheduler:
    """A name that settings may hold (``beat_scheduler``). Raises: ImproperlyConfigured when one is made."""

    Entry = ScheduleEntry

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise ImproperlyConfigured(
            f"expected schedules to be fired from the store, got a scheduler of one's own, {type(self).__name__}; "
            "remove it, and define schedules in beat_schedule or with app.schedules, which may change while it runs"
        )


class PersistentScheduler(Scheduler):
    """Celery's default; here the store keeps what is known of each schedule."""


class BeatLazyFunc:
    """Arguments computed at each firing. Raises: ImproperlyConfigured, for a stored schedule holds values."""

    def __init__(self, func: Any, *args: Any, **kwargs: Any) -> None:
        raise ImproperlyConfigured(
            f"expected arguments of a schedule to be values, got BeatLazyFunc({func!r}); compute them in the task: "
            "self.request.nominal is the instant that it was meant for"
        )
