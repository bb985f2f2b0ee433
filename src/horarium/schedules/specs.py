"""Specs as one kind of thing: read from what people write, and from and to the record that is stored."""

from __future__ import annotations

import reprlib
from datetime import timedelta
from functools import lru_cache
from typing import Any, TypeAlias, cast

from horarium.clock import Seconds
from horarium.errors import InvalidSchedule
from horarium.schedules.calendar import calendar
from horarium.schedules.clocked import clocked
from horarium.schedules.cron import cron
from horarium.schedules.crontab import crontab
from horarium.schedules.exclusions import dates, public_holidays
from horarium.schedules.interval import every
from horarium.schedules.language import MAX_TEXT
from horarium.schedules.recurrence import DEEPEST, Exclusion, Recurrence, WallClock, union, without
from horarium.schedules.solar import solar

Spec: TypeAlias = Recurrence

_CRONTAB_FIELDS = frozenset({"minute", "hour", "day_of_week", "day_of_month", "month_of_year"})
_CALENDAR_FIELDS = frozenset({"every", "unit", "at", "on", "start"})


def as_spec(value: object) -> Spec:
    """Return the spec that is meant by a ``schedule=``: a spec, a number of seconds, or a timedelta.

    Raises: InvalidSchedule.
    """
    match value:
        case Recurrence():
            return value
        case timedelta() | float() | int() if not isinstance(value, bool):
            return every(value)
    raise InvalidSchedule(
        "expected schedule to be crontab(...), cron(...), every(...), calendar(...), solar(...), clocked(...), a "
        f"timedelta or a number of seconds, got {repr(value)[:60]}; write for instance crontab(minute=0, hour=6) or "
        f"{_quoted_example(value)}"
    )


def to_record(spec: Spec) -> dict[str, Any]:
    """Return the tagged JSON form of a spec; equal text of the spec always gives an equal record."""
    match spec:
        case crontab():
            return {"kind": "crontab", **spec.fields()}
        case cron():
            return {"kind": "cron", "line": spec.text}
        case every():
            return {"kind": "every", "milliseconds": spec.milliseconds}
        case clocked():
            return {"kind": "clocked", "instant": spec.instant}
        case calendar():
            return {"kind": "calendar", **spec.given()}
        case solar():
            return {"kind": "solar", "event": spec.event, "lat": spec.lat, "lon": spec.lon}
        case union():
            return {"kind": "union", "members": [to_record(member) for member in spec.members]}
        case without():
            excluded = [_exclusion_record(exclusion) for exclusion in spec.exclusions]
            return {"kind": "without", "spec": to_record(spec.spec), "exclusions": excluded}
    raise AssertionError(f"{spec!r} has no record")


def from_record(record: Any) -> Spec:  # Any: what a store held, judged here
    """Return the spec of a stored record. Raises: InvalidSchedule when it is not one."""
    return _from_record(record, DEEPEST + 1)


def _from_record(record: Any, depth: int) -> Spec:
    match record:
        case {"kind": "crontab", **fields} if fields.keys() == _CRONTAB_FIELDS and _are_texts(fields.values()):
            return _crontab(**cast(dict[str, str], fields))
        case {"kind": "cron", "line": str(line), **rest} if not rest:
            return _cron(line)
        case {"kind": "every", "milliseconds": int(milliseconds), **rest} if not rest:
            return _every(milliseconds)
        case {"kind": "clocked", "instant": int(instant), **rest} if not rest:
            return clocked(instant)
        case {"kind": "calendar", **fields} if fields.keys() == _CALENDAR_FIELDS:
            return calendar(**cast(dict[str, Any], fields))
        case {
            "kind": "solar",
            "event": str(event),
            "lat": float(lat) | int(lat),
            "lon": float(lon) | int(lon),
            **rest,
        } if not rest:
            return solar(event, lat, lon)
        case {"kind": "union", "members": list(members), **rest} if not rest and depth > 0:
            return union(*(_from_record(member, depth - 1) for member in members))
        case {"kind": "without", "spec": dict(spec), "exclusions": list(exclusions), **rest} if not rest and depth > 0:
            return without(_from_record(spec, depth - 1), *map(_exclusion, exclusions))
    raise _no_record("a crontab or another spec", record)


def _exclusion_record(exclusion: Exclusion | WallClock) -> dict[str, Any]:
    match exclusion:
        case dates():
            return {"kind": "dates", "dates": exclusion.texts()}
        case public_holidays():
            return {"kind": "public_holidays", "country": exclusion.country, "subdivision": exclusion.subdivision}
        case WallClock():
            return to_record(exclusion)
    raise AssertionError(f"{exclusion!r} has no record")


def _exclusion(record: object) -> Exclusion | Recurrence:
    match record:
        case {"kind": "dates", "dates": list(given), **rest} if not rest and _are_texts(given):
            return _dates(tuple(given))
        case {
            "kind": "public_holidays",
            "country": str(country),
            "subdivision": None | str() as subdivision,
            **rest,
        } if not rest:
            return public_holidays(country, subdivision)
        case {"kind": "crontab" | "cron" | "calendar"}:
            return _from_record(record, 0)
    raise _no_record("an exclusion", record)


def _no_record(what: str, got: object) -> InvalidSchedule:
    shown = reprlib.repr(got)[:MAX_TEXT]  # a hostile one may be nested too deep for repr
    return InvalidSchedule(f"expected the record of {what}, got {shown}; save the schedule anew")


@lru_cache(maxsize=4096)
def _crontab(**fields: str) -> crontab:
    return crontab(**fields)  # a value, so that all schedules with these fields may share it


@lru_cache(maxsize=4096)
def _cron(line: str) -> cron:
    return cron(line)


@lru_cache(maxsize=64)
def _dates(given: tuple[str, ...]) -> dates:
    return dates(*given)


def _are_texts(values: Any) -> bool:
    return {*map(type, values)} <= {str}  # half the time of a loop over isinstance: each firing asks


@lru_cache(maxsize=4096)
def _every(milliseconds: int) -> every:
    return every(_seconds(milliseconds))


def _seconds(milliseconds: int) -> Seconds | timedelta:
    try:
        return timedelta(milliseconds=milliseconds)
    except OverflowError:
        return float("inf")  # refused by every(), in its words


def _quoted_example(value: object) -> str:
    is_line = isinstance(value, str) and (value.startswith("@") or value.count(" ") == 4)
    return f"cron({value!r})" if is_line and len(str(value)) <= 60 else "every(minutes=5)"
