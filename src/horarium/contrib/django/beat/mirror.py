"""From the store to the rows: when each task was last sent, how often, and that it is over.

Written in batches behind the firing, never backwards, and only where it can be written without waiting for somebody
who edits the row. What a crash loses, the next sweep finds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import connections, models, transaction
from django.utils import timezone
from msgspec import Struct

from horarium.clock import Instant
from horarium.contrib.django.beat.models import PeriodicTask, PeriodicTasks
from horarium.contrib.django.beat.rows import Rows
from horarium.contrib.django.beat.storing import Stored, is_ours, is_over, store
from horarium.contrib.django.columns import column_value
from horarium.schedules.record import Schedule

if TYPE_CHECKING:
    from horarium.app.app import Horarium
    from horarium.engines.protocol import Engine

_FIELDS = ("pk", "name", "enabled", "one_off", "expires", "last_run_at")


class Shown(Struct, frozen=True):
    """What came of it: names that have to wait, and what was stored of rows that are over."""

    waiting: tuple[str, ...]
    stored: Stored = Stored()


def show(app: Horarium, engine: Engine, rows: Rows, names: Sequence[str], *, now: Instant) -> Shown:
    """Write into the rows of these names what has been fired of them; switch off those that are over.

    Raises: EngineUnavailable, ScheduleConflict, Django's database errors; it may be repeated.
    """
    found = {each.name: each for each in engine.schedules.get(list(names)) if each is not None and is_ours(app, each)}
    features = connections[rows.using].features
    tasks = rows.model._default_manager.using(rows.using).filter(name__in=list(names)).order_by("name")
    if not features.has_select_for_update_skip_locked:  # SQLite could not write after it has read in a transaction
        read = list(tasks.only(*_FIELDS))
        with transaction.atomic(using=rows.using):
            over = _write(rows, read, found, now=now)
        waiting: set[str] = set()
    else:
        there = set(tasks.values_list("name", flat=True))
        with transaction.atomic(using=rows.using):
            read = list(tasks.select_for_update(skip_locked=True).only(*_FIELDS))
            over = _write(rows, read, found, now=now)
        waiting = there - {task.name for task in read}
    if not over:
        return Shown(tuple(waiting))
    PeriodicTasks.update_changed()
    # The row first, the store after: the other way round a crash would make it look as if somebody had enabled it.
    return Shown(tuple(waiting), store(app, engine, rows, over, now=now))


def expired(rows: Rows, limit: int, *, now: Instant) -> list[str]:
    """Return the names of rows that are enabled, and have expired. Raises: Django's database errors."""
    found = rows.all().filter(enabled=True, expires__lte=column_value(now))
    return list(found.values_list("name", flat=True)[:limit])


def _write(rows: Rows, tasks: Sequence[PeriodicTask], found: dict[str, Schedule], *, now: Instant) -> list[int]:
    """Write what is known of these rows; return those that were switched off."""
    connection = connections[rows.using]
    adapt, quote = connection.ops.adapt_datetimefield_value, connection.ops.quote_name
    last, count, table = quote("last_run_at"), quote("total_run_count"), quote(rows.model._meta.db_table)
    values = []
    for task in tasks:
        schedule = found.get(task.name)
        if task.enabled and schedule is not None and schedule.last_fire is not None:
            moment = adapt(column_value(schedule.last_fire))
            values.append((moment, schedule.total_runs, task.pk, moment))
    if values:
        with connection.cursor() as cursor:
            is_later = f"{last} IS NULL OR {last} < %s"
            cursor.executemany(
                f"UPDATE {table} SET {last} = %s, {count} = %s WHERE {quote('id')} = %s AND ({is_later})", values
            )
    over = [task for task in tasks if task.enabled and is_over(task, found.get(task.name), now=now)]
    ended = models.Q(one_off=True) | models.Q(expires__lte=column_value(now))
    enabled = rows.model._default_manager.using(rows.using).filter(ended, enabled=True)
    spent, others = [task.pk for task in over if task.one_off], [task.pk for task in over if not task.one_off]
    if spent:  # their count begins anew, so that they run once more when they are enabled again: as their users know it
        enabled.filter(pk__in=spent).update(enabled=False, total_run_count=0, date_changed=timezone.now())
    if others:
        enabled.filter(pk__in=others).update(enabled=False, date_changed=timezone.now())
    return [*spent, *others]
