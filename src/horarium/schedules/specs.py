"""Specs as one kind of thing: read from what people write, and from and to the record that is stored."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import Any, TypeAlias

from horarium.clock import Seconds
from horarium.errors import InvalidSchedule
from horarium.schedules.clocked import clocked
from horarium.schedules.crontab import MAX_TEXT, crontab
from horarium.schedules.interval import every

Spec: TypeAlias = crontab | every | clocked

_CRONTAB_FIELDS = frozenset({"minute", "hour", "day_of_week", "day_of_month", "month_of_year"})


def as_spec(value: object) -> Spec:
    """Return the spec that is meant by a ``schedule=``: a spec, a number of seconds, or a timedelta.

    Raises: InvalidSchedule.
    """
    match value:
        case crontab() | every() | clocked():
            return value
        case timedelta() | float() | int() if not isinstance(value, bool):
            return every(value)
    raise InvalidSchedule(
        "expected schedule to be crontab(...), every(...), clocked(...), a timedelta or a number of seconds, got "
        f"{repr(value)[:60]}; write for instance crontab(minute=0, hour=6) or every(minutes=5)"
    )


def to_record(spec: Spec) -> dict[str, Any]:
    """Return the tagged JSON form of a spec; equal text of the spec always gives an equal record."""
    match spec:
        case crontab():
            return {"kind": "crontab", **spec.fields()}
        case every():
            return {"kind": "every", "milliseconds": spec.milliseconds}
        case clocked():
            return {"kind": "clocked", "instant": spec.instant}


def from_record(record: dict[str, Any]) -> Spec:
    """Return the spec of a stored record. Raises: InvalidSchedule when it is not one."""
    match record:
        case {"kind": "crontab", **fields} if fields.keys() == _CRONTAB_FIELDS and _are_texts(fields):
            return _crontab(**fields)
        case {"kind": "every", "milliseconds": int(milliseconds), **rest} if not rest:
            return _every(milliseconds)
        case {"kind": "clocked", "instant": int(instant), **rest} if not rest:
            return clocked(instant)
    raise InvalidSchedule(
        f"expected the record of a crontab, every or clocked schedule, got {repr(record)[:MAX_TEXT]}; save the "
        "schedule anew"
    )


def describe(spec: Spec) -> str:
    """Return a short text for lists; of a crontab in the order of a crontab file."""
    match spec:
        case crontab():
            texts = spec.fields()
            order = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
            return "crontab " + " ".join(texts[name].replace(" ", "") for name in order)
        case every():
            return f"every {_amounts(spec.milliseconds)}"
        case clocked():
            return f"once at {spec.clocked_time.isoformat(sep=' ', timespec='seconds')}"


@lru_cache(maxsize=4096)
def _crontab(**fields: str) -> crontab:
    return crontab(**fields)  # a value, so that all schedules with these fields may share it


@lru_cache(maxsize=4096)
def _every(milliseconds: int) -> every:
    return every(_seconds(milliseconds))


def _are_texts(fields: dict[str, Any]) -> bool:
    return all(isinstance(text, str) for text in fields.values())


def _seconds(milliseconds: int) -> Seconds | timedelta:
    try:
        return timedelta(milliseconds=milliseconds)
    except OverflowError:
        return float("inf")  # refused by every(), in its words


def _amounts(milliseconds: int) -> str:
    parts = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000)):
        amount, milliseconds = divmod(milliseconds, size)
        if amount:
            parts.append(f"{amount} {unit}")
    if milliseconds:
        parts.append(f"{milliseconds / 1000:g} s")
    return " ".join(parts)
