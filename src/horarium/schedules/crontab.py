"""The crontab of Celery's users: five fields, the same language, read once and checked when written.

Sunday is 0 (and 7); the two day fields are ANDed; ranges wrap (``fri-mon``, ``22-4``). Relies on nothing but the
calendar; when a crontab fires is answered by ``next.py``.
"""

from __future__ import annotations

from functools import lru_cache

from horarium.errors import InvalidSchedule
from horarium.schedules.language import (
    FIELDS,
    IN_FILES,
    FieldValue,
    located,
    read,
    refuse_impossible_dates,
    split_line,
    starts_with_star,
)
from horarium.schedules.months import Month, month_of, times_of
from horarium.schedules.recurrence import WallClock


class crontab(WallClock):
    """Fire at each local minute that fits all five fields.

    A field is a number, a set of numbers, or text: ``*``, lists (``0,30``), ranges that may wrap (``22-4``), steps
    (``*/15``, ``8-18/2``), and names by their first three letters. The sets that were meant are the attributes
    ``minute hour day_of_week day_of_month month_of_year``; what was written is kept in ``_orig_minute`` and so on.
    Immutable. Two crontabs are equal when their five sets are, and both are fixed or both running.
    ``nowfun`` and ``app`` are accepted for Celery's sake and change nothing.
    Raises: InvalidSchedule when a field cannot be read, or when no date ever fits.
    """

    __slots__ = (
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
    is_fixed: bool  # neither the hour nor the minute starts with *: a clock change may be repaired (S2)

    def __init__(
        self,
        minute: FieldValue = "*",
        hour: FieldValue = "*",
        day_of_week: FieldValue = "*",
        day_of_month: FieldValue = "*",
        month_of_year: FieldValue = "*",
        *,
        nowfun: object = None,
        app: object = None,
    ) -> None:
        for field, value in zip(FIELDS, (minute, hour, day_of_week, day_of_month, month_of_year), strict=True):
            written, meant = read(field, value)
            self._keep(**{field.name: meant, f"_orig_{field.name}": written})
        is_fixed = not (starts_with_star(self._orig_minute) or starts_with_star(self._orig_hour))
        self._keep(is_fixed=is_fixed, times=times_of(self.hour, self.minute))
        self._equal_by(self.minute, self.hour, self.day_of_week, self.day_of_month, self.month_of_year, is_fixed)
        refuse_impossible_dates(
            self.day_of_month,
            self.month_of_year,
            day=_text(self._orig_day_of_month),
            month=_text(self._orig_month_of_year),
        )

    @classmethod
    def from_string(cls, text: str) -> crontab:
        """Read ``minute hour day_of_month month_of_year day_of_week``, the order of a crontab file.

        The two day fields are ANDed here too; for cron's OR, write ``cron("...")``. Raises: InvalidSchedule.
        """
        given = {}
        for field, (word, position) in zip(IN_FILES, split_line(text, "'0 6 * * 1'"), strict=True):
            try:
                read(field, word)
            except InvalidSchedule as error:
                raise located(error, field.name, position, text) from error
            given[field.name] = word
        return cls(**given)

    def fields(self) -> dict[str, str]:
        """Return the five fields by name as text that reads back as an equal crontab."""
        return {field.name: _text(getattr(self, f"_orig_{field.name}")) for field in FIELDS}

    def days(self, year: int, month: int) -> tuple[int, ...]:
        """Return the days of a month that fit."""
        return _fitting(self, year, month)

    def __reduce__(self) -> tuple[type[crontab], tuple[str, ...]]:
        return crontab, tuple(self.fields().values())

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={text!r}" for name, text in self.fields().items() if text != "*")
        return f"crontab({given})"


@lru_cache(maxsize=16_384)
def _fitting(spec: crontab, year: int, month: int) -> tuple[int, ...]:
    if month not in spec.month_of_year:
        return ()
    return _both(spec.day_of_month, spec.day_of_week, month_of(year, month))


@lru_cache(maxsize=4096)
def _both(days: frozenset[int], weekdays: frozenset[int], month: Month) -> tuple[int, ...]:
    return tuple(day for day in range(1, month.length + 1) if day in days and month.weekday(day) in weekdays)


def _text(written: object) -> str:
    return ",".join(map(str, written)) if isinstance(written, tuple) else str(written)
