"""The due instants of a whole schedule, in order: those of its spec, spread, minus those passed over, plus those added.

``spread`` moves each instant of the spec by an offset that the schedule's id decides, and never so far that it comes to
the spec's next one. So the moved instants keep their order, and one lies between each two of the spec's.
"""

from __future__ import annotations

from collections.abc import Iterator

from horarium.clock import Instant, milliseconds
from horarium.schedules.clocked import clocked
from horarium.schedules.next import Rules, count_fires, latest_fire, next_by
from horarium.schedules.record import Schedule
from horarium.schedules.shifts import shift
from horarium.schedules.specs import Spec, from_record

NEVER: Instant = 1 << 62


def next_of(schedule: Schedule, after: Instant) -> Instant | None:
    """Return the first due instant of a schedule later than ``after``, from its start to its end; None if there is
    none. It knows no pause and no count of runs. Raises: InvalidSchedule when the spec or the zone cannot be used."""
    return within_end(schedule, Line.of(schedule).next(after))


def within_end(schedule: Schedule, instant: Instant | None) -> Instant | None:
    """Return the instant, None if the schedule has ended by then."""
    return instant if instant is None or schedule.end is None or instant <= schedule.end else None


def rules_of(schedule: Schedule) -> Rules:
    """Return what besides its spec decides when a schedule fires."""
    return Rules(schedule.timezone, _anchor(schedule), schedule.dst_gap, schedule.dst_fold)


class Line:
    """The line of one schedule from its start on; it has no end."""

    __slots__ = ("_added", "_offset", "_passed", "_rules", "_start", "spec")

    def __init__(self, schedule: Schedule, spec: Spec) -> None:
        self.spec = spec
        self._rules = rules_of(schedule)
        self._start = 0 if schedule.start is None else schedule.start
        self._offset = shift(milliseconds(schedule.spread), _seed(schedule)) if schedule.spread else 0
        self._added = schedule.added
        self._passed = frozenset(schedule.passed_over).difference(schedule.added) if schedule.passed_over else ()

    @classmethod
    def of(cls, schedule: Schedule) -> Line:
        """Return the line of a schedule. Raises: InvalidSchedule when its spec cannot be read; so do the others when
        its zone is unknown."""
        spec = from_record(schedule.spec)
        if isinstance(spec, clocked) and schedule.start is not None and spec.instant < schedule.start:
            spec = clocked(schedule.start)  # once means once, not never
        return cls(schedule, spec)

    @property
    def anchor(self) -> Instant:
        """Where its intervals count from."""
        return self._rules.anchor

    def after(self, instant: Instant) -> Instant | None:
        """Return the first instant of the spec if its intervals counted from ``instant``."""
        return next_by(self.spec, instant, self._rules._replace(anchor=instant))

    def next(self, after: Instant) -> Instant | None:
        """Return the first instant later than ``after``; None if there is none."""
        after = max(after, self._start - 1)
        found = self._next(after)
        while found is not None and found in self._passed:
            found = self._next(found)
        if self._added:
            found = min((each for each in (found, *self._added) if each is not None and each > after), default=None)
        return found

    def latest(self, after: Instant, until: Instant) -> Instant | None:
        """Return the last instant later than ``after`` and at or before ``until``; None if there is none."""
        after = max(after, self._start - 1)
        found = self._latest(after, until)
        while found is not None and found in self._passed:
            found = self._latest(after, found - 1)
        if self._added:
            added = (each for each in self._added if after < each <= until)
            found = max((each for each in (found, *added) if each is not None), default=None)
        return found

    def count(self, after: Instant, until: Instant) -> int:
        """Return how many instants are later than ``after`` and at or before ``until``, without walking through
        them."""
        after = max(after, self._start - 1)
        if until <= after:
            return 0
        total = count_fires(self.spec, after, until, self._rules)
        if self._offset:
            total += self._is_pending(after) - self._is_pending(until)
        total -= sum(after < each <= until and self._is_regular(each) for each in self._passed)
        return total + sum(after < each <= until and not self._is_regular(each) for each in set(self._added))

    def between(self, after: Instant, until: Instant) -> Iterator[Instant]:
        """Yield the instants later than ``after`` and at or before ``until``, the first one first."""
        found = self.next(after)
        while found is not None and found <= until:
            yield found
            found = self.next(found)

    # The spec's instants, each moved by the offset.

    def _next(self, after: Instant) -> Instant | None:
        if not self._offset:
            return next_by(self.spec, after, self._rules)
        pending = self._pending(after)
        if pending is not None:
            return pending
        regular = next_by(self.spec, after, self._rules)
        return None if regular is None else self._moved(regular)

    def _latest(self, after: Instant, until: Instant) -> Instant | None:
        if not self._offset:
            return latest_fire(self.spec, after, until, self._rules)
        earliest = after - self._offset - 1
        regular = latest_fire(self.spec, earliest, until, self._rules)
        if regular is not None and self._moved(regular) > until:  # then the one before it is not
            regular = latest_fire(self.spec, earliest, regular - 1, self._rules)
        moved = None if regular is None else self._moved(regular)
        return moved if moved is not None and moved > after else None

    def _moved(self, regular: Instant) -> Instant:
        following = next_by(self.spec, regular, self._rules)
        return regular + (self._offset if following is None else self._offset % (following - regular))

    def _pending(self, instant: Instant) -> Instant | None:
        """Return the moved instant later than ``instant`` whose regular one is not, if there is one."""
        regular = latest_fire(self.spec, instant - self._offset, instant, self._rules)
        moved = None if regular is None else self._moved(regular)
        return moved if moved is not None and moved > instant else None

    def _is_pending(self, instant: Instant) -> bool:
        return self._pending(instant) is not None

    def _is_regular(self, instant: Instant) -> bool:
        return self._next(instant - 1) == instant


def _anchor(schedule: Schedule) -> Instant:
    match schedule.align:
        case "epoch":
            return 0
        case "after_finish":  # while a run is active, as if it ended when it was fired: no later than that
            return max(schedule.anchor, schedule.ended or 0, schedule.last_fire or 0)
        case _:
            return schedule.anchor


def _seed(schedule: Schedule) -> str:
    """Return what the offset is made of: of a backfill the id of the schedule that it is of."""
    return schedule.id if schedule.backfill is None else schedule.backfill.id or schedule.id
