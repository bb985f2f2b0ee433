"""From a row of the tables to the schedule that it asks for. Nothing is queried that was not read with the row."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from horarium import codec
from horarium.bridge.envelope import Refusal
from horarium.bridge.values import TYPE, from_celery
from horarium.clock import Instant
from horarium.contrib.django.beat.models import CrontabSchedule, PeriodicTask
from horarium.contrib.django.columns import zoned
from horarium.errors import DecodingError, InvalidSchedule
from horarium.message import derived_id
from horarium.schedules.entries import read_entry
from horarium.schedules.record import Schedule

if TYPE_CHECKING:
    from horarium.app.app import Horarium

# What is passed to apply_async as it stands in the row.
OPTIONS = ("queue", "exchange", "routing_key", "priority")
# By this header a run knows by which periodic task it was sent, as with django-celery-beat.
NAME_HEADER = "periodic_task_name"
KOMBUS_TAG = f'"{TYPE}"'  # in what django-celery-beat wrote of dates, decimals and UUIDs


def schedule_of(app: Horarium, task: PeriodicTask, extra: Mapping[str, Any], *, now: Instant) -> Schedule:
    """Return the schedule that a row asks for, with the ``extra`` keys of an entry; not stored yet, and without a next
    instant. Its interval, crontab, solar or clocked row should have been read with it. Its id goes by the row, and
    stays the same when that is renamed.

    Raises: InvalidSchedule, EncodingError; both name the row.
    """
    row = task.scheduler
    if row is None:
        raise InvalidSchedule(f"schedule {task.name!r}: expected one schedule to be chosen, got none; choose one")
    entry = {
        **extra,
        "task": task.task,
        "schedule": _when(row),
        "timezone": row.zone if isinstance(row, CrontabSchedule) else None,
        "args": _json(task, "args", list),
        "kwargs": _json(task, "kwargs", dict),
        "options": {**extra.get("options", {}), **_options(task)},
        "start": _zoned(task.start_time),
        "end": _zoned(task.expires),
        "one_off": task.one_off,
        "enabled": task.enabled,
        "description": task.description,
    }
    window = app.conf.beat_cron_starting_deadline
    read = read_entry(task.name, entry, timezone=app.conf.timezone, now=now, cron_window=window)
    return replace(read, id=derived_id("periodic task", app.main, task.pk), owner="table", app=app.main)


def _zoned(moment: datetime | None) -> datetime | None:
    return None if moment is None else zoned(moment)


def _when(row: Any) -> Any:  # Any: a row of one of four tables, and its schedule
    """Return a row's schedule, read once for all tasks that share the object: a crontab takes 0.2 ms."""
    if not hasattr(row, "_horarium_schedule"):
        row._horarium_schedule = row.schedule
    return row._horarium_schedule


def _options(task: PeriodicTask) -> dict[str, Any]:
    options = {name: value for name in OPTIONS if (value := getattr(task, name)) not in (None, "")}
    if task.expire_seconds is not None:
        options["expires"] = task.expire_seconds
    options["headers"] = {**_json(task, "headers", dict), NAME_HEADER: task.name}
    return options


def _json(task: PeriodicTask, field: str, kind: type) -> Any:  # Any: what people wrote
    text = getattr(task, field)
    try:
        value = codec.decode(text.encode()) if text else kind()
        if text and KOMBUS_TAG in text:
            value = from_celery(value, field)
    except (DecodingError, UnicodeEncodeError, Refusal) as error:
        raise InvalidSchedule(
            f"schedule {task.name!r}: expected {field} to be JSON, got {str(text)[:60]!r} ({error}); correct it"
        ) from error
    if not isinstance(value, kind):
        wanted = "a list, such as [1, 2]" if kind is list else 'an object, such as {"size": 2}'
        raise InvalidSchedule(
            f"schedule {task.name!r}: expected {field} to be {wanted}, got {str(text)[:60]!r}; correct it"
        )
    return value
