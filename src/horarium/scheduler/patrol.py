"""Look after schedules: those in error heal by themselves when their cause is gone, those late or failing are told.

The store cannot list those alone. So a few rows are read at a time, and the whole listing comes round in turns; those
that are known to be in error, and some of those that have fired, are looked at in every turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from horarium.clock import Instant
from horarium.engines.records import Page
from horarium.errors import ScheduleConflict
from horarium.event import Observer, ScheduleHealed, ScheduleInError
from horarium.scheduler.prepare import cured
from horarium.scheduler.watch import Watch
from horarium.schedules.record import Schedule

if TYPE_CHECKING:
    from horarium.app.app import Horarium
    from horarium.engines.protocol import Engine

PAGE = 200
REMEMBERED = 1000  # the others in error wait until the listing comes round


class Patrol:
    """The rounds of one scheduler."""

    def __init__(self, app: Horarium, observer: Observer) -> None:
        self._app = app
        self._observer = observer
        self._after: str | None = None
        self._in_error: set[str] = set()
        self._watch = Watch(observer)

    def note(self, troubled: Iterable[str], running: Iterable[str] = ()) -> None:
        """Remember schedules that were put in error, and those that have fired."""
        for name in troubled:
            if len(self._in_error) < REMEMBERED:
                self._in_error.add(name)
        self._watch.note(running)

    def turn(self, engine: Engine, *, now: Instant, knows: Callable[[str], bool]) -> int:
        """Look at the next few schedules, those known to be in error and some of those that have fired; return how many
        are in error no more."""
        page = engine.schedules.browse(Page(limit=PAGE, after=self._after))
        self._after = page.next
        read = {schedule.name: schedule for schedule in page.schedules}
        known = sorted(self._in_error.union(self._watch.take()) - read.keys())
        found = dict(zip(known, engine.schedules.get(known), strict=True))
        read |= {name: schedule for name, schedule in found.items() if schedule is not None}
        self._watch.forget(name for name, schedule in found.items() if schedule is None)
        self._watch.judge(read.values(), now)
        failing = [schedule for schedule in read.values() if schedule.error is not None]
        healed = {schedule.name for schedule in failing if self._heal(engine, schedule, now=now, knows=knows)}
        still = [schedule for schedule in failing if schedule.name not in healed]
        for schedule in still:
            if schedule.name not in self._in_error:  # of an earlier scheduler: ours were told when it happened
                self._observer.tell(ScheduleInError(schedule=schedule.name, reason=schedule.error or ""))
        self._in_error.clear()
        self.note(schedule.name for schedule in still)
        return len(healed)

    def _heal(self, engine: Engine, schedule: Schedule, *, now: Instant, knows: Callable[[str], bool]) -> bool:
        well = cured(self._app, schedule, now=now, knows=knows)
        if well is None:
            return False
        try:
            engine.schedules.save([well], now=now)
        except ScheduleConflict:  # changed since it was read: the next turn looks again
            return False
        self._observer.tell(ScheduleHealed(schedule=schedule.name))
        return True
