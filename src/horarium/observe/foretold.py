"""What a schedule will do, for whoever is writing it: its next firings, and the clock changes that touch it.

The instants are those that a scheduler would find, by the same code. What one look costs is bounded: the texts of a
spec are short, and only so many firings are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, takewhile

from msgspec import Struct

from horarium.clock import Instant, Seconds, milliseconds
from horarium.errors import InvalidSchedule
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


class Foretold(Struct, frozen=True, kw_only=True):
    """What a schedule will do. ``changes``: the next clock changes that touch it, beyond the firings; ``error``: why
    nobody can tell."""

    zone: str
    text: str = ""
    firings: tuple[Expected, ...] = ()
    changes: tuple[Expected, ...] = ()
    error: str = ""


def foretold(schedule: Schedule, *, now: Instant, firings: int = SHOWN) -> Foretold:
    """Return what a schedule will do from now on. Raises nothing: what cannot be foreseen is its error."""
    try:
        spec = from_record(schedule.spec)
        text, coming = explain(spec), ahead(schedule, now=now)
        first = tuple(islice(coming, firings))
        changes = tuple(islice(_changes(coming, now), CHANGES)) if isinstance(spec, WallClock) else ()
    except InvalidSchedule as error:
        return Foretold(zone=schedule.timezone, error=str(error))
    return Foretold(zone=schedule.timezone, text=text, firings=first, changes=changes)


def _changes(coming: Iterator[Expected], now: Instant) -> Iterator[Expected]:
    until = now + milliseconds(LOOKED_AHEAD)
    return (each for each in takewhile(lambda firing: firing.at < until, islice(coming, LOOKED_AT)) if each.remark)
