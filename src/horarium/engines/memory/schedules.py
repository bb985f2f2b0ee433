"""Schedules and their firings, in memory."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from horarium.clock import Instant
from horarium.engines.memory.store import Entry, Store
from horarium.engines.records import Page, SchedulePage
from horarium.errors import ScheduleConflict
from horarium.message import FiringKind, Message
from horarium.schedules.record import Fate, Firing, Schedule


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
                schedule = replace(schedule, version=found + 1, held=False)
                if before is not None:
                    schedule = schedule.with_counts_of(before)
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
                if schedule.is_active and not schedule.held
                if schedule.next_fire is not None and schedule.next_fire <= until
            ]
        return [schedule for _, _, schedule in sorted(due, key=lambda each: each[:2])[:limit]]

    def fire(self, firings: Sequence[Firing], *, now: Instant) -> list[Fate]:
        with self._store.changing(now):
            return [self._fire(firing, now) for firing in firings]

    def _fire(self, firing: Firing, now: Instant) -> Fate:
        schedule = self._store.schedules.get(firing.schedule)
        if schedule is None:
            return Fate.LOST
        if firing.kind != "manual" and (schedule.version, schedule.next_fire) != (firing.version, firing.expected):
            return Fate.LOST
        keys = {message.id: (schedule.id, message.nominal or 0, firing.kind) for message in firing.messages}
        new = [message for message in firing.messages if keys[message.id] not in self._store.firings]
        if firing.kind == "manual":
            self._enqueue(new, keys, now)
            return Fate.SENT if new else Fate.REPEATED
        active = self._store.active(schedule.name) if new and firing.overlap != "allow" else []
        is_full = len(active) >= firing.max_active
        if is_full and firing.overlap == "queue_one":
            self._store.schedules[schedule.name] = replace(schedule, held=True)
            return Fate.HELD
        schedule = replace(schedule, next_fire=firing.next_fire, missed=schedule.missed + firing.missed, held=False)
        if is_full and firing.overlap == "skip":
            self._store.firings.update(keys[message.id] for message in new)
            self._store.schedules[schedule.name] = replace(schedule, skipped=schedule.skipped + len(new))
            return Fate.SKIPPED
        if new:
            newest = max(message.nominal or 0 for message in new)
            schedule = replace(
                schedule,
                last_fire=max(schedule.last_fire or 0, newest),
                total_runs=schedule.total_runs + len(new),
            )
        self._store.schedules[schedule.name] = schedule
        if is_full:
            self._make_way(active, firing, now)
        self._enqueue(new, keys, now)
        return Fate.SENT if new or not firing.messages else Fate.REPEATED

    def _make_way(self, active: Sequence[Entry], firing: Firing, now: Instant) -> None:
        for entry in active:
            if entry.is_waiting:
                self._store.revoke(entry, f"replaced by the firing of {firing.nominal}", now)
            elif firing.overlap == "cancel_previous":
                entry.run = replace(entry.run, cancel="terminate")

    def _enqueue(
        self, messages: Sequence[Message], keys: dict[str, tuple[str, Instant, FiringKind]], now: Instant
    ) -> None:
        self._store.firings.update(keys[message.id] for message in messages)
        self._store.put(messages, now)
