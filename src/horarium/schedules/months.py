"""The months of the calendar as specs look at them, and the times of a day; all remembered."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import NamedTuple

_MINUTES = tuple(range(0, 86_400, 60))  # so that all specs share their numbers
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


class Month(NamedTuple):
    """How a month lies in the week."""

    first_weekday: int  # of its first day; Sunday is 0
    length: int

    def weekday(self, day: int) -> int:
        return (self.first_weekday + day - 1) % 7

    def nth(self, n: int, weekday: int) -> int | None:
        """Return the day that is the ``n``-th of its weekday, -1 the last; None if the month has none."""
        first = 1 + (weekday - self.first_weekday) % 7
        day = first + (n - 1) * 7 if n > 0 else first + (self.length - first) // 7 * 7
        return day if day <= self.length else None


@lru_cache(maxsize=8192)
def month_of(year: int, month: int) -> Month:
    """Return how a month lies in the week."""
    first, following = date(year, month, 1), date(year + month // 12, month % 12 + 1, 1)
    return Month(first.isoweekday() % 7, (following - first).days)


@lru_cache(maxsize=512)
def times_of(hours: frozenset[int], minutes: frozenset[int]) -> tuple[int, ...]:
    """Return the times of a day at which hour and minute fit, in seconds from midnight, ascending."""
    ordered = sorted(minutes)
    return tuple(_MINUTES[hour * 60 + minute] for hour in sorted(hours) for minute in ordered)
