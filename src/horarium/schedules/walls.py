"""A crontab on the wall clock: which local minutes fit it, with no zone in sight.

Wall seconds count what a local clock shows as if it showed UTC. Searches go by field (month, day, hour, minute),
never minute by minute.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import date
from functools import lru_cache

from horarium.schedules.crontab import crontab

DAY = 86_400
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
# All pairs of weekday and date come round within 40 years (28 in most centuries).
LONGEST_YEARS = 41


def next_wall(spec: crontab, wall: int) -> int | None:
    """Return the first fitting minute at or after ``wall``; None if there is none in the calendar's next cycle."""
    day, second = divmod(-(-wall // 60) * 60, DAY)
    if _fits(spec, day):
        hour, minute = second // 3600, second % 3600 // 60
        time = _time_at_or_after(spec, hour, minute)
        if time is not None:
            return day * DAY + time
    later = _next_day(spec, day + 1)
    return None if later is None else later * DAY + _first_time(spec)


def count_walls(spec: crontab, start: int, end: int) -> int:
    """Return how many fitting minutes lie at or after ``start`` and before ``end``."""
    if end <= start:
        return 0
    first, last = -(-start // 60) * 60, -(-end // 60) * 60
    first_day, first_second = divmod(first, DAY)
    last_day, last_second = divmod(last, DAY)
    whole = len(spec.hour) * len(spec.minute) * _count_days(spec, first_day, last_day)
    before = _count_times(spec, first_second) if _fits(spec, first_day) else 0
    after = _count_times(spec, last_second) if _fits(spec, last_day) else 0
    return whole - before + after


def _fits(spec: crontab, day: int) -> bool:
    on = date.fromordinal(day + _EPOCH_ORDINAL)
    return on.day in spec.day_of_month and on.month in spec.month_of_year and on.isoweekday() % 7 in spec.day_of_week


def _time_at_or_after(spec: crontab, hour: int, minute: int) -> int | None:
    """Return the first fitting second of a day at or after ``hour:minute``."""
    hours, minutes = _sorted(spec.hour), _sorted(spec.minute)
    if hour in spec.hour and minute <= minutes[-1]:
        return hour * 3600 + minutes[bisect_left(minutes, minute)] * 60
    at = bisect_left(hours, hour + 1)
    return None if at == len(hours) else hours[at] * 3600 + minutes[0] * 60


def _first_time(spec: crontab) -> int:
    return min(spec.hour) * 3600 + min(spec.minute) * 60


def _next_day(spec: crontab, day: int) -> int | None:
    on = date.fromordinal(day + _EPOCH_ORDINAL)
    last_year = min(on.year + LONGEST_YEARS, 9998)
    days, year, month, first = _sorted(spec.day_of_month), on.year, on.month, on.day
    while year <= last_year:
        if month in spec.month_of_year:
            found = _next_in_month(spec, year, month, days[bisect_left(days, first) :])
            if found is not None:
                return found
        year, month, first = (year, month + 1, 1) if month < 12 else (year + 1, 1, 1)
    return None


def _next_in_month(spec: crontab, year: int, month: int, days: tuple[int, ...]) -> int | None:
    for day in days:
        try:
            on = date(year, month, day)
        except ValueError:  # a shorter month
            return None
        if on.isoweekday() % 7 in spec.day_of_week:
            return on.toordinal() - _EPOCH_ORDINAL
    return None


def _count_times(spec: crontab, second: int) -> int:
    """Return how many fitting minutes of a day lie before its ``second``."""
    hour, minute = second // 3600, second % 3600 // 60
    earlier = bisect_left(_sorted(spec.hour), hour) * len(spec.minute)
    return earlier + (bisect_left(_sorted(spec.minute), minute) if hour in spec.hour else 0)


def _count_days(spec: crontab, start: int, end: int) -> int:
    return sum(1 for day in range(start, end) if _fits(spec, day))


@lru_cache(maxsize=4096)
def _sorted(numbers: frozenset[int]) -> tuple[int, ...]:
    return tuple(sorted(numbers))
