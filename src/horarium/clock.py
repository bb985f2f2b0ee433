"""Time, as the whole house speaks of it.

An ``Instant`` is a moment: UTC milliseconds since the epoch, an ``int``. ``Seconds`` is a duration, a ``float``.
This is the only module that reads the time; everything else is given ``now`` or a ``Clock``. The store judges
leases and due times; the process's monotonic clock measures intervals. The two are never compared.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeAlias
from zoneinfo import ZoneInfo

Instant: TypeAlias = int
Seconds: TypeAlias = float

FOREVER: Seconds = 100 * 365.25 * 86_400  # where "never" has to be a number
LATEST: Instant = 253_370_764_799_999  # the end of 9998: what is later has no local time in some zone
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


class RemoteClock:
    """A server's time, known within bounds: each reading was taken between a request and its answer.

    ``now`` is the lower bound. So an instant that one process has written down is not in the future for another one,
    but by the time that its own readings took at best: readings are intersected, and the quickest counts.
    """

    DRIFT = 1e-4  # 100 ppm: by how much two clocks may come apart; NTP keeps them well within

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._low = self._high = 0.0  # of the offset between the server's time and our monotonic one, in ms
        self._read_at: Seconds | None = None

    def note(self, read_ms: float, *, sent: Seconds, received: Seconds) -> None:
        """Take a reading of the server's time, and when it was asked for and got by ``monotonic``. A server whose
        clock was stepped is believed."""
        low, high = read_ms - received * 1000, read_ms - sent * 1000
        if self._read_at is not None:
            drift = (received - self._read_at) * 1000 * self.DRIFT
            both = max(low, self._low - drift), min(high, self._high + drift)
            if both[0] <= both[1]:
                low, high = both
        self._low, self._high, self._read_at = low, high, received

    @property
    def age(self) -> Seconds | None:
        """How long ago the last reading was taken; None if none was."""
        return None if self._read_at is None else self._clock.monotonic() - self._read_at

    def now(self) -> Instant:
        """Return the server's time as far as it is known. At least one reading must have been taken."""
        return int((self._low + self._clock.monotonic() * 1000) // 1)


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


def abbreviation(moment: datetime) -> str:
    """Return the short name of an aware moment's zone; a zone that has only a number is shown as UTC+5."""
    name = moment.tzname() or "UTC"
    return f"UTC{name}" if name[:1] in "+-" else name


def dated(instant: Instant, zone: str = "UTC") -> str:
    """Return an instant in a zone that is known, to the second and with the zone's abbreviation, for a sentence."""
    moment = to_datetime(instant).astimezone(ZoneInfo(zone))
    return f"{moment:%Y-%m-%d %H:%M:%S} {abbreviation(moment)}"
