"""Schedules, and the one transaction that makes a firing happen once.

``record`` holds a schedule as it was saved; the columns beside it hold what firings change, and win over the record.
Saves and firings draw a token, by which the engine knows its own when it has to repeat one whose answer was lost.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from horarium.clock import Instant
from horarium.engines.postgres.connection import Store, transaction
from horarium.engines.postgres.firing import Volley
from horarium.engines.postgres.sql import Database, Row, Value, array
from horarium.engines.postgres.tokens import new_token
from horarium.engines.postgres.topics import Topics
from horarium.engines.protocol import Page, SchedulePage
from horarium.errors import ScheduleConflict
from horarium.schedules.record import Fate, Firing, Schedule

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Schedule).decode


class PostgresSchedules:
    def __init__(self, store: Store, topics: Topics) -> None:
        self._store = store
        self._topics = topics

    def save(self, schedules: Sequence[Schedule], *, now: Instant) -> list[Schedule]:
        if not schedules:
            return []
        token = new_token()

        def work(db: Database, again: bool) -> list[Schedule]:
            with transaction(db):
                return _save(db, schedules, token, again=again)

        return self._store.carry_out(work)

    def delete(self, names: Sequence[str]) -> int:
        if not names:
            return 0
        return self._store.carry_out(lambda db, again: db.change("delete_schedules", names=array(sorted(set(names)))))

    def get(self, names: Sequence[str]) -> list[Schedule | None]:
        if not names:
            return []
        rows = self._store.carry_out(lambda db, again: db.fetch("get_schedules", names=array(dict.fromkeys(names))))
        found = {row[0]: to_schedule(row) for row in rows}
        return [found.get(name) for name in names]

    def browse(self, page: Page, *, owner: str | None = None) -> SchedulePage:
        if page.limit < 1:
            return SchedulePage(schedules=())
        rows = self._store.carry_out(
            lambda db, again: db.fetch("browse_schedules", after=page.after or "", owner=owner, limit=page.limit + 1)
        )
        found = tuple(map(to_schedule, rows[: page.limit]))
        return SchedulePage(schedules=found, next=found[-1].name if len(rows) > len(found) else None)

    def due(self, until: Instant, limit: int) -> list[Schedule]:
        rows = self._store.carry_out(lambda db, again: db.fetch("due_schedules", until=until, limit=max(0, limit)))
        read = list(map(to_schedule, rows))
        unreadable = [schedule for schedule in read if schedule.error is not None]
        if unreadable:
            self._store.carry_out(lambda db, again: _shelve(db, unreadable))
        return [schedule for schedule in read if schedule.error is None]

    def fire(self, firings: Sequence[Firing], *, now: Instant) -> list[Fate]:
        if not firings:
            return []
        volley = Volley(firings, now)
        return self._store.carry_out(lambda db, again: volley.carry_out(db, self._topics))


def to_schedule(row: Row) -> Schedule:
    """Return the schedule of a row; one whose record cannot be read stands in for itself, with the error."""
    name, id, owner, version, *counts, record = row
    next_fire, last_fire, total_runs, missed, skipped, held, succeeded, failures, ended = counts
    try:
        schedule = _decode(record)
    except msgspec.MsgspecError as error:
        reason = f"expected a stored schedule that can be read, got {error}; define it anew, or delete it"
        schedule = Schedule(
            id=id, name=name, task="", spec={}, owner=owner, anchor=0, created=0, changed=0, error=reason
        )
    return replace(
        schedule,
        version=version,
        next_fire=next_fire,
        last_fire=last_fire,
        total_runs=total_runs,
        missed=missed,
        skipped=skipped,
        held=held,
        succeeded=succeeded,
        failures=failures,
        ended=ended,
    )


def _shelve(db: Database, unreadable: Sequence[Schedule]) -> None:
    """Keep rows that cannot be read from being due for ever, in front of all the others."""
    for schedule in unreadable:
        db.run("shelve_schedule", name=schedule.name, version=schedule.version)


def _save(db: Database, schedules: Sequence[Schedule], token: int, *, again: bool) -> list[Schedule]:
    """Save all of them. ``again``: an earlier try may have done so; then what it stored is the answer."""
    names = array(sorted({schedule.name for schedule in schedules}))
    _touch_earlier_runs(db, sorted({schedule.name for schedule in schedules if schedule.version == 0}))
    rows = db.fetch("lock_schedules", names=names)
    stored = {row[0]: to_schedule(row[:-1]) for row in rows}
    if (
        again
        and len(stored) == len({schedule.name for schedule in schedules})
        and all(row[-1] == token for row in rows)
    ):
        return [stored[schedule.name] for schedule in schedules]
    saved = []
    for schedule in schedules:
        before = stored.get(schedule.name)
        found = 0 if before is None else before.version
        if schedule.version != found:
            raise ScheduleConflict(schedule.name, schedule.version, found)
        after = replace(schedule, version=found + 1, held=False)
        if before is not None:
            after = _with_counts_of(before, after)
        _write(db, after, token, is_new=before is None)
        stored[schedule.name] = after
        saved.append(after)
    return saved


def _touch_earlier_runs(db: Database, created: Sequence[str]) -> None:
    """Let whoever ends a run of an earlier schedule of these names see those that are about to be; see news.py."""
    if created and db.fetch("lock_fired", schedules=array(created)):
        db.run("touch_fired", schedules=array(created))


def _with_counts_of(before: Schedule, schedule: Schedule) -> Schedule:
    return replace(
        schedule,
        last_fire=before.last_fire,
        total_runs=before.total_runs,
        missed=before.missed,
        skipped=before.skipped,
        succeeded=before.succeeded,
        failures=min(before.failures, schedule.failures),
        ended=before.ended,
    )


def _write(db: Database, schedule: Schedule, token: int, *, is_new: bool) -> None:
    name, version, record = schedule.name, schedule.version, _encode(schedule).decode()
    same: dict[str, Value] = {
        "id": schedule.id,
        "owner": schedule.owner,
        "active": schedule.is_active,
        "next_fire": schedule.next_fire,
        "failures": schedule.failures,
    }
    if not is_new:
        db.run("replace_schedule", name=name, version=version, token=token, record=record, **same)
    elif not db.change(
        "insert_schedule",
        name=name,
        version=version,
        token=token,
        record=record,
        last_fire=schedule.last_fire,
        total_runs=schedule.total_runs,
        missed=schedule.missed,
        skipped=schedule.skipped,
        succeeded=schedule.succeeded,
        ended=schedule.ended,
        **same,
    ):
        raise ScheduleConflict(name, 0, 1)  # somebody has created it since we looked
