"""What fires on the wall clock, less what is excluded, with no zone in sight.

Wall seconds count what a local clock shows as if it showed UTC. Searches go by month, day and time, never minute by
minute.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from typing import TypeAlias

from horarium.schedules.months import EPOCH_ORDINAL
from horarium.schedules.recurrence import Exclusion, WallClock

DAY = 86_400
# All pairs of weekday and date come round within 40 years (28 in most centuries).
LONGEST_YEARS = 41

Exclusions: TypeAlias = tuple[Exclusion | WallClock, ...]
Spans: TypeAlias = tuple[tuple[int, int], ...]  # of a day's seconds, ends not included

_WHOLE_DAY: Spans = ((0, DAY),)


def next_wall(spec: WallClock, wall: int, but: Exclusions = ()) -> int | None:
    """Return the first fitting minute at or after ``wall``; None if there is none in the calendar's next cycle."""
    day, second = divmod(wall, DAY)
    on = date.fromordinal(day + EPOCH_ORDINAL)
    if second and on.day in spec.days(on.year, on.month):
        times = times_on(spec, day, but)
        if times and second <= times[-1]:
            return day * DAY + times[bisect_left(times, second)]
        second = DAY
    for later in _days_from(spec, day + (second > 0)):
        times = times_on(spec, later, but)
        if times:
            return later * DAY + times[0]
    return None


def walls_between(spec: WallClock, start: int, end: int, but: Exclusions = ()) -> Iterator[int]:
    """Walk the fitting minutes at or after ``start`` and before ``end``."""
    for day, times in _days_between(spec, start, end, but):
        first, last = _cut(times, start - day * DAY, end - day * DAY)
        yield from (day * DAY + time for time in times[first:last])


def count_walls(spec: WallClock, start: int, end: int, but: Exclusions = ()) -> int:
    """Return how many fitting minutes lie at or after ``start`` and before ``end``."""
    total = 0
    for day, times in _days_between(spec, start, end, but):
        if start <= day * DAY and day * DAY + DAY <= end:
            total += len(times)
        else:
            first, last = _cut(times, start - day * DAY, end - day * DAY)
            total += last - first
    return total


def times_on(spec: WallClock, day: int, but: Exclusions) -> tuple[int, ...]:
    """Return the times of a fitting day that are not excluded."""
    if not but:
        return spec.times
    windows = _windows_on(day, but)
    if windows is None:
        return ()
    return _difference(spec.times, windows) if windows else spec.times


def is_free(wall: int, but: Exclusions) -> bool:
    """Tell whether a wall second is not excluded."""
    day, second = divmod(wall, DAY)
    windows = _windows_on(day, but)
    return windows is not None and all(second // 60 * 60 not in _as_set(times) for times in windows)


def free_spans(day: int, but: Exclusions) -> Spans:
    """Return the parts of a day that are not excluded, ascending."""
    windows = _windows_on(day, but)
    return () if windows is None else _spans(windows) if windows else _WHOLE_DAY


def _windows_on(day: int, but: Exclusions) -> tuple[tuple[int, ...], ...] | None:
    """Return the excluded times of a day, by exclusion; None if all of the day is excluded."""
    on = date.fromordinal(day + EPOCH_ORDINAL)
    windows = []
    for exclusion in but:
        if isinstance(exclusion, Exclusion):
            if exclusion.excludes(day):
                return None
        elif on.day in exclusion.days(on.year, on.month):
            windows.append(exclusion.times)
    return tuple(windows)


def _days_from(spec: WallClock, day: int) -> Iterator[int]:
    """Walk the fitting days from a day on, for one cycle of the calendar."""
    on = date.fromordinal(day + EPOCH_ORDINAL)
    year, month, first = on.year, on.month, on.day
    last_year = min(year + LONGEST_YEARS, 9998)
    while year <= last_year:
        days = spec.days(year, month)
        if days and days[-1] >= first:
            before = date(year, month, 1).toordinal() - EPOCH_ORDINAL - 1
            yield from (before + found for found in (days[bisect_left(days, first) :] if first > 1 else days))
        year, month, first = (year, month + 1, 1) if month < 12 else (year + 1, 1, 1)


def _days_between(spec: WallClock, start: int, end: int, but: Exclusions) -> Iterator[tuple[int, tuple[int, ...]]]:
    if end <= start:
        return
    last = (end - 1) // DAY
    for day in _days_from(spec, start // DAY):
        if day > last:
            return
        yield day, times_on(spec, day, but)


def _cut(times: tuple[int, ...], start: int, end: int) -> tuple[int, int]:
    return bisect_left(times, start), bisect_left(times, end)


@lru_cache(maxsize=512)
def _as_set(times: tuple[int, ...]) -> frozenset[int]:
    return frozenset(times)


@lru_cache(maxsize=512)
def _difference(times: tuple[int, ...], windows: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
    excluded = frozenset().union(*windows)
    return tuple(time for time in times if time not in excluded)


@lru_cache(maxsize=512)
def _spans(windows: tuple[tuple[int, ...], ...]) -> Spans:
    """Return what the excluded minutes leave of a day."""
    found, begin = [], 0
    for time in sorted(frozenset().union(*windows)):
        if time > begin:
            found.append((begin, time))
        begin = time + 60
    return (*found, (begin, DAY)) if begin < DAY else tuple(found)
