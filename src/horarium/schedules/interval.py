"""Intervals: every so often, on an absolute time line.

The line starts at the schedule's anchor (its creation), so neither a restart nor a late firing moves it.
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache

from horarium.clock import Instant, Seconds
from horarium.errors import InvalidSchedule
from horarium.schedules.recurrence import Recurrence

LONGEST_DAYS = 3650  # ten years: what fires less often is refused, like a crontab that does
_LIMITS = "give at least 0.001 s and at most ten years"


class every(Recurrence):
    """Fire every ``interval`` (seconds or a timedelta) or every sum of the named units.

    ``every(30)``, ``every(timedelta(hours=1))``, ``every(hours=1, minutes=30)``. Kept in whole milliseconds.
    Immutable, hashable. Raises: InvalidSchedule unless it is between 1 ms and ten years.
    """

    __slots__ = ("milliseconds",)

    milliseconds: int

    def __init__(
        self,
        interval: Seconds | timedelta | None = None,
        *,
        seconds: float = 0,
        minutes: float = 0,
        hours: float = 0,
        days: float = 0,
        weeks: float = 0,
    ) -> None:
        named = {"seconds": seconds, "minutes": minutes, "hours": hours, "days": days, "weeks": weeks}
        given = interval if interval is not None else {unit: amount for unit, amount in named.items() if amount}
        if interval is not None and any(named.values()):
            raise _refusal(f"{interval!r} and named units", "give one or the other")
        try:
            span = _span(interval, named)
        except OverflowError as error:
            raise _refusal(repr(given), _LIMITS) from error
        except (TypeError, ValueError) as error:
            raise _refusal(repr(given), str(error)) from error
        milliseconds = round(span / timedelta(milliseconds=1))
        if not 1 <= milliseconds <= LONGEST_DAYS * 86_400_000:
            raise _refusal(repr(given), _LIMITS)
        self._keep(milliseconds=milliseconds)
        self._equal_by(milliseconds)

    @property
    def run_every(self) -> timedelta:
        """The interval as a timedelta, by the name that Celery gives it."""
        return timedelta(milliseconds=self.milliseconds)

    def __reduce__(self) -> tuple[type[every], tuple[timedelta]]:
        return every, (self.run_every,)

    def __repr__(self) -> str:
        return f"every({self.milliseconds / 1000:g})" if self.milliseconds < 10**9 else f"every({self.run_every!r})"


def schedule(
    run_every: Seconds | timedelta, relative: bool = False, nowfun: object = None, app: object = None
) -> every:
    """Return the interval, as Celery's users write it. ``relative`` is accepted and changes nothing: the time line
    never shifts with restarts, which is what it was for. ``nowfun`` and ``app`` are accepted and change nothing either.
    Raises: InvalidSchedule."""
    return every(run_every)


def next_on_line(interval: every, after: Instant, *, anchor: Instant) -> Instant:
    """Return the first point of the anchor's time line later than ``after``; the anchor itself is none of them."""
    step = interval.milliseconds
    return anchor + max((after - anchor) // step + 1, 1) * step


def latest_on_line(interval: every, after: Instant, until: Instant, *, anchor: Instant) -> Instant | None:
    """Return the last point of the line later than ``after`` and at or before ``until``; None if there is none."""
    found = until - (until - anchor) % interval.milliseconds
    return found if found > max(after, anchor) else None


def count_on_line(interval: every, after: Instant, until: Instant, *, anchor: Instant) -> int:
    """Return how many points of the line lie later than ``after`` and at or before ``until``."""
    step = interval.milliseconds
    return max(0, max(0, (until - anchor) // step) - max(0, (after - anchor) // step))


@lru_cache(maxsize=4096)  # most intervals look alike on every day
def points_in(spans: tuple[tuple[int, int], ...], phase: int, step: int) -> tuple[int | None, int]:
    """Return the first of the points ``phase``, ``phase + step`` ... that lies in one of the spans (ascending, ends
    not included), and how many do."""
    first, total = None, 0
    for start, end in spans:
        point = start + (phase - start) % step
        if point < end:
            first = point if first is None else first
            total += (end - 1 - point) // step + 1
    return first, total


def _span(interval: Seconds | timedelta | None, named: dict[str, float]) -> timedelta:
    if isinstance(interval, timedelta):
        return interval
    if isinstance(interval, bool) or not isinstance(interval, int | float | None):
        raise TypeError("give a number of seconds, a timedelta or named units")
    return timedelta(**named) if interval is None else timedelta(seconds=interval)


def _refusal(got: str, remedy: str) -> InvalidSchedule:
    return InvalidSchedule(f"expected an interval of at least 0.001 s, got {got[:80]}; {remedy}")
