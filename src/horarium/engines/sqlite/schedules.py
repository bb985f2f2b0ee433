"""Schedules, and the one transaction that makes a firing happen once.

``record`` holds a schedule as it was saved; the columns beside it hold what firings and runs change, and win over it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from horarium.clock import Instant
from horarium.engines.records import Page, SchedulePage
from horarium.engines.sqlite.connection import Connection, Store
from horarium.engines.sqlite.fire import fire
from horarium.engines.sqlite.sql import Row, change, fetch
from horarium.errors import ScheduleConflict
from horarium.schedules.record import Fate, Firing, Moment, Schedule

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Schedule).decode


class SqliteSchedules:
    def __init__(self, store: Store) -> None:
        self._store = store

    def save(self, schedules: Sequence[Schedule], *, now: Instant) -> list[Schedule]:
        if not schedules:
            return []
        with self._store.write() as db:
            return [_save(db, schedule) for schedule in schedules]

    def delete(self, names: Sequence[str]) -> int:
        deleted = 0
        with self._store.write() as db:
            for name in names:
                deleted += change(db, "delete_schedule", {"name": name})
        return deleted

    def get(self, names: Sequence[str]) -> list[Schedule | None]:
        with self._store.read() as db:
            return [_get(db, name) for name in names]

    def browse(self, page: Page, *, owner: str | None = None) -> SchedulePage:
        if page.limit < 1:
            return SchedulePage(schedules=())
        values = {"after": page.after or "", "owner": owner, "limit": page.limit + 1}
        with self._store.read() as db:
            rows = fetch(db, "browse_schedules", values)
        found = tuple(map(to_schedule, rows[: page.limit]))
        return SchedulePage(schedules=found, next=found[-1].name if len(rows) > len(found) else None)

    def due(self, until: Instant, limit: int) -> list[Schedule]:
        with self._store.read() as db:
            rows = fetch(db, "due_schedules", {"until": until, "limit": max(0, limit)})
        read = list(map(to_schedule, rows))
        unreadable = [schedule for schedule in read if schedule.error is not None]
        if unreadable:
            self._shelve(unreadable)
        return [schedule for schedule in read if schedule.error is None]

    def _shelve(self, unreadable: Sequence[Schedule]) -> None:
        """Keep rows that cannot be read from being due for ever, in front of all the others."""
        with self._store.write() as db:
            for schedule in unreadable:
                change(db, "shelve_schedule", {"name": schedule.name, "version": schedule.version})

    def fire(self, firings: Sequence[Firing], *, now: Instant) -> list[Fate]:
        if not firings:
            return []
        with self._store.write() as db:
            return fire(db, firings, now)


class _Moments(msgspec.Struct, array_like=True):
    """What of a row must be a moment. Of a struct msgspec remembers what to look for: four unions took 18 us a row, and
    this takes 0.6."""

    next_fire: Moment | None
    last_fire: Moment | None
    succeeded: Moment | None
    ended: Moment | None


def to_schedule(row: Row) -> Schedule:
    """Return the schedule of a row; one whose record cannot be read stands in for itself, with the error."""
    name, id, owner, version, next_fire, last_fire, total_runs, missed, skipped, held, *of_runs, record = row
    succeeded, failures, ended = of_runs
    try:
        schedule = _decode(record)
        msgspec.convert((next_fire, last_fire, succeeded, ended), _Moments)
    except msgspec.MsgspecError as error:
        next_fire = last_fire = succeeded = ended = None
        reason = f"expected a stored schedule that can be read, got {error}; define it anew, or delete it"
        schedule = Schedule(
            id=id, name=name, task="", spec={}, owner=owner, anchor=0, created=0, changed=0, error=reason
        )
    return replace(
        schedule,
        id=id,
        name=name,
        version=version,
        next_fire=next_fire,
        last_fire=last_fire,
        total_runs=total_runs,
        missed=missed,
        skipped=skipped,
        held=bool(held),
        succeeded=succeeded,
        failures=failures,
        ended=ended,
    )


def _get(db: Connection, name: str) -> Schedule | None:
    rows = fetch(db, "get_schedule", {"name": name})
    return to_schedule(rows[0]) if rows else None


def _save(db: Connection, schedule: Schedule) -> Schedule:
    before = _get(db, schedule.name)
    found = 0 if before is None else before.version
    if schedule.version != found:
        raise ScheduleConflict(schedule.name, schedule.version, found)
    saved = replace(schedule, version=found + 1, held=False)
    if before is not None:
        saved = saved.with_counts_of(before)
    values = {
        "name": saved.name,
        "id": saved.id,
        "owner": saved.owner,
        "active": saved.is_active,
        "version": saved.version,
        "next_fire": saved.next_fire,
        "last_fire": saved.last_fire,
        "total_runs": saved.total_runs,
        "missed": saved.missed,
        "skipped": saved.skipped,
        "succeeded": saved.succeeded,
        "failures": saved.failures,
        "ended": saved.ended,
        "record": _encode(saved),
    }
    change(db, "save_schedule", values)
    return saved
