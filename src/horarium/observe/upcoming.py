"""What fires within the next hour, minute by minute: of however many schedules, the first that come due."""

from __future__ import annotations

from itertools import islice, takewhile
from typing import TYPE_CHECKING

from msgspec import Struct

from horarium.clock import Instant, Seconds
from horarium.errors import InvalidSchedule
from horarium.schedules.preview import upcoming
from horarium.schedules.record import Schedule

if TYPE_CHECKING:
    from horarium.engines.protocol import Engine

HOUR = 3_600_000
MINUTE = 60_000
MOST_SCHEDULES = 500
MOST_FIRINGS = 3000  # looked at, of all schedules together
CROWD = 5  # firings of as many schedules in one minute are worth spreading
LISTED = 8


class Fire(Struct, frozen=True, kw_only=True):
    """A minute in which something fires."""

    at: Instant  # of the first
    number: int
    schedules: tuple[str, ...]  # a few of them, in order of time

    @property
    def is_crowd(self) -> bool:
        return len(self.schedules) >= CROWD


class Steady(Struct, frozen=True, kw_only=True):
    """A schedule that fires more than once a minute: it is in all of them."""

    schedule: str
    every: Seconds


class NextHour(Struct, frozen=True, kw_only=True):
    """The minutes that have firings, in order. ``until``: all is known until then; the whole hour, or less of it."""

    since: Instant  # the minute in which it begins
    until: Instant
    minutes: tuple[Fire, ...]
    steady: tuple[Steady, ...] = ()

    @property
    def number(self) -> int:
        return sum(minute.number for minute in self.minutes)

    @property
    def is_whole(self) -> bool:
        return self.until == self.since + HOUR

    @property
    def peak(self) -> Fire | None:
        """The minute with the most schedules, if they crowd."""
        worst = max(self.minutes, key=lambda minute: len(minute.schedules), default=None)
        return worst if worst is not None and worst.is_crowd else None


def next_hour(engine: Engine, *, now: Instant) -> NextHour:
    """Return what fires within an hour from this minute on. Reads MOST_SCHEDULES at most, however many there are, and
    looks at MOST_FIRINGS of them; ``until`` tells how far that goes. Raises: EngineUnavailable."""
    since = now - now % MINUTE
    until = since + HOUR
    schedules = engine.schedules.due(until - 1, MOST_SCHEDULES)
    if len(schedules) == MOST_SCHEDULES:  # others follow: what they fire is not known
        until = max(since + MINUTE, min(until, schedules[-1].next_fire or until))
    share = max(3, MOST_FIRINGS // max(1, len(schedules)))
    minutes: dict[Instant, list[tuple[Instant, str]]] = {}
    steady: list[Steady] = []
    for schedule in schedules:
        firings = _firings(schedule, now, until, share)
        if len(firings) > 2 and firings[2] - firings[1] < MINUTE:  # the first may be overdue
            steady.append(Steady(schedule=schedule.name, every=(firings[2] - firings[1]) / 1000))
            continue
        if len(firings) == share:
            until = min(until, max(since + MINUTE, firings[-1]))
        for at in firings:
            minutes.setdefault(max(at, now) // MINUTE * MINUTE, []).append((at, schedule.name))
    return NextHour(
        since=since,
        until=until,
        minutes=tuple(_fire(sorted(firings)) for minute, firings in sorted(minutes.items()) if minute < until),
        steady=tuple(steady),
    )


def _firings(schedule: Schedule, now: Instant, until: Instant, most: int) -> list[Instant]:
    try:
        return list(takewhile(lambda at: at < until, islice(upcoming(schedule, now=now), most)))
    except InvalidSchedule:
        return []  # the doctor tells of it


def _fire(firings: list[tuple[Instant, str]]) -> Fire:
    names = dict.fromkeys(name for _, name in firings)
    return Fire(at=firings[0][0], number=len(firings), schedules=tuple(names))
