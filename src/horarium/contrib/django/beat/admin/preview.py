"""When a schedule will be due, told while it is being written: as JSON for the page's script, and for the page itself.

What it will do is found by observe/foretold.py: the instants are a scheduler's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from horarium.clock import Instant
from horarium.contrib.django.beat.admin.words import away, local
from horarium.observe.foretold import foretold
from horarium.observe.moments import utc
from horarium.schedules.preview import Expected
from horarium.schedules.record import Schedule


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
    told = foretold(schedule, now=now)
    if told.error:
        return Preview(errors=(told.error,), zone=told.zone, notes=notes)
    if not told.firings:
        notes = (*notes, "It has no firings to come.")
    runs, changes = (tuple(_firing(each, now) for each in some) for some in (told.firings, told.changes))
    return Preview(text=told.text, zone=told.zone, runs=runs, changes=changes, notes=notes)


def failures(errors: Any, labels: Any) -> Iterator[str]:
    """Yield what is wrong with a form, each with the name of its field."""
    for field, complaints in errors.items():
        for complaint in complaints:
            yield f"{labels[field].label}: {complaint}" if field in labels and labels[field].label else str(complaint)


def _firing(expected: Expected, now: Instant) -> Firing:
    zone = expected.local.tzinfo
    assert zone is not None
    return Firing(
        local=local(expected.at, zone, now),
        utc=utc(expected.at),
        away=away(expected.at, now),
        remark=expected.remark,
    )
