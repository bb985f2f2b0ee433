"""Time, as the whole house speaks of it.

An ``Instant`` is a moment: UTC milliseconds since the epoch, an ``int``. ``Seconds`` is a duration, a ``float``.
This is the only module that reads the time; everything else is given ``now`` or a ``Clock``. The store judges
leases and due times; the process's monotonic clock measures intervals. The two are never compared.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeAlias

Instant: TypeAlias = int
Seconds: TypeAlias = float

FOREVER: Seconds = 100 * 365.25 * 86_400  # where "never" has to be a number
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Tell the time. Reading it never blocks."""

    def now(self) -> Instant:
        """Return the present moment, in UTC milliseconds."""
        ...

    def monotonic(self) -> Seconds:
        """Return a reading that never goes back; only differences within one host's boot mean anything."""
        ...


class SystemClock:
    """The host's own clocks."""

    def now(self) -> Instant:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> Seconds:
        return time.monotonic()


class ManualClock:
    """A clock that stands still until it is moved: for tests and simulations."""

    def __init__(self, now: Instant = 1_767_225_600_000) -> None:  # 2026-01-01T00:00:00Z
        self._now = now
        self._monotonic: Seconds = 0.0

    def now(self) -> Instant:
        return self._now

    def monotonic(self) -> Seconds:
        return self._monotonic

    def advance(self, seconds: Seconds) -> Instant:
        """Let time pass; both clocks move. Return the new moment."""
        self._now += round(seconds * 1000)
        self._monotonic += seconds
        return self._now

    def step(self, seconds: Seconds) -> Instant:
        """Step the wall clock alone, as a correction of the host's time would (may be negative)."""
        self._now += round(seconds * 1000)
        return self._now


class StoreClock:
    """The store's time, carried forward by this host's monotonic clock.

    A step of the host's wall clock changes nothing. ``correct`` is called with each reading of the store's time.
    """

    def __init__(self, clock: Clock, store_now: Instant) -> None:
        self._clock = clock
        self.correct(store_now)

    def correct(self, store_now: Instant) -> None:
        """Take the store's time as the truth from here on."""
        self._offset_ms = store_now - round(self._clock.monotonic() * 1000)

    def now(self) -> Instant:
        return self._offset_ms + round(self._clock.monotonic() * 1000)

    def monotonic(self) -> Seconds:
        return self._clock.monotonic()

    def skew(self) -> Seconds:
        """Return how far this host's wall clock is ahead of the store's (negative: behind)."""
        return (self._clock.now() - self.now()) / 1000


def milliseconds(duration: Seconds | timedelta) -> int:
    """Return a duration in whole milliseconds."""
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else duration
    return round(seconds * 1000)


def to_instant(moment: datetime) -> Instant:
    """Return the instant of a datetime; a naive one is read as UTC, as Celery reads it."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    delta = moment - EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1000 + delta.microseconds // 1000


def to_datetime(instant: Instant) -> datetime:
    """Return the aware UTC datetime of an instant."""
    return EPOCH + timedelta(milliseconds=instant)
