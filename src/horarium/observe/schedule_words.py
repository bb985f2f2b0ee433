"""How a schedule is, in the words that every door uses: when it fires, what it waits for, why it does not fire."""

from __future__ import annotations

from functools import lru_cache

from horarium.clock import Instant
from horarium.errors import InvalidSchedule
from horarium.observe.moments import local, zone_or_utc
from horarium.schedules.backfill import progress
from horarium.schedules.editing import is_paused
from horarium.schedules.health import health
from horarium.schedules.record import Schedule
from horarium.schedules.specs import from_record
from horarium.schedules.words import describe, explain


def next_instant(schedule: Schedule) -> Instant | None:
    """Return when it fires next, None if it does not: one in error says so in its status."""
    is_none = schedule.error is not None or schedule.backfill is not None
    return None if is_none else schedule.next_fire


def spec_text(schedule: Schedule) -> str:
    """Return when it fires, in words; of a backfill what it repeats."""
    if schedule.backfill is not None:
        return f"{len(schedule.backfill.instants)} past instants of {schedule.backfill.of}"
    try:
        return describe(from_record(schedule.spec))
    except InvalidSchedule:
        return "?"


def explained(schedule: Schedule) -> str:
    """Return the sentence that says when it fires; nothing of a backfill, nor of what cannot be read."""
    if schedule.backfill is not None:
        return ""
    try:
        return _sentence(from_record(schedule.spec))
    except InvalidSchedule:  # its status says so
        return ""


def status(schedule: Schedule, now: Instant, zone: str | None = None) -> str:
    """Return how a schedule is, as the reference's table of states says; times are in ``zone``, or its own."""
    if schedule.error is not None:
        return f"error: {schedule.error}"
    if schedule.paused_by is not None and is_paused(schedule, now):
        zone = zone or zone_or_utc(schedule.timezone)
        until = f" until {local(schedule.paused_until, zone)}" if schedule.paused_until else ""
        return f"paused by {schedule.paused_by}{until}" + (f" ({schedule.pause_note})" if schedule.pause_note else "")
    if (made := progress(schedule)) is not None:
        return f"{made.done} of {made.total} fired" + (", waits for a run to end" if schedule.held else "")
    match schedule:
        case Schedule(enabled=False):
            return "disabled"
        case Schedule(version=0):
            return "not stored yet: no scheduler has run"
        case Schedule(next_fire=None):
            return "ended"
    found = health(schedule, now)
    said = f"active, {found.condition}" if found.is_alarming else "active"
    return f"{said}, waits for a run to end" if schedule.held else said


def shown(schedule: Schedule, instant: Instant) -> str:
    """Return an instant in the schedule's own zone."""
    return local(instant, zone_or_utc(schedule.timezone))


_sentence = lru_cache(maxsize=4096)(explain)  # of a crontab it takes a millisecond, and a list shows a hundred
