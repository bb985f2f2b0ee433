"""The crontab of Celery's users: five fields, the same language, read once and checked when written.

Sunday is 0 (and 7); the two day fields are ANDed; ranges wrap (``fri-mon``, ``22-4``). Relies on nothing but the
calendar; when a crontab fires is answered by ``next.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple, TypeAlias

from horarium.errors import InvalidSchedule
from horarium.schedules.value import Value

FieldValue: TypeAlias = int | str | Iterable[int | str]

# Longer than any spec that a person writes, short enough that a hostile one costs nothing to refuse.
MAX_TEXT = 200

WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# A name may be cut short after its third letter; a misspelt one is not taken for the day it begins like.
_LONG_NAMES = {
    name[:3]: name
    for name in (
        "sunday monday tuesday wednesday thursday friday saturday january february march april may june july august "
        "september october november december"
    ).split()
}

_LONGEST_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_PART = re.compile(r"(?P<first>\*|[A-Za-z]+|[0-9]+)(?:-(?P<last>[A-Za-z]+|[0-9]+))?(?:/(?P<step>[0-9]+))?")


class _Field(NamedTuple):
    name: str
    lowest: int
    highest: int  # of the values that may be written; Sunday may be written 7
    names: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        names = f" or {self.names[0]}-{self.names[-1]}" if self.names else ""
        return f"{self.lowest}-{self.highest}{names}, as a number, list, range or step"


_MINUTE = _Field("minute", 0, 59)
_HOUR = _Field("hour", 0, 23)
_DAY_OF_WEEK = _Field("day_of_week", 0, 7, WEEKDAYS)
_DAY_OF_MONTH = _Field("day_of_month", 1, 31)
_MONTH_OF_YEAR = _Field("month_of_year", 1, 12, MONTHS)
_FIELDS = (_MINUTE, _HOUR, _DAY_OF_WEEK, _DAY_OF_MONTH, _MONTH_OF_YEAR)


class crontab(Value):
    """Fire at each local minute that fits all five fields.

    A field is a number, a set of numbers, or text: ``*``, lists (``0,30``), ranges that may wrap (``22-4``), steps
    (``*/15``, ``8-18/2``), and names by their first three letters. The sets that were meant are the attributes
    ``minute hour day_of_week day_of_month month_of_year``; what was written is kept in ``_orig_minute`` and so on.
    Immutable. Two crontabs are equal when their five sets are, and both are fixed or both running.
    Raises: InvalidSchedule when a field cannot be read, or when no date ever fits.
    """

    __slots__ = (
        "_hash",
        "_key",
        "_orig_day_of_month",
        "_orig_day_of_week",
        "_orig_hour",
        "_orig_minute",
        "_orig_month_of_year",
        "day_of_month",
        "day_of_week",
        "hour",
        "is_fixed",
        "minute",
        "month_of_year",
    )

    minute: frozenset[int]
    hour: frozenset[int]
    day_of_week: frozenset[int]
    day_of_month: frozenset[int]
    month_of_year: frozenset[int]
    _orig_minute: object
    _orig_hour: object
    _orig_day_of_week: object
    _orig_day_of_month: object
    _orig_month_of_year: object
    _key: tuple[object, ...]
    _hash: int
    is_fixed: bool  # neither the hour nor the minute starts with *: a clock change may be repaired (S2)

    def __init__(
        self,
        minute: FieldValue = "*",
        hour: FieldValue = "*",
        day_of_week: FieldValue = "*",
        day_of_month: FieldValue = "*",
        month_of_year: FieldValue = "*",
    ) -> None:
        for field, value in zip(_FIELDS, (minute, hour, day_of_week, day_of_month, month_of_year), strict=True):
            written, meant = _read(field, value)
            self._keep(**{field.name: meant, f"_orig_{field.name}": written})
        is_fixed = not (_starts_with_star(self._orig_minute) or _starts_with_star(self._orig_hour))
        key = (self.minute, self.hour, self.day_of_week, self.day_of_month, self.month_of_year, is_fixed)
        self._keep(is_fixed=is_fixed, _key=key, _hash=hash(key))
        _refuse_impossible_dates(self)

    @classmethod
    def from_string(cls, text: str) -> crontab:
        """Read ``minute hour day_of_month month_of_year day_of_week``, the order of a crontab file.

        Raises: InvalidSchedule.
        """
        parts = text.split(None, 5) if isinstance(text, str) and len(text) <= MAX_TEXT else []
        if len(parts) != 5:
            raise InvalidSchedule(
                "expected five fields (minute hour day_of_month month_of_year day_of_week) in at most "
                f"{MAX_TEXT} characters, got {_shown(text)}; write for instance '0 6 * * 1'"
            )
        minute, hour, day_of_month, month_of_year, day_of_week = parts
        return cls(minute, hour, day_of_week, day_of_month, month_of_year)

    def fields(self) -> dict[str, str]:
        """Return the five fields by name as text that reads back as an equal crontab."""
        return {field.name: _text(getattr(self, f"_orig_{field.name}")) for field in _FIELDS}

    def __eq__(self, other: object) -> bool:
        return self._key == other._key if isinstance(other, crontab) else NotImplemented

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[type[crontab], tuple[str, ...]]:
        return crontab, tuple(self.fields().values())

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={text!r}" for name, text in self.fields().items() if text != "*")
        return f"crontab({given})"


def _read(field: _Field, value: object) -> tuple[object, frozenset[int]]:
    """Return a field as it was written (an iterable as a sorted tuple) and the set that it means."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value, frozenset((_folded(field, _in_range(field, value, value)),))
    if isinstance(value, str):
        return value, _parse(field, value)
    if isinstance(value, Iterable) and not isinstance(value, bytes | bytearray):
        elements = list(islice(value, MAX_TEXT + 1))
        if 0 < len(elements) <= MAX_TEXT and all(isinstance(element, int | str) for element in elements):
            meant = frozenset(number for element in elements for number in _read(field, element)[1])
            return tuple(sorted(meant)), meant
    raise _refusal(field, value)


def _parse(field: _Field, text: str) -> frozenset[int]:
    if len(text) > MAX_TEXT:
        raise _refusal(field, text, f"; it has {len(text)} characters, at most {MAX_TEXT} are read")
    return frozenset(_folded(field, number) for part in text.split(",") for number in _parse_part(field, part, text))


def _parse_part(field: _Field, part: str, text: str) -> list[int]:
    match = _PART.fullmatch(part.strip())
    if match is None:
        raise _refusal(field, text)
    first, last, step = match["first"], match["last"], int(match["step"] or 1)
    if first == "*":
        if last is not None or not 1 <= step <= field.highest:
            raise _refusal(field, text)
        numbers = list(range(field.lowest, _wrap_at(field)))
    elif last is None:
        if match["step"] is not None:
            raise _refusal(field, text, f"; to start at {first}, write the range: {first}-{field.highest}/{step}")
        numbers = [_number(field, first, text)]
    else:
        numbers = _range(field, _number(field, first, text), _number(field, last, text))
    if step < 1:
        raise _refusal(field, text, "; a step is at least 1")
    return numbers[::step]


def _range(field: _Field, first: int, last: int) -> list[int]:
    if first > last:
        first = _folded(field, first)  # 7-3 is Sunday to Wednesday
    if first > last:
        return [*range(first, _wrap_at(field)), *range(field.lowest, last + 1)]
    return list(range(first, last + 1))


def _number(field: _Field, word: str, text: str) -> int:
    if word.isdigit():
        return _in_range(field, int(word), text)
    abbreviation = word[:3].lower()
    if abbreviation not in field.names or not _LONG_NAMES[abbreviation].startswith(word.lower()):
        raise _refusal(field, text)
    return field.names.index(abbreviation) + field.lowest


def _in_range(field: _Field, number: int, shown: object) -> int:
    if not field.lowest <= number <= field.highest:
        raise _refusal(field, shown)
    return number


def _wrap_at(field: _Field) -> int:
    """Return the number after the last one of the field: there a range starts again."""
    return 7 if field is _DAY_OF_WEEK else field.highest + 1


def _folded(field: _Field, number: int) -> int:
    return 0 if field is _DAY_OF_WEEK and number == 7 else number


def _starts_with_star(written: object) -> bool:
    return isinstance(written, str) and written.lstrip().startswith("*")


def _refuse_impossible_dates(spec: crontab) -> None:
    if min(spec.day_of_month) > max(_LONGEST_MONTH[month - 1] for month in spec.month_of_year):
        raise InvalidSchedule(
            f"expected a day_of_month that occurs in month_of_year {_text(spec._orig_month_of_year)}, got "
            f"{_text(spec._orig_day_of_month)}, which it never has; choose an earlier day or other months"
        )


def _refusal(field: _Field, value: object, remedy: str = "; see crontab in the guide") -> InvalidSchedule:
    return InvalidSchedule(f"expected {field.name} to be * or {field.allowed}, got {_shown(value)}{remedy}")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _text(written: object) -> str:
    return ",".join(map(str, written)) if isinstance(written, tuple) else str(written)
