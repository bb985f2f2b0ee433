"""How a schedule fares, judged from its record alone: whether it succeeds, and in time.

A schedule is late when the earliest instant that it owes a success for lies back by more than its grace. Owed is what
came due after the last success, and after the last edit: what a pause or an edit passed over is not owed any more.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from horarium.clock import Instant, Seconds, dated, milliseconds
from horarium.errors import InvalidSchedule
from horarium.schedules.line import Line
from horarium.schedules.record import Schedule

# Without a ``grace`` of its own a schedule has the time until its next due instant, but no less than the first and no
# more than the second of these: a moment for queues and restarts; and nobody wants to hear of a daily job after a day.
LEAST_GRACE: Seconds = 60.0
MOST_GRACE: Seconds = 3600.0


class Condition(StrEnum):
    """How a schedule fares, in a word."""

    OK = "ok"
    LATE = "late"
    FAILING = "failing"
    NEVER_RAN = "never ran"
    PAUSED = "paused"
    DISABLED = "disabled"
    IN_ERROR = "in error"
    ENDED = "ended"


class Health(Struct, frozen=True, kw_only=True):
    """How a schedule fares, and in a sentence why."""

    condition: Condition
    text: str
    due: Instant | None = None  # of what is late: since when

    @property
    def is_alarming(self) -> bool:
        return self.condition in (Condition.LATE, Condition.FAILING, Condition.IN_ERROR)


def health(schedule: Schedule, now: Instant, zone: str = "UTC") -> Health:
    """Judge a schedule at an instant of the store's clock; the text has its times in ``zone``. Raises nothing: one that
    cannot be judged is in error."""
    try:
        return _standing_still(schedule, now, zone) or _course(schedule, now, zone)
    except InvalidSchedule as error:
        return Health(condition=Condition.IN_ERROR, text=f"cannot fire: {error}")
    except Exception as error:  # noqa: BLE001  # a row can hold anything, a date beyond all calendars for one
        return Health(condition=Condition.IN_ERROR, text=f"cannot be judged: {type(error).__name__}: {error}")


def grace_of(schedule: Schedule, line: Line, due: Instant) -> Seconds:
    """Return how long after a due instant a schedule may succeed without being late; jitter comes on top of it."""
    if schedule.grace is not None:
        return schedule.grace
    following = line.next(due)
    gap = MOST_GRACE if following is None else (following - due) / 1000
    return min(max(gap, LEAST_GRACE), MOST_GRACE)


def _standing_still(schedule: Schedule, now: Instant, zone: str) -> Health | None:
    if schedule.error is not None:
        return Health(condition=Condition.IN_ERROR, text=f"cannot fire: {schedule.error}")
    if not schedule.enabled:
        return Health(condition=Condition.DISABLED, text="the code says enabled: False")
    is_over = schedule.paused_until is not None and schedule.paused_until <= now
    if schedule.paused_by is not None and not is_over:
        until = "" if schedule.paused_until is None else f" until {dated(schedule.paused_until, zone)}"
        note = f" ({schedule.pause_note})" if schedule.pause_note else ""
        return Health(condition=Condition.PAUSED, text=f"paused by {schedule.paused_by}{until}{note}")
    return None


def _course(schedule: Schedule, now: Instant, zone: str) -> Health:
    if schedule.failures:
        return Health(condition=Condition.FAILING, text=_failing(schedule, zone), due=_pending(schedule))
    if schedule.backfill is not None:
        done, number = schedule.total_runs, len(schedule.backfill.instants)
        return Health(condition=Condition.OK, text=f"{done} of {number} instants of {schedule.backfill.of!r} are fired")
    line = Line.of(schedule)
    due = _earliest_owed(schedule, line, now)
    if due is not None and now > due + milliseconds(schedule.jitter + grace_of(schedule, line, due)):
        return Health(condition=Condition.LATE, text=_late(schedule, due, zone), due=due)
    if schedule.last_fire is None and schedule.ended is None:  # one that a person ran has not fired, but run
        coming = "" if schedule.next_fire is None else f"; it is due at {dated(schedule.next_fire, zone)}"
        return Health(condition=Condition.NEVER_RAN, text=f"has not fired yet{coming}")
    if schedule.next_fire is None:
        return Health(condition=Condition.ENDED, text=f"nothing more to come; {_success(schedule, zone)}")
    return Health(condition=Condition.OK, text=_success(schedule, zone))


def _pending(schedule: Schedule) -> Instant | None:
    """Return the newest instant that was fired, if neither it nor a later one has succeeded."""
    last = schedule.last_fire
    return last if last is not None and (schedule.succeeded is None or schedule.succeeded < last) else None


def _earliest_owed(schedule: Schedule, line: Line, now: Instant) -> Instant | None:
    pending = _pending(schedule)
    since = max(schedule.succeeded or 0, schedule.changed)
    if pending is None and schedule.overlap == "skip":  # what was skipped while an earlier run was active is not owed
        since = max(since, schedule.ended or 0)
    if schedule.align == "after_finish" and schedule.held:  # its last run is still active: nothing else is due
        return pending
    expected = line.next(since)
    owed = [pending]
    if schedule.next_fire is not None:
        owed.append(schedule.next_fire)
        owed.append(expected if expected is not None and expected < schedule.next_fire else None)
    elif pending is not None:
        owed.append(expected)
    return min((each for each in owed if each is not None and each <= now), default=None)


def _failing(schedule: Schedule, zone: str) -> str:
    number = "the last run failed" if schedule.failures == 1 else f"{schedule.failures} failures in a row"
    return f"{number}; {_success(schedule, zone)}"


def _late(schedule: Schedule, due: Instant, zone: str) -> str:
    is_unfired = schedule.next_fire is not None and schedule.next_fire <= due
    if is_unfired and schedule.held:
        return f"due at {dated(due, zone)}, waits for an earlier run to end; {_success(schedule, zone)}"
    what = "has not fired" if is_unfired else "has not succeeded since"
    return f"due at {dated(due, zone)}, {what}; {_success(schedule, zone)}"


def _success(schedule: Schedule, zone: str) -> str:
    if schedule.succeeded is not None:
        return f"the last success was that of {dated(schedule.succeeded, zone)}"
    return "no run of it has ended yet" if schedule.ended is None else "no run of it has succeeded yet"
