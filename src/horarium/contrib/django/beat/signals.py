"""What changes a row by way of its model is noted in PeriodicTasks, as programs that read it expect.

The scheduler does not go by that: edits that pass no model (``update``, raw SQL) would not be seen.
"""

from __future__ import annotations

from typing import Any

from django.db.models import signals

from horarium.contrib.django.beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    PeriodicTasks,
    SolarSchedule,
)


def signals_connect() -> None:
    """Note what happens to rows from now on. Idempotent."""
    for schedule in (IntervalSchedule, CrontabSchedule, SolarSchedule, ClockedSchedule):
        for signal in (signals.post_save, signals.post_delete):
            signal.connect(PeriodicTasks.update_changed, sender=schedule, dispatch_uid="django_celery_beat")
    signals.post_save.connect(_loaded, sender=PeriodicTask, dispatch_uid="django_celery_beat")
    signals.post_delete.connect(PeriodicTasks.changed, sender=PeriodicTask, dispatch_uid="django_celery_beat")


def _loaded(instance: PeriodicTask, raw: bool, **_: Any) -> None:
    """Note a row of a fixture: it is not saved by ``save``, which notes all others."""
    if raw:
        PeriodicTasks.changed(instance)
