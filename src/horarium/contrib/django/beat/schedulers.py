"""The names of ``django_celery_beat.schedulers``: the source of schedules that ``beat_scheduler`` names, and an entry.

A class derived from DatabaseScheduler may choose another model, or fewer rows; firing is the store's, for all of them.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from django.db import models

from horarium import schedules
from horarium.app.current import current_app
from horarium.contrib.django.beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    PeriodicTasks,
    SolarSchedule,
)
from horarium.contrib.django.beat.reading import OPTIONS, schedule_of
from horarium.contrib.django.beat.rows import Rows
from horarium.contrib.django.beat.source import TableSource
from horarium.errors import HorariumError

if TYPE_CHECKING:
    from horarium.app.app import Horarium

DEFAULT_MAX_INTERVAL = 5  # seconds; here edits are seen within one, whatever it says


class ModelEntry:
    """A row as an entry of a schedule, in Celery's words. A value: it is not fired from here.

    Raises: HorariumError for a row that cannot be read.
    """

    model_schedules: ClassVar = (
        (schedules.crontab, CrontabSchedule, "crontab"),
        (schedules.every, IntervalSchedule, "interval"),
        (schedules.solar, SolarSchedule, "solar"),
        (schedules.clocked, ClockedSchedule, "clocked"),
    )
    save_fields: ClassVar = ["last_run_at", "total_run_count", "no_changes"]

    def __init__(self, model: PeriodicTask, app: Horarium | None = None) -> None:
        self.app = app or current_app()
        self.model = model
        read = schedule_of(self.app, model, {}, now=self.app.clock.now())
        self.name: str = model.name
        self.task: str = model.task
        self.schedule = model.schedule
        self.args: list[Any] = msgspec.json.decode(read.args)
        self.kwargs: dict[str, Any] = msgspec.json.decode(read.kwargs)
        self.options = {name: value for name in OPTIONS if (value := getattr(model, name)) is not None}
        if model.expires_:
            self.options["expires"] = model.expires_
        self.options["headers"] = read.options["headers"]
        self.total_run_count: int = model.total_run_count
        self.last_run_at: datetime | None = model.last_run_at or model.date_changed

    def __repr__(self) -> str:
        return f"<ModelEntry: {self.name} {self.task}(*{self.args!r}, **{self.kwargs!r}) {self.schedule}>"


class DatabaseScheduler:
    """Django's tables as an app's source of schedules. Derived classes may set ``Model``, and override
    ``enabled_models_qs``: then only the rows that it returns are scheduled."""

    Entry: ClassVar[type[ModelEntry]] = ModelEntry
    Model: ClassVar[type[PeriodicTask]] = PeriodicTask
    Changes: ClassVar[type[PeriodicTasks]] = PeriodicTasks

    def __init__(self, app: Horarium, **_: Any) -> None:
        self.app = app
        self.max_interval = app.conf.beat_max_loop_interval or DEFAULT_MAX_INTERVAL
        self._last_timestamp: datetime | None = None

    @classmethod
    def source(cls, app: Horarium) -> TableSource:
        """Return the source of an app's schedules."""
        is_limited = any(
            getattr(cls, name) is not getattr(DatabaseScheduler, name)
            for name in ("enabled_models_qs", "enabled_models")
        )
        return TableSource(app, Rows(cls(app)._chosen if is_limited else None, cls.Model))

    def enabled_models_qs(self) -> models.QuerySet:
        """Return the rows that are enabled, as a query."""
        found: models.QuerySet = self.Model._default_manager.filter(enabled=True)
        return found.select_related("interval", "crontab", "solar", "clocked")

    def enabled_models(self) -> list[PeriodicTask]:
        """Return the rows that are enabled."""
        return list(self.enabled_models_qs())

    def all_as_schedule(self) -> dict[str, ModelEntry]:
        """Return the entries of the rows that are enabled, by name, without those that cannot be read."""
        entries = {}
        for model in self.enabled_models():
            try:
                entries[model.name] = self.Entry(model, app=self.app)
            except HorariumError:
                continue  # the scheduler tells of it, and the admin
        return entries

    @property
    def schedule(self) -> dict[str, ModelEntry]:
        """The entries of the rows that are enabled, by name."""
        return self.all_as_schedule()

    def schedule_changed(self) -> bool:
        """Tell whether the tables were changed, by way of their models, since this was asked last. Nothing here goes
        by that: edits of every kind are noted by triggers."""
        last, self._last_timestamp = self._last_timestamp, self.Changes.last_change()
        return self._last_timestamp is not None and (last is None or self._last_timestamp > last)

    def _chosen(self) -> models.QuerySet:
        """Return the rows that a derived class chooses, as a query that can be narrowed."""
        if type(self).enabled_models is not DatabaseScheduler.enabled_models:
            ids = [model.pk for model in self.enabled_models()]
        else:
            ids = self.enabled_models_qs().order_by().values("pk")
        return self.Model._default_manager.filter(pk__in=ids)
