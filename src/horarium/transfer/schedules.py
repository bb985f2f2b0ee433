"""Move schedules from one store to another so that no firing happens in both, and none in neither.

A schedule is paused in the source with a note, then made in the target as it was before. Killed in between, it stands
still in the source with that note; run again, it is made in the target. Its id stays, and so do those of its firings.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from horarium.engines.protocol import Engine
from horarium.engines.records import SCHEDULE_TOPIC, Page
from horarium.errors import ScheduleConflict
from horarium.schedules.editing import noted
from horarium.schedules.record import Schedule

BATCH = 200
BY = "horarium migrate"
NOTE = "it has moved to another store"


class SchedulesMoved(Struct, frozen=True, kw_only=True):
    made: int = 0  # in the target
    known: int = 0  # there already: left as they are


def move_schedules(source: Engine, target: Engine) -> Iterator[SchedulesMoved]:
    """Move all schedules, page by page; yield what became of each page. Those that the target has by name are left as
    they are there, and paused in the source too."""
    after: str | None = None
    while True:
        page = source.schedules.browse(Page(limit=BATCH, after=after))
        yield _move(source, target, page.schedules)
        after = page.next
        if after is None:
            return


def _move(source: Engine, target: Engine, schedules: tuple[Schedule, ...]) -> SchedulesMoved:
    made = known = 0
    there = target.schedules.get([schedule.name for schedule in schedules])
    for schedule, twin in zip(schedules, there, strict=True):
        before = _pause(source, schedule)
        if before is None:
            continue  # deleted meanwhile
        if twin is not None:
            known += 1
            continue
        try:
            target.schedules.save([replace(before, version=0, held=False)], now=target.now())
        except ScheduleConflict:  # made there meanwhile, by another mover or from code
            known += 1
        else:
            made += 1
    if made:
        target.notifier.notify([SCHEDULE_TOPIC])
    return SchedulesMoved(made=made, known=known)


def _pause(source: Engine, schedule: Schedule) -> Schedule | None:
    """Pause a schedule in the source; return it as it was before, None if it is gone."""
    current: Schedule | None = schedule
    while current is not None:
        if current.paused_by == BY:  # by us, before we were killed
            return replace(current, paused_by=None, pause_note="")
        if current.paused_by is not None and current.paused_until is None:
            return current  # it fires nowhere until somebody resumes it
        paused = replace(current, paused_by=BY, pause_note=NOTE, paused_until=None)
        now = source.now()
        try:
            source.schedules.save([noted(current, paused, what="paused", by=BY, note=NOTE, now=now)], now=now)
        except ScheduleConflict:  # edited meanwhile
            [current] = source.schedules.get([current.name])
            continue
        source.notifier.notify([SCHEDULE_TOPIC])
        return _as_fired(source, current)
    return None


def _as_fired(source: Engine, before: Schedule) -> Schedule:
    """Return a schedule as it was before it was paused, with what it has fired until then.

    If next_fire is set back to one of those by that, it does not fire again: see planning.plan.
    """
    [now] = source.schedules.get([before.name])
    return before if now is None else before.with_counts_of(now)
