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
from horarium.engines.records import Page, SchedulePage
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
    before_us, saved = set(stored), []
    for schedule in schedules:
        before = stored.get(schedule.name)
        found = 0 if before is None else before.version
        if schedule.version != found:
            raise ScheduleConflict(schedule.name, schedule.version, found)
        after = replace(schedule, version=found + 1, held=False)
        if before is not None:
            after = after.with_counts_of(before)
        stored[schedule.name] = after
        saved.append(after)
    written = {schedule.name: schedule for schedule in saved}  # of one that is saved twice in a call, the last
    _write(db, [written[name] for name in sorted(written.keys() - before_us)], token, are_new=True)
    _write(db, [written[name] for name in sorted(written.keys() & before_us)], token, are_new=False)
    return saved


def _touch_earlier_runs(db: Database, created: Sequence[str]) -> None:
    """Let whoever ends a run of an earlier schedule of these names see those that are about to be; see news.py."""
    if created and db.fetch("lock_fired", schedules=array(created)):
        db.run("touch_fired", schedules=array(created))


def _write(db: Database, schedules: Sequence[Schedule], token: int, *, are_new: bool) -> None:
    """Write schedules of different names, all in one: row by row, a million took 407 s."""
    if not schedules:
        return
    columns: dict[str, Value] = {
        "names": array(each.name for each in schedules),
        "ids": array(each.id for each in schedules),
        "owners": array(each.owner for each in schedules),
        "actives": array(each.is_active for each in schedules),
        "versions": array(each.version for each in schedules),
        "next_fires": array(each.next_fire for each in schedules),
        "failures": array(each.failures for each in schedules),
        "records": array(_encode(each).decode() for each in schedules),
        "token": token,
    }
    if not are_new:
        db.run("replace_schedules", **columns)
        return
    created = db.fetch(
        "insert_schedules",
        last_fires=array(each.last_fire for each in schedules),
        total_runs=array(each.total_runs for each in schedules),
        misseds=array(each.missed for each in schedules),
        skippeds=array(each.skipped for each in schedules),
        succeededs=array(each.succeeded for each in schedules),
        endeds=array(each.ended for each in schedules),
        **columns,
    )
    if len(created) < len(schedules):  # somebody has created one since we looked
        ours = {name for (name,) in created}
        raise ScheduleConflict(next(each.name for each in schedules if each.name not in ours), 0, 1)
