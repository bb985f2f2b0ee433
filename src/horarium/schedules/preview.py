"""What schedules will do: the firings to come, of one or of many in order, and what a clock change does to each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from heapq import merge
from itertools import islice

from msgspec import Struct

from horarium.clock import Instant, abbreviation, to_datetime
from horarium.errors import InvalidSchedule
from horarium.schedules.backfill import rest
from horarium.schedules.editing import is_paused
from horarium.schedules.line import NEVER, Line, next_of
from horarium.schedules.planning import runs_left
from horarium.schedules.record import Schedule
from horarium.schedules.recurrence import WallClock, union, without
from horarium.schedules.specs import Spec, from_record
from horarium.schedules.zones import zone_of

MOST_RUNS = 1 << 31  # more are as good as no end; islice knows no longer numbers

ADDED = "moved here by a person"
MOVED = "moved: the clocks go forward and its own time does not exist on this day"
SECOND_PASS = "second pass of the repeated hour"
FIRST_PASS = "first pass of the repeated hour"


class Expected(Struct, frozen=True, kw_only=True):
    """One firing to come. ``remark`` says what a clock change does to it, if one does."""

    schedule: str
    at: Instant
    local: datetime  # the same in the schedule's zone
    remark: str = ""


def upcoming(schedule: Schedule, *, now: Instant) -> Iterator[Instant]:
    """Return the firings to come, an overdue one first; of one that is paused those that it would have.

    Ends where the schedule does (``end``, ``max_runs``, ``one_off``). Raises: InvalidSchedule.
    """
    return islice(_endless(schedule, now), _runs_left(schedule))


def ahead(schedule: Schedule, *, now: Instant) -> Iterator[Expected]:
    """Return ``upcoming`` with remarks. Raises: InvalidSchedule."""
    return _remarked(schedule, upcoming(schedule, now=now), now)


def expected(schedule: Schedule, start: Instant, end: Instant) -> Iterator[Expected]:
    """Return what a schedule fires from ``start`` on and before ``end``, with remarks. Raises: InvalidSchedule."""
    return _remarked(schedule, islice(_in_range(schedule, start, end), _runs_left(schedule)), start)


def expected_of_all(schedules: Iterable[Schedule], start: Instant, end: Instant) -> Iterator[Expected]:
    """Return what many schedules fire in a range, in order of time; holds one firing of each schedule at a time.

    One that is paused, disabled, a backfill or in error fires nothing.
    """
    firing = [schedule for schedule in schedules if would_fire(schedule, start)]
    return merge(*(expected(each, start, end) for each in firing), key=lambda one: (one.at, one.schedule))


def would_fire(schedule: Schedule, now: Instant) -> bool:
    """Return whether a schedule fires by itself at all, as things stand at ``now``."""
    is_stopped = is_paused(schedule, now) and schedule.paused_until is None
    if not schedule.enabled or is_stopped or schedule.error is not None or schedule.backfill is not None:
        return False
    try:
        from_record(schedule.spec)
        zone_of(schedule.timezone)
    except InvalidSchedule:
        return False
    return True


def remark(spec: Spec | None, before: datetime, moment: datetime) -> str:
    """Say what a clock change does to a firing, at a local time; ``before`` is the one in front of it. Without a spec
    nobody knows whether the time is the firing's own."""
    if spec is not None and not _is_own_time(spec, moment):
        return MOVED
    if moment.fold:
        return SECOND_PASS
    if moment.replace(fold=1).utcoffset() != moment.utcoffset():
        return FIRST_PASS
    if before.utcoffset() != moment.utcoffset():
        return f"from here on {abbreviation(moment)}, before {abbreviation(before)}"
    return ""


def _is_own_time(spec: Spec, moment: datetime) -> bool:
    """Whether a spec says this time of the day itself; one that means no wall clock says any."""
    match spec:
        case union(members=members):
            return any(_is_own_time(member, moment) for member in members)
        case without(spec=inner):
            return _is_own_time(inner, moment)
        case WallClock(is_fixed=True, times=times):
            return moment.hour * 3600 + moment.minute * 60 in times
    return True


def _remarked(schedule: Schedule, instants: Iterator[Instant], start: Instant) -> Iterator[Expected]:
    spec, zone = from_record(schedule.spec), zone_of(schedule.timezone)
    before = to_datetime(start).astimezone(zone)
    for at in instants:
        moment = to_datetime(at).astimezone(zone)
        said = ADDED if at in schedule.added else remark(None if schedule.spread else spec, before, moment)
        yield Expected(schedule=schedule.name, at=at, local=moment, remark=said)
        before = moment


def _runs_left(schedule: Schedule) -> int | None:
    left = runs_left(schedule)
    return None if left > MOST_RUNS else max(left, 0)


def _in_range(schedule: Schedule, start: Instant, end: Instant) -> Iterator[Instant]:
    if schedule.version > 0 and schedule.next_fire is None and schedule.error is None:
        return iter(())  # it is over
    last = end - 1 if schedule.end is None else min(end - 1, schedule.end)
    return Line.of(schedule).between(max(start, schedule.paused_until or 0) - 1, last)


def _endless(schedule: Schedule, now: Instant) -> Iterator[Instant]:
    at = schedule.next_fire
    if schedule.backfill is not None:
        yield from rest(schedule)
        return
    is_stale = at is not None and at <= now and not schedule.is_active
    if is_stale or (at is None and (schedule.error is not None or not schedule.version)):
        at = next_of(schedule, now)
    if at is None:
        return
    yield at
    yield from Line.of(schedule).between(at, NEVER if schedule.end is None else schedule.end)
