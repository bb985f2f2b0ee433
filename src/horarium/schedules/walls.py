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
Exclusions: TypeAlias = tuple[Exclusion | WallClock, ...]
Spans: TypeAlias = tuple[tuple[int, int], ...]  # of a day's milliseconds, ends not included

_WHOLE_DAY: Spans = ((0, DAY * 1000),)


def next_wall(spec: WallClock, wall: int, end: int, but: Exclusions = ()) -> int | None:
    """Return the first fitting minute at or after ``wall`` and before ``end``; None if there is none."""
    day, second = divmod(wall, DAY)
    on = date.fromordinal(day + EPOCH_ORDINAL)
    days = spec.days(on.year, on.month)
    found = None
    if on.day in days:
        times = times_on(spec, day, but) if but else spec.times
        if times and second <= times[-1]:
            found = day * DAY + times[bisect_left(times, second)]
    if found is None and not but and days and on.day < days[-1]:  # the common case, without a walk
        found = (day - on.day + days[bisect_left(days, on.day + 1)]) * DAY + spec.times[0]
    if found is None:
        later = _days_from(spec, day + 1, -(-end // DAY))
        found = next((on_day * DAY + times[0] for on_day in later if (times := times_on(spec, on_day, but))), None)
    return found if found is not None and found < end else None


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


def _days_from(spec: WallClock, day: int, until: int) -> Iterator[int]:
    """Walk the fitting days from a day on, to before ``until``."""
    on, last = date.fromordinal(day + EPOCH_ORDINAL), date.fromordinal(until + EPOCH_ORDINAL - 1)
    year, month, first = on.year, on.month, on.day
    while (year, month) <= (last.year, last.month):
        before = date(year, month, 1).toordinal() - EPOCH_ORDINAL - 1
        for found in spec.days(year, month):
            if found >= first:
                if before + found >= until:
                    return
                yield before + found
        year, month, first = (year, month + 1, 1) if month < 12 else (year + 1, 1, 1)


def _days_between(spec: WallClock, start: int, end: int, but: Exclusions) -> Iterator[tuple[int, tuple[int, ...]]]:
    if start < end:
        for day in _days_from(spec, start // DAY, -(-end // DAY)):
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
            found.append((begin * 1000, time * 1000))
        begin = time + 60
    return (*found, (begin * 1000, DAY * 1000)) if begin < DAY else tuple(found)
