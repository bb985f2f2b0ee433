"""Every so many days, weeks, months or years, at local times: counted on the calendar from a start date."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, time
from functools import lru_cache
from itertools import islice
from typing import Literal, NamedTuple, TypeAlias, get_args

from horarium.errors import InvalidSchedule
from horarium.schedules.language import (
    DAY_OF_WEEK,
    LONGEST_MONTH,
    MAX_TEXT,
    MONTH_OF_YEAR,
    MONTHS,
    WEEKDAYS,
    Part,
    nearest_of,
    number,
    parse,
    shown,
)
from horarium.schedules.months import month_of
from horarium.schedules.recurrence import WallClock

Unit: TypeAlias = Literal["days", "weeks", "months", "years"]

LONGEST = {"days": 3650, "weeks": 520, "months": 120, "years": 10}  # ten years
LAST = -1
ANY = -1
_NTH = {"1st": 1, "2nd": 2, "3rd": 3, "4th": 4, "5th": 5, "last": LAST}
_NTH_TEXT = {number: text for text, number in _NTH.items()}
_MOST = 100  # times, days
_TIME = r"([0-9]{1,2}):([0-9]{2})"  # compiled when it is first used: most programs never do


class Day(NamedTuple):
    """A day of a month, or of a year."""

    month: int  # ANY: of each month
    nth: int  # LAST: the last one
    weekday: int  # ANY: the nth day; else the nth of this weekday

    def __str__(self) -> str:
        nth = str(self.nth) if self.weekday == ANY and self.nth != LAST else _NTH_TEXT[self.nth]
        weekday = [] if self.weekday == ANY else [WEEKDAYS[self.weekday]]
        return " ".join([nth, *weekday, *([] if self.month == ANY else [MONTHS[self.month - 1]])])

    def of(self, year: int, month: int) -> int | None:
        """Return which day of the month it is; None if that month has no such day."""
        if self.month not in (ANY, month):
            return None
        if self.weekday != ANY:
            return month_of(year, month).nth(self.nth, self.weekday)
        length = month_of(year, month).length
        return length if self.nth == LAST else self.nth if self.nth <= length else None


class calendar(WallClock):
    """Fire every so many days, weeks, months or years at local times.

    ``calendar(every=2, unit="weeks", at="09:00", on="mon,thu", start="2026-01-05")``

    ``at``: one or several times, "HH:MM". ``on``: of weeks, weekdays ("mon", "mon-fri"); of months, days (1, "15",
    "last", "2nd tue", "last fri"); of years, the same with a month ("24 dec", "last feb", "4th thu nov"). Left out,
    it is the weekday or the day of ``start``. What a month does not have is passed over. ``start``: the date from
    which is counted and before which nothing fires; it may be left out only if ``every`` is 1 and ``on`` is given or
    the unit is days. Weeks begin on Monday. A clock change is repaired as of a fixed crontab. Immutable, hashable.
    Raises: InvalidSchedule when it cannot be read, or when no date ever fits.
    """

    __slots__ = ("every", "on", "start", "unit", "weekdays")

    is_fixed = True
    every: int
    unit: Unit
    on: tuple[Day, ...]  # of months and years
    weekdays: frozenset[int]  # of weeks
    start: date | None

    def __init__(
        self,
        every: int = 1,
        unit: str = "days",
        *,
        at: str | time | Iterable[str | time],
        on: int | str | Iterable[int | str] | None = None,
        start: date | str | None = None,
    ) -> None:
        known = _read_unit(unit)
        if isinstance(every, bool) or not isinstance(every, int) or not 1 <= every <= LONGEST[known]:
            raise _refusal("every", f"a number from 1 to {LONGEST[known]} ({known})", every, "at most ten years")
        begin = _read_start(start)
        needs_start = every > 1 or (on is None and known != "days")
        if begin is None and needs_start:
            raise _refusal("start", "a date", start, f"say from when the {known} are counted, as start='2026-01-05'")
        words = _words(on)
        self._keep(
            every=every,
            unit=known,
            times=_read_times(at),
            weekdays=_read_weekdays(words, begin) if known == "weeks" else frozenset(),
            on=_read_days(words, begin, known) if known in ("months", "years") else (),
            start=begin,
        )
        if known == "days" and on is not None:
            raise _refusal("on", "left out where the unit is days", on, "for weekdays, write unit='weeks'")
        self._equal_by(self.times, *(getattr(self, name) for name in self.__slots__))

    def days(self, year: int, month: int) -> tuple[int, ...]:
        """Return the days of a month that fit."""
        return _fitting(self, year, month)

    def at_texts(self) -> list[str]:
        """Return the times as text."""
        return [f"{second // 3600:02}:{second % 3600 // 60:02}" for second in self.times]

    def on_texts(self) -> list[str]:
        """Return the days as text that reads back."""
        if self.unit == "weeks":
            return [WEEKDAYS[day] for day in sorted(self.weekdays, key=lambda day: (day - 1) % 7)]
        return [str(day) for day in self.on]

    def given(self) -> dict[str, object]:
        """Return the arguments that make an equal one, as JSON has them."""
        return {
            "every": self.every,
            "unit": self.unit,
            "at": self.at_texts(),
            "on": self.on_texts() or None,
            "start": None if self.start is None else self.start.isoformat(),
        }

    def __reduce__(self) -> tuple[object, tuple[dict[str, object]]]:
        return _again, (self.given(),)

    def __repr__(self) -> str:
        given = [f"{name}={value!r}" for name, value in self.given().items() if value is not None]
        return f"calendar({', '.join(given)})"


def _again(given: dict[str, object]) -> calendar:
    return calendar(**given)  # type: ignore[arg-type]  # what given() has said


@lru_cache(maxsize=8192)
def _fitting(spec: calendar, year: int, month: int) -> tuple[int, ...]:
    start = spec.start or date(1970, 1, 5)  # a Monday; it matters to none that may be without
    earliest = spec.start.toordinal() if spec.start else 0
    before = date(year, month, 1).toordinal() - 1
    length = month_of(year, month).length
    match spec.unit:
        case "days":
            first = 1 + (start.toordinal() - before - 1) % spec.every
            found: Iterable[int] = range(first, length + 1, spec.every)
        case "weeks":
            first_week = (start.toordinal() - 1) // 7
            found = (
                day
                for day in range(1, length + 1)
                if ((before + day - 1) // 7 - first_week) % spec.every == 0
                and month_of(year, month).weekday(day) in spec.weekdays
            )
        case "months":
            turn = (year - start.year) * 12 + month - start.month
            found = _days_of(spec, year, month) if turn % spec.every == 0 else ()
        case "years":
            found = _days_of(spec, year, month) if (year - start.year) % spec.every == 0 else ()
    return tuple(day for day in found if before + day >= earliest)


def _days_of(spec: calendar, year: int, month: int) -> list[int]:
    return sorted({found for day in spec.on if (found := day.of(year, month)) is not None})


def _read_unit(unit: object) -> Unit:
    for known in get_args(Unit):
        if unit in (known, known[:-1]):
            found: Unit = known
            return found
    raise _refusal(
        "unit", "days, weeks, months or years", unit, "say what is counted" + nearest_of(unit, get_args(Unit))
    )


def _read_start(start: object) -> date | None:
    try:
        found = date.fromisoformat(start) if isinstance(start, str) else start
    except ValueError as error:
        raise _refusal("start", "a date", start, f"{error}; write it as '2026-01-05'") from error
    if found is None or (type(found) is date and 1970 <= found.year < 9998):
        return found
    raise _refusal("start", "a date from 1970 on", start, "write it as '2026-01-05'; times of the day go into at")


def _read_times(at: object) -> tuple[int, ...]:
    given = [at] if isinstance(at, str | time) else list(islice(at, _MOST + 1)) if isinstance(at, Iterable) else []
    words = [word for each in given for word in (each.split(",") if isinstance(each, str) else [each])]
    if not 1 <= len(words) <= _MOST:
        raise _refusal("at", f"1 to {_MOST} local times", at, "write for instance at='09:00'")
    return tuple(sorted({_read_time(word) for word in words}))


def _read_time(word: object) -> int:
    if isinstance(word, time) and word == time(word.hour, word.minute):
        return word.hour * 3600 + word.minute * 60
    match = re.fullmatch(_TIME, word.strip()) if isinstance(word, str) else None
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:
        raise _refusal(
            "at", "a local time from 00:00 to 23:59, in whole minutes", word, "write for instance at='09:00'"
        )
    return int(match[1]) * 3600 + int(match[2]) * 60


def _words(on: object) -> list[str]:
    """Return the elements of ``on`` as text."""
    if on is None:
        return []
    given = [on] if isinstance(on, int | str) else list(islice(on, _MOST + 1)) if isinstance(on, Iterable) else []
    are_words = all(isinstance(each, int | str) and not isinstance(each, bool) for each in given)
    words = [word.strip().lower() for each in given for word in str(each).split(",")]
    if not are_words or not 1 <= len(words) <= _MOST or any(len(word) > MAX_TEXT for word in words):
        raise _refusal("on", f"1 to {_MOST} days", on, "write for instance on='mon,thu' or on=[1, 'last']")
    return words


def _read_weekdays(words: list[str], start: date | None) -> frozenset[int]:
    if not words:
        assert start is not None  # it was asked for
        return frozenset({start.isoweekday() % 7})
    if any(word.isdigit() for word in words):
        raise _refusal("on", "weekdays by their names", ",".join(words), "write for instance on='mon,thu'")
    return frozenset(day for word in words for day in parse(DAY_OF_WEEK, word))


def _read_days(words: list[str], start: date | None, unit: Unit) -> tuple[Day, ...]:
    if not words:
        assert start is not None  # it was asked for
        return (Day(start.month if unit == "years" else ANY, start.day, ANY),)
    return tuple(sorted({_read_day(word, unit) for word in words}, key=_in_calendar))


def _in_calendar(day: Day) -> tuple[int, int, bool, int]:
    return day.month, day.weekday, day.nth == LAST, day.nth


def _read_day(text: str, unit: Unit) -> Day:
    """Read ``[nth] [weekday] [month]``: "15", "last", "2nd tue", "last fri", "24 dec", "4th thu nov"."""
    words = text.split()
    month = ANY
    if unit == "years":
        if len(words) < 2:
            raise _refusal(
                "on", "a day and its month", text, "write for instance '24 dec', 'last feb' or '4th thu nov'"
            )
        month = number(MONTH_OF_YEAR, words.pop(), Part(text, 1, text))
    match words:
        case [nth] if nth.isdigit() and 1 <= int(nth) <= (31 if month == ANY else LONGEST_MONTH[month - 1]):
            return Day(month, int(nth), ANY)
        case ["last"]:
            return Day(month, LAST, ANY)
        case [nth, weekday] if nth in _NTH and not weekday.isdigit():
            return Day(month, _NTH[nth], number(DAY_OF_WEEK, weekday, Part(text, 1, text)) % 7)
    example = "'24 dec', 'last feb' or '4th thu nov'" if unit == "years" else "15, 'last', '2nd tue' or 'last fri'"
    raise _refusal("on", f"a day that its {unit[:-1]} can have", text, f"write for instance {example}")


def _refusal(what: str, expected: str, got: object, remedy: str) -> InvalidSchedule:
    return InvalidSchedule(f"expected {what} of a calendar to be {expected}, got {shown(got)}; {remedy}")
