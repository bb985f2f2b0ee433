"""Bring single rows into the store at once, for whoever cannot wait for a scheduler to see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from horarium.contrib.django.beat.models import PeriodicTask
from horarium.contrib.django.beat.rows import Rows
from horarium.contrib.django.beat.storing import store
from horarium.engines.records import SCHEDULE_TOPIC

if TYPE_CHECKING:
    from horarium.app.app import Horarium


def bring(app: Horarium, tasks: Sequence[PeriodicTask]) -> dict[int, str]:
    """Store the schedules of these rows now, as the database has them; return what is wrong with each, by its number.

    An empty text: nothing. A row that is not in the database any more is left out. Their schedulers may do the same
    at the same time. Raises: EngineUnavailable, ScheduleConflict, Django's database errors.
    """
    if not tasks:
        return {}
    engine, rows = app.engine, Rows(model=type(tasks[0]))
    stored = store(app, engine, rows, [task.pk for task in tasks], now=engine.now())
    if stored.saved:
        engine.notifier.notify([SCHEDULE_TOPIC])
    return stored.errors
