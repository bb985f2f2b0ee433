"""From an entry of the settings to the row that says the same; ``reading`` goes the other way.

Pure but for Django's settings: nothing is queried or saved here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from horarium import schedules
from horarium.bridge.values import raw_to_celery, written
from horarium.clock import Instant
from horarium.contrib.django.beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    SolarSchedule,
)
from horarium.contrib.django.columns import column_value
from horarium.errors import EncodingError
from horarium.schedules.entries import CHOICES
from horarium.schedules.record import MOST, Schedule
from horarium.schedules.specs import Spec, from_record
from horarium.tagged import TAG_BYTES

OFF = "off:"  # how the digest of an entry begins that is not enabled
MODELS = {"interval": IntervalSchedule, "crontab": CrontabSchedule, "solar": SolarSchedule, "clocked": ClockedSchedule}
# Keys of an entry that the tables have a column for; the other ones are kept in ScheduleExtra.
_COLUMNS = frozenset({"timezone", "relative", "start", "end", "one_off", "enabled", "description"})
_OPTIONS = ("queue", "exchange", "routing_key", "priority")
_CRON_FIELDS = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
_PERIODS = (("days", 86_400_000), ("hours", 3_600_000), ("minutes", 60_000), ("seconds", 1000))


class Wanted(Struct, frozen=True, kw_only=True):
    """The row that an entry asks for: its columns, the row that says when, and what no column can say."""

    name: str
    columns: dict[str, Any]  # Any: what each column holds
    unsaid: frozenset[str]  # columns that the entry leaves to people: they are set when the row is made
    kind: str  # which of the four schedules
    when: dict[str, Any]  # its columns
    extra: dict[str, Any]  # ScheduleExtra.options
    digest: str

    def schedule_row(self) -> Any:  # one of MODELS
        """Return the row that says when, not saved."""
        return MODELS[self.kind](**self.when)


def wanted_row(entry: Mapping[str, Any], schedule: Schedule) -> Wanted | None:
    """Return the row that says what an entry says, which was read as ``schedule``; None if no row can: its times are
    those of a calendar, a union, or with exclusions."""
    found = _when(from_record(schedule.spec), schedule.timezone)
    if found is None:
        return None
    kind, when = found
    options = dict(schedule.options)
    columns = {name: options.pop(name, None) for name in _OPTIONS}
    seconds = _expiry(options)
    extra = {key: getattr(schedule, key) for key in CHOICES - _COLUMNS if entry.get(key) is not None}
    columns |= {
        "task": schedule.task,
        "args": _text(schedule.args),
        "kwargs": _text(schedule.kwargs),
        "headers": msgspec.json.encode(options.pop("headers", None) or {}).decode(),
        "start_time": _moment(schedule.start),
        "expires": _moment(schedule.end),
        "expire_seconds": seconds if schedule.end is None else None,  # a row may have one of the two
        "one_off": schedule.one_off or kind == "clocked",
        "enabled": schedule.enabled,
        "description": schedule.description,
    }
    if seconds is not None and schedule.end is not None:
        options["expires"] = seconds
    if options:
        extra["options"] = options
    return Wanted(
        name=schedule.name,
        columns=columns,
        unsaid=frozenset(key for key in ("enabled", "description") if entry.get(key) is None),
        kind=kind,
        when=when,
        extra=extra,
        digest=_digest(schedule),
    )


def _moment(instant: Instant | None) -> datetime | None:
    return None if instant is None else column_value(instant)


def _text(raw: Raw) -> str:
    """Return arguments as django-celery-beat writes them, so that it can read them too; our way, if it cannot."""
    try:
        return (written(raw_to_celery(raw, "args")) if TAG_BYTES in bytes(raw) else bytes(raw)).decode()
    except EncodingError:
        return bytes(raw).decode()


def _when(spec: Spec, zone: str) -> tuple[str, dict[str, Any]] | None:
    match spec:
        case schedules.crontab():
            return "crontab", {**_fields(spec), "timezone": zone}
        case schedules.cron() if (words := _plain_cron(spec)) is not None:
            return "crontab", {**words, "timezone": zone}
        case schedules.every():
            return _interval(spec.milliseconds)
        case schedules.solar():
            latitude, longitude = (Decimal(str(number)).quantize(Decimal("1e-6")) for number in (spec.lat, spec.lon))
            return "solar", {"event": spec.event, "latitude": latitude, "longitude": longitude}
        case schedules.clocked():
            return "clocked", {"clocked_time": column_value(spec.instant)}
    return None


def _fields(spec: schedules.crontab) -> dict[str, str]:
    """Return the five fields as written; as a list of numbers, where that would not fit into the column."""
    return {
        name: text if len(text) <= _width(name) else ",".join(map(str, sorted(getattr(spec, name))))
        for name, text in spec.fields().items()
    }


def _width(field: str) -> int:
    width: int = CrontabSchedule._meta.get_field(field).max_length
    return width


def _plain_cron(spec: schedules.cron) -> dict[str, str] | None:
    """Return the fields of a line that means the same as a crontab: no nth weekday, no last day, no either-or."""
    words = dict(zip(_CRON_FIELDS, spec.line().split(), strict=True))
    if spec.fits_either_day or spec.nth_weekdays or "l" in words["day_of_month"].lower():
        return None
    return words


def _interval(milliseconds: int) -> tuple[str, dict[str, Any]] | None:
    for period, length in _PERIODS:
        if milliseconds % length == 0:
            return "interval", {"every": milliseconds // length, "period": period}
    microseconds = milliseconds * 1000
    return ("interval", {"every": microseconds, "period": "microseconds"}) if microseconds <= MOST else None


def _expiry(options: dict[str, Any]) -> int | None:
    """Take out of the options after how many whole seconds a run expires; what the column cannot hold stays there."""
    found = options.pop("expire_seconds", None)  # as django-celery-beat's own entries say it
    found = options.pop("expires", found)
    seconds = found.total_seconds() if isinstance(found, timedelta) else found
    if seconds is None:
        return None
    if isinstance(seconds, int | float) and seconds == int(seconds) and 0 <= seconds <= MOST:
        return int(seconds)
    options["expires"] = seconds
    return None


def _digest(schedule: Schedule) -> str:
    """Return what tells whether an entry is as it was: of what it means, not of when it was read."""
    lasting = replace(schedule, anchor=0, created=0, changed=0)
    found = hashlib.sha256(msgspec.json.encode(lasting, order="deterministic")).hexdigest()
    return found if schedule.enabled else f"{OFF}{found[len(OFF) :]}"
