"""How busy the hours to come are: the firings of many schedules by the hour and, as far as that is paid for, by the
minute. Equal schedules share one calculation, and what fires very often is counted, not walked through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, islice

import msgspec
from msgspec import Struct

from horarium.clock import Instant
from horarium.errors import InvalidSchedule
from horarium.schedules.clocked import clocked
from horarium.schedules.line import Line, rules_of
from horarium.schedules.next import count_fires, fires_between
from horarium.schedules.preview import would_fire
from horarium.schedules.record import Schedule
from horarium.schedules.recurrence import WallClock
from horarium.schedules.solar import solar
from horarium.schedules.specs import from_record

MINUTE = 60_000
HOUR = 60 * MINUTE
# Walking costs about 0.5 us a firing, counting an hour about 5 us: all of it together stays below two seconds.
MOST_WALKED = 1_000_000
MOST_COUNTED = 100_000  # hours, of what is not walked through
NAMES = 5  # of those that fire in one minute


class Peak(Struct, frozen=True, kw_only=True):
    """One minute, and who fires in it."""

    at: Instant
    count: int
    names: tuple[str, ...]  # the first few


class Heat(Struct, kw_only=True):
    """What a range of hours holds: in ``hours`` and ``minutes`` what was walked through, in ``steady`` by the hour what
    fires too often for that."""

    start: Instant
    hours: list[int]
    steady: list[int]
    minutes: Counter[Instant] = msgspec.field(default_factory=Counter)
    schedules: int = 0  # that fire by themselves
    frequent: int = 0  # of these, in ``steady``
    spread: int = 0  # of those, taken as evenly spread over the range
    lines: list[Shared] = msgspec.field(default_factory=list)  # that were walked through

    @property
    def total(self) -> int:
        return sum(self.hours) + sum(self.steady)

    def peaks(self) -> list[int]:
        """Return by the hour the number of firings of its busiest minute."""
        found = [0] * len(self.hours)
        for at, count in self.minutes.items():
            hour = (at - self.start) // HOUR
            found[hour] = max(found[hour], count)
        return found

    def busiest(self, most: int) -> list[Peak]:
        """Return the busiest minutes in which several fire, the worst first."""
        shared = [(at, count) for at, count in self.minutes.items() if count > 1]
        worst = sorted(shared, key=lambda each: (-each[1], each[0]))[:most]
        return [Peak(at=at, count=count, names=self.names_at(at)) for at, count in worst]

    def names_at(self, minute: Instant, most: int = NAMES) -> tuple[str, ...]:
        """Return the first few that fire in a minute."""
        firing = (line.names[:most] for line in self.lines if line.number(minute, minute + MINUTE))
        return tuple(islice(chain.from_iterable(firing), most))


class Shared:
    """Schedules that fire at the same instants."""

    def __init__(self, schedule: Schedule, start: Instant, end: Instant) -> None:
        self.names = [schedule.name]
        self._spec, self._rules = from_record(schedule.spec), rules_of(schedule)
        is_plain = not (schedule.spread or schedule.passed_over or schedule.added)
        self._line = None if is_plain and not isinstance(self._spec, clocked) else Line.of(schedule)
        self._begin = max(start, schedule.start or 0, schedule.paused_until or 0)
        self._end = end if schedule.end is None else min(end, schedule.end + 1)
        self.count = self.number(start, end)

    def number(self, start: Instant, end: Instant) -> int:
        """Return how many firings there are from ``start`` on and before ``end``."""
        after, until = max(start, self._begin) - 1, min(end, self._end) - 1
        if until <= after:
            return 0
        if self._line is not None:
            return self._line.count(after, until)
        return count_fires(self._spec, after, until, self._rules)

    def instants(self) -> Iterator[Instant]:
        """Yield the firings of the range that it was made for."""
        after, until = self._begin - 1, self._end - 1
        if until <= after:
            return iter(())
        if self._line is not None:
            return self._line.between(after, until)
        return fires_between(self._spec, after, until, self._rules)


def heat_of(schedules: Iterable[Schedule], start: Instant, hours: int, *, since: Instant = 0) -> Heat:
    """Add up the firings of ``hours`` hours from ``start`` on, which is a whole minute, and not before ``since``.
    Bounded: MOST_WALKED firings and MOST_COUNTED hours are looked at, the rarest schedules first; of the others only
    the number is known."""
    end = start + hours * HOUR
    heat = Heat(start=start, hours=[0] * hours, steady=[0] * hours)
    lines = sorted(_grouped(schedules, max(start, since), end), key=lambda line: line.count)
    heat.schedules = sum(len(line.names) for line in lines)
    walked = counted = 0
    for line in lines:
        if walked + line.count <= MOST_WALKED and line.count <= hours * 60:
            walked += line.count
            heat.lines.append(line)
            _walk(heat, line)
            continue
        heat.frequent += len(line.names)
        if counted + hours <= MOST_COUNTED:
            counted += hours
            for hour in range(hours):
                heat.steady[hour] += len(line.names) * line.number(start + hour * HOUR, start + (hour + 1) * HOUR)
        else:
            heat.spread += len(line.names)
            _spread(heat, line, hours)
    return heat


def _grouped(schedules: Iterable[Schedule], start: Instant, end: Instant) -> Iterator[Shared]:
    known: dict[object, Shared] = {}
    for schedule in schedules:
        if not would_fire(schedule, start) or (schedule.version and schedule.next_fire is None):
            continue
        try:
            key = _key(schedule)
            if key in known:
                known[key].names.append(schedule.name)
            else:
                known[key] = Shared(schedule, start, end)
        except InvalidSchedule:  # a zone that this host does not know: its state says so
            continue
    return iter(known.values())


def _key(schedule: Schedule) -> object:
    """Return what decides when a schedule fires; the anchor only where it does."""
    spec, rules = from_record(schedule.spec), rules_of(schedule)
    if isinstance(spec, WallClock | clocked | solar):
        rules = rules._replace(anchor=0)
    own = (schedule.passed_over, schedule.added, schedule.id if schedule.spread else "", schedule.spread)
    return spec, rules, schedule.start, schedule.end, schedule.paused_until, own


def _walk(heat: Heat, line: Shared) -> None:
    many, hours, minutes = len(line.names), heat.hours, heat.minutes
    for at in line.instants():
        hours[(at - heat.start) // HOUR] += many
        minutes[at - at % MINUTE] += many


def _spread(heat: Heat, line: Shared, hours: int) -> None:
    each, rest = divmod(line.count * len(line.names), hours)
    for hour in range(hours):
        heat.steady[hour] += each + (hour < rest)


def quiet_minutes(heat: Heat, around: Instant, *, since: Instant = 0, within: int = 30, most: int = 3) -> list[Instant]:
    """Return the quietest minutes near an instant that begin at ``since`` or later, in order of time; of equally quiet
    ones the nearest, no two next to each other, and none that is as busy as the minute of the instant itself."""
    here = around - around % MINUTE
    first, end = max(heat.start, since), heat.start + len(heat.hours) * HOUR
    around_it = (here + step * MINUTE for step in range(-within, within + 1))
    near = [at for at in around_it if first <= at < end and heat.minutes[at] < heat.minutes[here]]
    found: list[Instant] = []
    for at in sorted(near, key=lambda each: (heat.minutes[each], abs(each - here), each)):
        if len(found) < most and all(abs(at - other) > 4 * MINUTE for other in found):
            found.append(at)
    return sorted(found)
