"""When a schedule will be due, told while it is being written: as JSON for the page's script, and for the page itself.

The instants are those that a scheduler would find, by the same code. What one look costs is bounded: the texts of a
crontab are short, and only so many firings are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, takewhile
from typing import Any

from msgspec import Struct

from horarium.clock import Instant, Seconds, milliseconds
from horarium.contrib.django.beat.admin.words import away, local
from horarium.errors import InvalidSchedule
from horarium.observe.moments import utc
from horarium.schedules.preview import Expected, ahead
from horarium.schedules.record import Schedule
from horarium.schedules.recurrence import WallClock
from horarium.schedules.specs import from_record
from horarium.schedules.words import explain

SHOWN = 5
# Clock changes that touch a schedule of the wall clock are looked for in a year and a half, among so many firings. For
# the sun it would be 800 times up to 0.15 s, at the poles: two minutes.
LOOKED_AT = 800
LOOKED_AHEAD: Seconds = 1.5 * 365.25 * 86_400
CHANGES = 3


class Firing(Struct, frozen=True, kw_only=True):
    """One firing to come, as people read it."""

    local: str
    utc: str
    away: str
    remark: str = ""


class Preview(Struct, frozen=True, kw_only=True):
    """What a schedule will do. ``changes``: the next clock changes that touch it, beyond the firings shown."""

    text: str = ""
    zone: str = ""
    runs: tuple[Firing, ...] = ()
    changes: tuple[Firing, ...] = ()
    errors: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def preview(schedule: Schedule, *, now: Instant, notes: tuple[str, ...] = ()) -> Preview:
    """Return what a schedule will do from now on. Raises nothing: what cannot be foreseen is among the errors."""
    try:
        spec = from_record(schedule.spec)
        text, coming = explain(spec), ahead(schedule, now=now)
        firings = tuple(_firing(each, now) for each in islice(coming, SHOWN))
        changes = tuple(islice(_changes(coming, now), CHANGES)) if isinstance(spec, WallClock) else ()
    except InvalidSchedule as error:
        return Preview(errors=(str(error),), zone=schedule.timezone, notes=notes)
    if not firings:
        notes = (*notes, "It has no firings to come.")
    return Preview(text=text, zone=schedule.timezone, runs=firings, changes=changes, notes=notes)


def failures(errors: Any, labels: Any) -> Iterator[str]:
    """Yield what is wrong with a form, each with the name of its field."""
    for field, complaints in errors.items():
        for complaint in complaints:
            yield f"{labels[field].label}: {complaint}" if field in labels and labels[field].label else str(complaint)


def _changes(coming: Iterator[Expected], now: Instant) -> Iterator[Firing]:
    until = now + milliseconds(LOOKED_AHEAD)
    for each in takewhile(lambda firing: firing.at < until, islice(coming, LOOKED_AT)):
        if each.remark:
            yield _firing(each, now)


def _firing(expected: Expected, now: Instant) -> Firing:
    zone = expected.local.tzinfo
    assert zone is not None
    return Firing(
        local=local(expected.at, zone, now),
        utc=utc(expected.at),
        away=away(expected.at, now),
        remark=expected.remark,
    )
