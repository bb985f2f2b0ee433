"""Schedules and their firings, in memory."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from horarium.clock import Instant
from horarium.engines.memory.store import Store
from horarium.engines.protocol import Page, SchedulePage
from horarium.errors import ScheduleConflict
from horarium.schedules.record import Firing, Schedule


class MemorySchedules:
    def __init__(self, store: Store) -> None:
        self._store = store

    def save(self, schedules: Sequence[Schedule], *, now: Instant) -> list[Schedule]:
        with self._store.lock:
            after = dict(self._store.schedules)
            saved = []
            for schedule in schedules:
                before = after.get(schedule.name)
                found = before.version if before is not None else 0
                if schedule.version != found:
                    raise ScheduleConflict(schedule.name, schedule.version, found)
                schedule = replace(schedule, version=found + 1)
                if before is not None:
                    schedule = replace(
                        schedule, last_fire=before.last_fire, total_runs=before.total_runs, missed=before.missed
                    )
                after[schedule.name] = schedule
                saved.append(schedule)
            self._store.schedules = after
            return saved

    def delete(self, names: Sequence[str]) -> int:
        with self._store.lock:
            return sum(self._store.schedules.pop(name, None) is not None for name in names)

    def get(self, names: Sequence[str]) -> list[Schedule | None]:
        with self._store.lock:
            return [self._store.schedules.get(name) for name in names]

    def browse(self, page: Page, *, owner: str | None = None) -> SchedulePage:
        with self._store.lock:
            schedules = sorted(self._store.schedules.values(), key=lambda schedule: schedule.name)
        schedules = [schedule for schedule in schedules if owner is None or schedule.owner == owner]
        if page.after is not None:
            schedules = [schedule for schedule in schedules if schedule.name > page.after]
        shown = schedules[: page.limit]
        more = len(schedules) > len(shown) > 0
        return SchedulePage(schedules=tuple(shown), next=shown[-1].name if more else None)

    def due(self, until: Instant, limit: int) -> list[Schedule]:
        with self._store.lock:
            due = [
                (schedule.next_fire, schedule.name, schedule)
                for schedule in self._store.schedules.values()
                if schedule.is_active and schedule.next_fire is not None and schedule.next_fire <= until
            ]
        return [schedule for _, _, schedule in sorted(due, key=lambda each: each[:2])[:limit]]

    def fire(self, firings: Sequence[Firing], *, now: Instant) -> list[bool]:
        with self._store.lock:
            return [self._fire(firing, now) for firing in firings]

    def _fire(self, firing: Firing, now: Instant) -> bool:
        schedule = self._store.schedules.get(firing.schedule)
        if schedule is None:
            return False
        if firing.kind == "auto":
            if (schedule.version, schedule.next_fire) != (firing.version, firing.expected):
                return False
            schedule = replace(schedule, next_fire=firing.next_fire, missed=schedule.missed + firing.missed)
        won = firing.nominal is None
        if firing.nominal is not None:
            key = (schedule.id, firing.nominal, firing.kind)
            won = key not in self._store.firings
            if won:
                self._store.firings.add(key)
                self._store.put(firing.messages, now)
                if firing.kind == "auto":
                    schedule = replace(schedule, last_fire=firing.nominal, total_runs=schedule.total_runs + 1)
        self._store.schedules[schedule.name] = schedule
        return won
