"""Entries of ``beat_schedule`` and their like: read what people write in code into the schedule that they want."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from math import isfinite
from typing import Any, get_args

from msgspec import Raw
from msgspec.structs import replace

from horarium import codec
from horarium.clock import FOREVER, LATEST, Instant, Seconds, to_instant
from horarium.errors import InvalidSchedule
from horarium.message import derived_id
from horarium.schedules.record import MOST, Align, Catchup, DstFold, DstGap, Overlap, Schedule
from horarium.schedules.specs import as_spec, to_record

KEYS = (
    "task",
    "schedule",
    "args",
    "kwargs",
    "options",
    "relative",
    "timezone",
    "dst_gap",
    "dst_fold",
    "catchup",
    "catchup_window",
    "catchup_limit",
    "catchup_spacing",
    "align",
    "overlap",
    "max_active",
    "jitter",
    "spread",
    "grace",
    "pause_after",
    "start",
    "end",
    "one_off",
    "max_runs",
    "enabled",
    "description",
)

CHOICES = frozenset(KEYS) - {"task", "schedule", "args", "kwargs", "options"}  # what may be left out of any entry

_ZONE_NAME = "the IANA name of a time zone"
_IN_NO_TEXT = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL keeps no NUL, nobody half a character
_IN_NO_NAME = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # a line of a listing, a log, is one schedule
MOST_CAUGHT_UP = 1000  # instants of one firing: they are enqueued in one transaction


def schedule_id(name: str) -> str:
    """Return the id of the schedule of this name that code defines: the same in every process that wants it."""
    return derived_id("schedule", name)


def storable(value: object) -> str | None:
    """Return a text that every store can keep; None for anything else."""
    return value if isinstance(value, str) and not _IN_NO_TEXT.search(value) else None


def read_entry(
    name: str, entry: Mapping[str, Any], *, timezone: str, now: Instant, cron_window: Seconds | None = None
) -> Schedule:
    """Return the schedule that an entry of code asks for, not stored yet and without a next instant.

    ``task`` and ``schedule`` are required; ``args kwargs options`` are those of apply_async; ``relative`` is accepted
    and changes nothing; the other keys are the fields of a Schedule. ``cron_window`` is the catchup_window of a
    crontab that chooses none. Whether the zone exists and the task is known is
    judged when it is stored. Raises: InvalidSchedule, EncodingError; both name the entry.
    """
    try:
        schedule = _schedule(name, entry, timezone=timezone, now=now)
    except InvalidSchedule as error:
        raise InvalidSchedule(f"schedule {str(name)[:100]!r}: {error}") from error
    if cron_window is not None and entry.get("catchup_window") is None and schedule.spec.get("kind") == "crontab":
        return replace(schedule, catchup_window=cron_window)
    return schedule


def _schedule(name: str, entry: Mapping[str, Any], *, timezone: str, now: Instant) -> Schedule:
    _check_keys(name, entry)
    task = _required(entry, "task")
    if not isinstance(task, str) or storable(task) is None:
        raise _refusal("task", "the name of a task", task, "write for instance 'shop.tasks.send_report'")
    path = f"beat_schedule[{name!r}]"
    args, kwargs = entry.get("args") or (), entry.get("kwargs") or {}
    if isinstance(args, str | bytes) or not isinstance(args, Sequence | set):
        raise _refusal("args", "a list or tuple", args, "write args=(value,) for one argument")
    if not isinstance(kwargs, Mapping):
        raise _refusal("kwargs", "a dict", kwargs, "write kwargs={'name': value}")
    return Schedule(
        id=schedule_id(name),
        name=name,
        task=task,
        spec=to_record(as_spec(_required(entry, "schedule"))),
        args=Raw(codec.encode(list(args), path=f"{path}.args")),
        kwargs=Raw(codec.encode(dict(kwargs), path=f"{path}.kwargs")),
        options=_options(entry.get("options") or {}),
        timezone=_zone(entry) or timezone,
        owner="code",
        anchor=now,
        created=now,
        changed=now,
        **_chosen(entry),
    )


def _zone(entry: Mapping[str, Any]) -> str | None:
    """Return the zone that an entry names, or its schedule: django-celery-beat's crontabs say theirs as ``tz``."""
    key = "timezone" if entry.get("timezone") is not None else "tz"
    named = entry.get("timezone") or getattr(entry["schedule"], "tz", None)
    return None if named is None else _read({key: named}, key, _text, _ZONE_NAME)


def _chosen(entry: Mapping[str, Any]) -> dict[str, Any]:  # Any: fields of many types, each checked by its reader
    """Return what an entry chooses of a schedule's other fields."""
    duration = (_duration, "seconds or a timedelta, not negative and at most a hundred years")
    moment = (_instant, "a datetime or UTC milliseconds, from 1970 to 9998")
    count, flag = (_count, f"a number from 1 to {MOST}"), (_flag, "True or False")
    readers: dict[str, tuple[Callable[[object], Any], str]] = {
        "enabled": flag,
        "one_off": flag,
        "max_runs": count,
        "start": moment,
        "end": moment,
        "dst_gap": _one_of(get_args(DstGap)),
        "dst_fold": _one_of(get_args(DstFold)),
        "catchup": _one_of(get_args(Catchup)),
        "catchup_window": duration,
        "catchup_limit": (_count_up_to(MOST_CAUGHT_UP), f"a number from 1 to {MOST_CAUGHT_UP}"),
        "catchup_spacing": duration,
        "align": _one_of(get_args(Align)),
        "overlap": _one_of(get_args(Overlap)),
        "max_active": count,
        "jitter": duration,
        "spread": duration,
        "grace": duration,
        "pause_after": count,
        "description": (storable, "text without what no store can keep"),
    }
    return {key: _read(entry, key, *readers[key]) for key in readers if entry.get(key) is not None}


def _check_keys(name: object, entry: object) -> None:
    if not isinstance(name, str) or not name or _IN_NO_NAME.search(name):
        raise _refusal("its name", "text of one line", name, "name each entry")
    if not isinstance(entry, Mapping):
        raise _refusal("an entry", "a dict with task and schedule", entry, "see beat_schedule in the guide")
    for key in entry:
        if key not in KEYS:
            from difflib import get_close_matches  # here: only a mistake needs it

            nearest = get_close_matches(str(key), KEYS, n=1)
            hint = f"did you mean {nearest[0]!r}?" if nearest else f"known are {', '.join(KEYS)}"
            raise InvalidSchedule(f"expected the key of a schedule entry, got {key!r}; {hint}")


def _required(entry: Mapping[str, Any], key: str) -> object:
    if entry.get(key) is None:
        raise InvalidSchedule(f"expected the keys task and schedule, got {', '.join(map(str, entry))}; add {key!r}")
    return entry[key]


def _options(options: object) -> dict[str, Any]:
    """Return the options as the JSON that is stored. They are used at every firing, so none can name a moment."""
    if not isinstance(options, Mapping) or not all(isinstance(key, str) for key in options):
        raise _refusal("options", "a dict by the names of apply_async's options", options, "see apply_async")
    for key in ("task_id", "eta"):
        if key in options:
            raise _refusal(f"options[{key!r}]", "left out", options[key], "each firing has an id and a time of its own")
    return {key: _plain(f"options[{key!r}]", value) for key, value in options.items()}


def _plain(path: str, value: object) -> Any:
    match value:
        case None | bool() | int():
            return value
        case float() if isfinite(value):  # else JSON has null for it
            return value
        case str() if storable(value) is not None:
            return value
        case timedelta():
            return value.total_seconds()
        case list() | tuple():
            return [_plain(f"{path}[{position}]", element) for position, element in enumerate(value)]
        case dict() if all(isinstance(key, str) for key in value):
            return {key: _plain(f"{path}[{key!r}]", element) for key, element in value.items()}
    raise _refusal(path, "plain JSON or a timedelta", value, "give times in seconds after the firing; see also end")


def _read(entry: Mapping[str, Any], key: str, read: Callable[[object], Any], expected: str) -> Any:
    found = read(entry[key])
    if found is None:
        raise _refusal(key, expected, entry[key], "correct it, or leave it out for the default")
    return found


def _text(value: object) -> str | None:
    # A tzinfo of zoneinfo or pytz says its name as text.
    return storable(value if isinstance(value, str) else getattr(value, "key", None) or getattr(value, "zone", None))


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST else None


def _instant(value: object) -> Instant | None:
    moment = to_instant(value) if isinstance(value, datetime) else value
    if isinstance(moment, bool) or not isinstance(moment, int):
        return None
    return moment if 0 <= moment <= LATEST else None


def _duration(value: object) -> float | None:
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    return float(seconds) if 0 <= seconds <= FOREVER else None


def _count_up_to(most: int) -> Callable[[object], int | None]:
    return lambda value: count if (count := _count(value)) is not None and count <= most else None


def _one_of(allowed: tuple[str, ...]) -> tuple[Callable[[object], str | None], str]:
    return lambda value: value if isinstance(value, str) and value in allowed else None, " or ".join(allowed)


def _refusal(what: str, expected: str, got: object, remedy: str) -> InvalidSchedule:
    return InvalidSchedule(f"expected {what} to be {expected}, got {repr(got)[:60]}; {remedy}")
