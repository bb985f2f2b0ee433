"""What a schedule that is due fires now: which of its due instants, when each may start, and what is missed.

A miss is a due instant that nothing was enqueued for; it is counted, never silent. Decisions as values; a runner acts.
"""

from __future__ import annotations

from msgspec import Struct

from horarium.clock import Instant, Seconds, milliseconds
from horarium.errors import InvalidSchedule
from horarium.schedules.clocked import clocked
from horarium.schedules.line import NEVER, Line, within_end
from horarium.schedules.record import Schedule
from horarium.schedules.shifts import shift

# A firing up to this late is a delay and not a miss, whatever ``catchup`` says: a schedule of a dead scheduler is
# taken over within 5 s, and a store may need a moment to come back.
ON_TIME: Seconds = 30.0

# How far back the instant before a firing is looked for.
LOOK_BACK: Seconds = 10 * 365.25 * 86_400

_ON_TIME = milliseconds(ON_TIME)


class Plan(Struct, frozen=True, kw_only=True):
    """What is to be done about a schedule that is due."""

    fire: tuple[Instant, ...] = ()  # the nominal instants to enqueue, the first one first
    next_fire: Instant | None = None  # None: nothing more to come; it may have come due already
    missed: int = 0  # due instants passed over

    @property
    def nominal(self) -> Instant | None:
        return self.fire[-1] if self.fire else None


class Occasion(Struct, frozen=True, kw_only=True):
    """One due instant that is to be enqueued."""

    nominal: Instant
    previous: Instant | None  # the due instant before it, whatever became of that one
    caught_up: bool  # it was missed when it was due: it is late by more than ON_TIME, or the next one is due as well
    start: Instant  # the run may not start before


def plan(schedule: Schedule, *, now: Instant, line: Line | None = None) -> Plan:
    """Decide what a schedule fires now.

    Of all instants that have come due since ``next_fire`` those are fired that ``catchup`` names and its window (or
    ON_TIME, if that is longer) still holds: ``latest`` the newest, ``earliest`` the oldest, ``all`` the newest
    ``catchup_limit``, ``none`` the newest, if it is on time. The others are missed. If ``overlap`` is to judge each of
    several, only the first one is fired, and ``next_fire`` is the second one, due at once.

    The next instant follows from the newest due one, never from ``now``. An edit that was read before a firing sets
    next_fire back to it: what was fired is neither fired again nor missed. A backfill fires the instants that it
    names, one at a time. ``line`` is the schedule's, if it is at hand. Raises: InvalidSchedule when the spec or the
    zone cannot be used.
    """
    first = schedule.next_fire
    if first is None or first > now:
        return Plan(next_fire=first)
    if schedule.backfill is not None:
        return _plan_backfill(schedule, first, now)
    left = runs_left(schedule)
    if left <= 0:
        return Plan()
    line = line or Line.of(schedule)
    if is_paused_at(schedule, now):
        return Plan(next_fire=_behind_pause(schedule, line))
    if schedule.align == "after_finish":
        return _plan_after_finish(schedule, line, first, now)
    until = now if schedule.end is None else min(now, schedule.end)
    first = _first_due(schedule, line, first)
    if first is None or first > until:
        return Plan(next_fire=within_end(schedule, first))
    newest, due, following = first, 1, line.next(first)
    if following is not None and following <= until:
        newest = line.latest(first, until) or first
        due += line.count(first, until)
        following = line.next(newest)
    chosen = _chosen(schedule, line, first, newest, now)
    following = within_end(schedule, following)
    fire, is_last = chosen[:left], len(chosen) >= left
    if schedule.overlap != "allow" and len(fire) > 1:  # each is to be judged by what is active then
        fire, following, is_last = fire[:1], fire[1], False
    if is_last and schedule.overlap != "skip":  # one that is skipped is no run: whether it was shows at the next one
        following = None
    return Plan(fire=tuple(fire), next_fire=following, missed=due - len(chosen))


def owed(stored: Schedule, *, now: Instant) -> int:
    """Return how many instants of a stored schedule have come due and were not fired."""
    first = stored.next_fire
    if not stored.is_active or first is None or stored.backfill is not None or runs_left(stored) <= 0:
        return 0
    try:
        line = Line.of(stored)
        until = now if stored.end is None else min(now, stored.end)
        if stored.align == "after_finish":
            return int(not is_paused_at(stored, now) and bool(plan(stored, now=now).fire))
        first = None if is_paused_at(stored, now) else _first_due(stored, line, first)
        return 0 if first is None or first > until else 1 + line.count(first, until)
    except InvalidSchedule:  # what cannot be read is not due
        return 0


def occasions(schedule: Schedule, decided: Plan, *, now: Instant, line: Line | None = None) -> list[Occasion]:
    """Return what is to be known of each instant that a plan fires.

    The start is the nominal instant, later by ``jitter``: by a hash of schedule and instant, which stays below jitter
    and before the next instant. What is caught up with others starts ``catchup_spacing`` apart from now on.
    Raises: InvalidSchedule.
    """
    line = line or Line.of(schedule)
    spacing = milliseconds(schedule.catchup_spacing)
    return [
        _occasion(schedule, line, nominal, position * spacing, now=now) for position, nominal in enumerate(decided.fire)
    ]


def runs_left(schedule: Schedule) -> int:
    """Return how often a schedule may still fire: ``max_runs`` and ``one_off`` count what was enqueued."""
    limit = NEVER if schedule.max_runs is None else schedule.max_runs
    if schedule.one_off and schedule.spec.get("kind") != "clocked":  # that is once anyway, and again if it is moved
        limit = min(limit, 1)
    return limit - schedule.total_runs


def is_paused_at(schedule: Schedule, instant: Instant) -> bool:
    """Tell whether a pause that ends by itself has not ended at an instant."""
    return schedule.paused_by is not None and schedule.paused_until is not None and instant < schedule.paused_until


def patience(schedule: Schedule) -> int:
    """Return how many milliseconds after its due instant a schedule still fires."""
    window = 0.0 if schedule.catchup == "none" else schedule.catchup_window
    return milliseconds(max(window, ON_TIME))


def _plan_after_finish(schedule: Schedule, line: Line, first: Instant, now: Instant) -> Plan:
    """Fire one interval after the end of the last run, as late as that may be: nothing is missed while nobody could
    fire, for the next instant only follows from this one. The stored next_fire is the earliest that it can be."""
    has_run = schedule.last_fire is not None or schedule.ended is not None
    nominal = max(first, line.next(line.anchor) or first) if has_run else first
    if nominal > now:
        return Plan(next_fire=within_end(schedule, nominal))
    if within_end(schedule, nominal) is None:
        return Plan()
    is_dropped = schedule.catchup == "none" and now - nominal > _ON_TIME
    is_last = runs_left(schedule) == 1 and not is_dropped
    following = None if is_last else within_end(schedule, line.after(max(nominal, now)))
    return Plan(fire=() if is_dropped else (nominal,), next_fire=following, missed=int(is_dropped))


def _plan_backfill(schedule: Schedule, first: Instant, now: Instant) -> Plan:
    """Fire the next one of the named instants; next_fire moves on by a millisecond, so that it is another one each
    time, as the compare-and-set of a firing needs it."""
    if is_paused_at(schedule, now):
        return Plan(next_fire=schedule.paused_until)
    instants = tuple(dict.fromkeys(schedule.backfill.instants)) if schedule.backfill is not None else ()
    done = schedule.total_runs
    if done >= len(instants):
        return Plan()
    following = max(schedule.created + done, first) + 1
    return Plan(fire=(instants[done],), next_fire=following if done + 1 < len(instants) else None)


def _occasion(schedule: Schedule, line: Line, nominal: Instant, spaced: int, *, now: Instant) -> Occasion:
    if schedule.align == "after_finish":
        start = _jittered(schedule, nominal, line.after(nominal))
        is_late = now - nominal > _ON_TIME
        return Occasion(nominal=nominal, previous=schedule.last_fire, caught_up=is_late, start=start)
    following = line.next(nominal)
    previous = _before(schedule, line, nominal, following)
    if schedule.backfill is not None:
        return Occasion(nominal=nominal, previous=previous, caught_up=False, start=nominal)
    is_late = now - nominal > _ON_TIME or (following is not None and following <= now)
    start = max(nominal if not spaced else now + spaced, _jittered(schedule, nominal, following))
    return Occasion(nominal=nominal, previous=previous, caught_up=is_late, start=start)


def _behind_pause(schedule: Schedule, line: Line) -> Instant | None:
    until = schedule.paused_until or 0
    if isinstance(line.spec, clocked):  # is not skipped by a pause but late, as after any other pause
        return until
    return within_end(schedule, line.next(until - 1))


def _first_due(schedule: Schedule, line: Line, stored: Instant) -> Instant | None:
    """Return the instant that is meant by the stored next_fire."""
    if isinstance(line.spec, clocked):  # it may be due later than it was meant: after a pause
        return line.latest(-1, stored) or line.next(stored)
    if schedule.last_fire is not None and stored <= schedule.last_fire:
        return line.next(schedule.last_fire)
    if stored in schedule.passed_over and stored not in schedule.added:
        return line.next(stored)
    return stored


def _chosen(schedule: Schedule, line: Line, first: Instant, newest: Instant, now: Instant) -> list[Instant]:
    """Return which of the instants from ``first`` to ``newest`` are to be fired."""
    oldest = now - patience(schedule)
    if newest < oldest:
        return []
    match schedule.catchup:
        case "earliest":
            return [first if first >= oldest else line.next(oldest - 1) or newest]
        case "all":
            return _newest(line, max(first, oldest), newest, schedule.catchup_limit, first)
        case _:
            return [newest]


def _newest(line: Line, oldest: Instant, newest: Instant, limit: int, first: Instant) -> list[Instant]:
    """Return the last ``limit`` instants from ``oldest`` to ``newest``. The first one may be none of the line."""
    found = [newest]
    while len(found) < limit and found[-1] > oldest:
        before = line.latest(oldest - 1, found[-1] - 1)
        if before is None and first == oldest:
            before = first
        if before is None:
            break
        found.append(before)
    return found[::-1]


def _before(schedule: Schedule, line: Line, nominal: Instant, following: Instant | None) -> Instant | None:
    """Return the instant before. Looking back takes ten looks ahead and more, so the likely ones are tried first: that
    which was fired last, and the one as far before as the next one is after."""
    last = schedule.last_fire
    if last is not None and last < nominal and schedule.backfill is None and line.next(last) == nominal:
        return last
    if following is not None:
        likely = 2 * nominal - following
        if line.next(likely) == nominal and line.next(likely - 1) == likely:
            return likely
    return line.latest(nominal - milliseconds(LOOK_BACK), nominal - 1)


def _jittered(schedule: Schedule, nominal: Instant, following: Instant | None) -> Instant:
    if not schedule.jitter:
        return nominal
    span = milliseconds(schedule.jitter)
    if following is not None:
        span = min(span, following - nominal)
    return nominal + shift(span, schedule.id, nominal)
