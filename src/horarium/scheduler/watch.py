"""Tell of schedules that are late or failing, once each, until they are well again.

What this scheduler has fired is looked at until it has succeeded, a few of them in a turn; besides, whatever else the
patrol reads. So a late one is heard of within seconds where few fire, and no turn costs more where a million do.
"""

from __future__ import annotations

from collections.abc import Iterable

from horarium.clock import Instant
from horarium.event import Observer, ScheduleFailing, ScheduleLate, ScheduleRecovered
from horarium.schedules.health import Condition, Health, health
from horarium.schedules.record import Schedule

A_TURN = 200  # schedules that are looked at again in one turn
WATCHED = 10_000  # what fires while so many are watched is found when the listing comes round
TOLD = 1000  # so many can be late or failing at a time and be told: who has more, has one cause


class Watch:
    """What one scheduler has an eye on."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._watched: dict[str, None] = {}  # in the order in which they are looked at
        self._told: dict[str, Condition] = {}

    def note(self, names: Iterable[str]) -> None:
        """Have an eye on schedules that have fired."""
        for name in names:
            if len(self._watched) < WATCHED:
                self._watched.setdefault(name)

    def take(self) -> list[str]:
        """Return the names that are to be looked at in this turn; they are watched on if ``judge`` says so."""
        names = list(self._watched)[:A_TURN]
        for name in names:
            del self._watched[name]
        return names

    def judge(self, schedules: Iterable[Schedule], now: Instant) -> None:
        """Tell of those that have become late or failing, and of those that are so no more."""
        for schedule in schedules:
            found = health(schedule, now)
            self._tell(schedule, found)
            if found.is_alarming or _is_open(schedule, now):
                self.note([schedule.name])

    def forget(self, names: Iterable[str]) -> None:
        """Forget schedules that are gone."""
        for name in names:
            self._told.pop(name, None)

    def _tell(self, schedule: Schedule, found: Health) -> None:
        name, before = schedule.name, self._told.get(schedule.name)
        if found.condition not in (Condition.LATE, Condition.FAILING):
            if self._told.pop(name, None) is not None and found.condition in (Condition.OK, Condition.ENDED):
                self._observer.tell(ScheduleRecovered(schedule=name))
        elif found.condition is not before and (before is not None or len(self._told) < TOLD):
            self._told[name] = found.condition
            if found.condition is Condition.LATE:
                self._observer.tell(ScheduleLate(schedule=name, due=found.due or 0, text=found.text))
            else:
                self._observer.tell(ScheduleFailing(schedule=name, failures=schedule.failures, text=found.text))


def _is_open(schedule: Schedule, now: Instant) -> bool:
    """Tell whether a schedule has fired what has not succeeded, or is due."""
    is_due = schedule.is_active and schedule.next_fire is not None and schedule.next_fire <= now
    return is_due or (schedule.last_fire or 0) > (schedule.succeeded or 0)
