"""A line of Debian's (Vixie's) cron: crontab's fields in the order of the file, where either day field may fit.

What it has besides crontab: ``@daily`` and its like, ``L`` (the last day of the month, ``5L`` its last Friday) and
``#`` (``1#2`` its second Monday).
"""

from __future__ import annotations

import re
from functools import lru_cache

from horarium.errors import InvalidSchedule
from horarium.schedules.language import (
    DAY_OF_MONTH,
    DAY_OF_WEEK,
    HOUR,
    IN_FILES,
    MAX_TEXT,
    MINUTE,
    MONTH_OF_YEAR,
    Field,
    Part,
    located,
    nearest_of,
    number,
    parse_part,
    parts_of,
    refusal,
    refuse_impossible_dates,
    shown,
    split_line,
    starts_with_star,
)
from horarium.schedules.months import Month, month_of, times_of
from horarium.schedules.recurrence import WallClock

NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
LAST = -1
_OF_MONTH = r"(?P<weekday>[A-Za-z]+?|[0-9]+)(?:#(?P<nth>[0-9]+)|[lL])"


class cron(WallClock):
    """Fire at each local minute that fits a line of a crontab file, as Debian's cron reads it.

    ``minute hour day_of_month month day_of_week``, or ``@hourly @daily @midnight @weekly @monthly @yearly @annually``.
    Where both day fields are restricted (neither starts with ``*``), a day that fits either one fits. Besides what
    ``crontab`` reads, a day of the month may be ``L`` (the last one), and a day of the week ``5L`` (the last Friday
    of the month) or ``1#2`` (its second Monday). Immutable. Two are equal when they mean the same.
    Raises: InvalidSchedule when the line cannot be read, or when no date ever fits.
    """

    __slots__ = (
        "day_of_month",
        "day_of_week",
        "fits_either_day",
        "hour",
        "is_fixed",
        "minute",
        "month_of_year",
        "nth_weekdays",
        "text",
    )

    text: str  # as written, with single blanks
    minute: frozenset[int]
    hour: frozenset[int]
    day_of_month: frozenset[int]  # may hold LAST
    month_of_year: frozenset[int]
    day_of_week: frozenset[int]
    nth_weekdays: frozenset[tuple[int, int]]  # (which of the month or LAST, weekday)
    fits_either_day: bool
    is_fixed: bool

    def __init__(self, line: str) -> None:
        text = _expanded(line)
        words, pairs = {}, {}
        for field, (word, position) in zip(IN_FILES, split_line(text, "'0 6 * * 1' or '@daily'"), strict=True):
            try:
                words[field], pairs[field] = word, _read(field, word)
            except InvalidSchedule as error:
                raise located(error, field.name, position, text) from error
        plain = {field: frozenset(value for nth, value in pairs[field] if nth == 0) for field in IN_FILES}
        days, months = words[DAY_OF_MONTH], words[MONTH_OF_YEAR]
        self._keep(
            text=line.strip().lower() if line.strip().startswith("@") else " ".join(words.values()),
            minute=plain[MINUTE],
            hour=plain[HOUR],
            day_of_month=plain[DAY_OF_MONTH],
            month_of_year=plain[MONTH_OF_YEAR],
            day_of_week=plain[DAY_OF_WEEK],
            nth_weekdays=frozenset(pair for pair in pairs[DAY_OF_WEEK] if pair[0] != 0),
            fits_either_day=not (starts_with_star(days) or starts_with_star(words[DAY_OF_WEEK])),
            times=times_of(plain[HOUR], plain[MINUTE]),
            is_fixed=not (starts_with_star(words[MINUTE]) or starts_with_star(words[HOUR])),
        )
        self._equal_by(*(getattr(self, name) for name in self.__slots__ if name != "text"))
        if not self.fits_either_day and LAST not in self.day_of_month:
            refuse_impossible_dates(self.day_of_month, self.month_of_year, day=days, month=months)

    def line(self) -> str:
        """Return the five fields, also of a nickname."""
        return NICKNAMES.get(self.text, self.text)

    def days(self, year: int, month: int) -> tuple[int, ...]:
        """Return the days of a month that fit."""
        return _fitting(self, month_of(year, month)) if month in self.month_of_year else ()

    def __reduce__(self) -> tuple[type[cron], tuple[str]]:
        return cron, (self.text,)

    def __repr__(self) -> str:
        return f"cron({self.text!r})"


@lru_cache(maxsize=8192)
def _fitting(spec: cron, month: Month) -> tuple[int, ...]:
    by_date = {day for day in range(1, month.length + 1) if day in spec.day_of_month}
    if LAST in spec.day_of_month:
        by_date.add(month.length)
    by_weekday = {day for day in range(1, month.length + 1) if month.weekday(day) in spec.day_of_week}
    by_weekday |= {day for nth, weekday in spec.nth_weekdays if (day := month.nth(nth, weekday)) is not None}
    return tuple(sorted(by_date | by_weekday if spec.fits_either_day else by_date & by_weekday))


def _expanded(line: object) -> str:
    """Return the five fields that a line or a nickname stands for."""
    if not isinstance(line, str):
        raise InvalidSchedule(
            f"expected a line of a crontab file, got {shown(line)}; write for instance cron('0 6 * * 1')"
        )
    word = line.strip()
    if not word.startswith("@"):
        return line
    if word.lower() in NICKNAMES:
        return NICKNAMES[word.lower()]
    if word.lower() == "@reboot":
        raise InvalidSchedule(
            "expected a time, got '@reboot', which is none; to run a task when a worker is ready, send it from your "
            "code at start"
        )
    raise InvalidSchedule(
        f"expected one of {' '.join(NICKNAMES)}, got {shown(word[:MAX_TEXT])}"
        f"{nearest_of(word, NICKNAMES) or '; for an interval, write every(minutes=5)'}"
    )


def _read(field: Field, word: str) -> frozenset[tuple[int, int]]:
    """Return what a field means, as pairs of (which of the month, 0 for any; value)."""
    return frozenset(pair for part in parts_of(field, word) for pair in _read_part(field, part))


def _read_part(field: Field, part: Part) -> list[tuple[int, int]]:
    if field is DAY_OF_MONTH and part.text in ("L", "l"):
        return [(0, LAST)]
    match = re.fullmatch(_OF_MONTH, part.text) if field is DAY_OF_WEEK else None
    if match is None:
        if field is DAY_OF_WEEK and re.search(r"#|^[lL]$|[0-9][lL]", part.text):
            raise refusal(field, str(part), "; write 5L for the last Friday of the month, 1#2 for its second Monday")
        if field is DAY_OF_MONTH and re.search(r"#|[0-9-][lL]|[lL]-|[wW]", part.text):
            raise refusal(field, str(part), "; L is the last day of the month")
        return [(0, value) for value in parse_part(field, part)]
    nth = LAST if match["nth"] is None else int(match["nth"])
    if nth != LAST and not 1 <= nth <= 5:
        raise refusal(field, str(part), "; a month has at most five of a weekday: write # and 1 to 5")
    return [(nth, number(field, match["weekday"], part) % 7)]
