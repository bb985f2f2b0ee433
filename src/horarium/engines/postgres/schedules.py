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
from horarium.engines.postgres.intake import insert
from horarium.engines.postgres.sql import Database, Row, Value, array
from horarium.engines.postgres.tokens import new_token
from horarium.engines.postgres.topics import Topics
from horarium.engines.protocol import QUEUE_TOPIC, Page, SchedulePage
from horarium.errors import ScheduleConflict
from horarium.message import Message
from horarium.schedules.record import Firing, Schedule

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

    def fire(self, firings: Sequence[Firing], *, now: Instant) -> list[bool]:
        if not firings:
            return []
        tokens = [new_token() for _ in firings]

        def work(db: Database, again: bool) -> list[bool]:
            with transaction(db):
                shot = _Shot(db, again=again)
                won = [shot.fire(firing, token) for firing, token in zip(firings, tokens, strict=True)]
                insert(db, shot.messages, now, new_token())
            self._topics.announce(db, {QUEUE_TOPIC + message.queue for message in shot.messages})
            return won

        return self._store.carry_out(work)


def to_schedule(row: Row) -> Schedule:
    """Return the schedule of a row; one whose record cannot be read stands in for itself, with the error."""
    name, id, owner, version, next_fire, last_fire, total_runs, missed, record = row
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
    )


def _shelve(db: Database, unreadable: Sequence[Schedule]) -> None:
    """Keep rows that cannot be read from being due for ever, in front of all the others."""
    for schedule in unreadable:
        db.run("shelve_schedule", name=schedule.name, version=schedule.version)


def _save(db: Database, schedules: Sequence[Schedule], token: int, *, again: bool) -> list[Schedule]:
    """Save all of them. ``again``: an earlier try may have done so; then what it stored is the answer."""
    names = array(sorted({schedule.name for schedule in schedules}))
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
        after = replace(schedule, version=found + 1)
        if before is not None:
            after = replace(after, last_fire=before.last_fire, total_runs=before.total_runs, missed=before.missed)
        _write(db, after, token, is_new=before is None)
        stored[schedule.name] = after
        saved.append(after)
    return saved


def _write(db: Database, schedule: Schedule, token: int, *, is_new: bool) -> None:
    name, version, record = schedule.name, schedule.version, _encode(schedule).decode()
    same: dict[str, Value] = {
        "id": schedule.id,
        "owner": schedule.owner,
        "active": schedule.is_active,
        "next_fire": schedule.next_fire,
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
        **same,
    ):
        raise ScheduleConflict(name, 0, 1)  # somebody has created it since we looked


class _Shot:
    """The firings of one transaction, and the messages of those that won."""

    def __init__(self, db: Database, *, again: bool) -> None:
        self._db = db
        self._again = again
        self.messages: list[Message] = []

    def fire(self, firing: Firing, token: int) -> bool:
        if self._again and (before := self._fired_before(firing, token)) is not None:
            return before
        id = self._advance(firing, token) if firing.kind == "auto" else self._id_of(firing.schedule)
        if id is None:
            return False
        if firing.nominal is None:
            return True
        nominal = firing.nominal
        if not self._db.change("insert_firing", nominal=nominal, schedule=id, kind=firing.kind, token=token):
            return False  # fired before; next_fire has moved on all the same, or it would stand still for ever
        self.messages += firing.messages
        if firing.kind == "auto":
            self._db.run("count_firing", name=firing.schedule, last_fire=nominal)
        return True

    def _fired_before(self, firing: Firing, token: int) -> bool | None:
        """Return the answer that an earlier try of this firing gave; None if it did nothing."""
        ((moved, noted),) = self._db.fetch(
            "fired_before", name=firing.schedule, nominal=firing.nominal, kind=firing.kind, token=token
        )
        if noted:
            return True
        return firing.nominal is None if moved else None

    def _advance(self, firing: Firing, token: int) -> str | None:
        """Move the schedule on; return its id if it was where the firing expects it."""
        return _first(
            self._db.fetch(
                "advance",
                name=firing.schedule,
                version=firing.version,
                expected=firing.expected,
                next_fire=firing.next_fire,
                missed=firing.missed,
                token=token,
            )
        )

    def _id_of(self, name: str) -> str | None:
        return _first(self._db.fetch("schedule_id", name=name))


def _first(rows: Sequence[Row]) -> str | None:
    return str(rows[0][0]) if rows else None
