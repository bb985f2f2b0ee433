"""Answers to people's questions. The hot path never comes here, so reading one index to its end is fine."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from horarium.clock import Clock, Instant, milliseconds
from horarium.engines.records import (
    MEMBER_LISTED,
    Action,
    Counts,
    Held,
    HeldPage,
    MemberRecord,
    Page,
    Purge,
    QueueCounts,
    Rank,
    Revoke,
    RunFilter,
    Seal,
)
from horarium.engines.sqlite.connection import Connection, Store
from horarium.engines.sqlite.gates import note_doom, seal
from horarium.engines.sqlite.moves import cancel, entries, give_back, rank, revoke, set_aside_unreadable
from horarium.engines.sqlite.results import conditions
from horarium.engines.sqlite.rows import HELD, WAITING, History, encode_history, readable_member, readable_message
from horarium.engines.sqlite.sql import SQL, Row, change, fetch
from horarium.engines.sqlite.watch import tell_schedule
from horarium.outcome import Revoked, State, error_of

BLOCKED = -1  # in a listing; the phases of those behind a gate and of those aside are below WAITING
INDEXES = {HELD: "runs_held", WAITING: "runs_waiting", BLOCKED: "runs_blocked"}
LISTED = (HELD, WAITING, BLOCKED)
OF_SCHEDULE = "phase < 2 AND schedule = :schedule"  # phase = 0 is not known to imply the condition of runs_active

_decode_place = msgspec.json.Decoder(tuple[int, int, Instant, int]).decode  # phase, rank, due, turn


class SqliteInspector:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def counts(self, *, most: int | None = None) -> Counts:
        with self._store.read() as db:
            waiting = fetch(db, "count_waiting", {"now": self._clock.now()})
            held: dict[str, int] = dict(fetch(db, "count_held"))
            states = _states(db, most)
            blocked: dict[str, int] = dict(fetch(db, "count_blocked"))
            schedules = fetch(db, "count_schedules")[0][0]
        queues = sorted({row[0] for row in waiting} | held.keys() | blocked.keys())
        return Counts(
            queues={queue: _counts_of(queue, waiting, held.get(queue, 0), blocked.get(queue, 0)) for queue in queues},
            states=states,
            schedules=schedules,
        )

    def find(self, filter: RunFilter, page: Page) -> HeldPage:
        if page.limit < 1:
            return HeldPage(held=())
        phase, *place = (HELD, None, None, None) if page.after is None else _decode_place(page.after)
        values = conditions(filter)
        values.update(zip(("rank", "due", "turn"), place, strict=True))
        rows: list[Row] = []  # of a phase and the columns of find.sql
        with self._store.read() as db:
            for each in LISTED[LISTED.index(phase) :]:
                values["limit"] = page.limit + 1 - len(rows)
                found: list[Row] = db.execute(
                    _find_sql(each, of_schedule=filter.schedule is not None), values
                ).fetchall()
                rows += ((each, *row) for row in found)
                values["rank"] = None  # the next phase is listed from its start
        shown = rows[: page.limit]
        more = len(rows) > len(shown)
        return HeldPage(
            held=tuple(map(_to_held, shown)), next=msgspec.json.encode(shown[-1][:4]).decode() if more else None
        )

    def act(self, action: Action, *, now: Instant) -> list[str]:
        with self._store.write() as db:
            match action:
                case Revoke(ids=ids, terminate=terminate):
                    return [
                        entry.id
                        for id in dict.fromkeys(ids)
                        for entry in entries(db, "entry", {"id": id})
                        if cancel(db, entry, terminate=terminate, now=now)
                    ]
                case Purge(queues=queues):
                    return _purge(db, queues, now)
                case Rank(ids=ids, priority=priority):
                    found = [entry for id in dict.fromkeys(ids) for entry in entries(db, "entry", {"id": id})]
                    return rank(db, found, priority)
                case Seal(id=id, size=size):
                    return [id] if seal(db, id, size, now) else []

    def workers(self, *, now: Instant) -> list[MemberRecord]:
        with self._store.read() as db:
            rows = fetch(db, "workers", {"listed": now - milliseconds(MEMBER_LISTED)})
        records = [_to_record(row, now) for row in rows]
        return sorted(records, key=lambda record: (not record.alive, record.member.name, record.member.owner))

    def leave(self, owners: Sequence[str], *, now: Instant) -> None:
        with self._store.write("never") as db:
            for owner in owners:
                change(db, "give_up", {"owner": owner, "now": now})
                for entry in entries(db, "entries_held", {"owner": owner}):
                    if not set_aside_unreadable(db, entry, now):
                        give_back(db, entry, now)


def _find_sql(phase: int, *, of_schedule: bool) -> str:
    index, condition = ("runs_active", OF_SCHEDULE) if of_schedule else (INDEXES[phase], "TRUE")
    is_blocked = phase == BLOCKED
    return SQL["find"].format(
        phase="phase < 0" if is_blocked else f"phase = {phase}",
        rank="(0 + 0)" if is_blocked else "rank",  # blocked ones are listed by put; a bare 0 would be a column's number
        due="(0 + 0)" if is_blocked else "due",
        index=index,
        schedule=condition,
    )


def _purge(db: Connection, queues: tuple[str, ...] | None, now: Instant) -> list[str]:
    names = None if queues is None else msgspec.json.encode(queues).decode()
    history = encode_history(History(error=error_of(Revoked(reason="purged"))))
    rows = fetch(db, "purge", {"now": now, "history": history, "queues": names})
    purged = [id for id, _, _ in rows]
    for id, schedule, text in rows:
        tell_schedule(db, schedule, State.REVOKED, b"", now)
        note_doom(db, id, text, State.REVOKED, error_of(Revoked(reason="purged")), now)
    # Who stands aside for a slot comes back into line as the one before leaves it: again, until nobody is left.
    while found := _revoke_all(db, names, now):
        purged += found
    return purged


def _revoke_all(db: Connection, queues: str | None, now: Instant) -> list[str]:
    revoked = []
    for statement in ("entries_waiting", "entries_blocked"):
        for entry in entries(db, statement, {"queues": queues}):
            revoke(db, entry, "purged", now)
            revoked.append(entry.id)
    return revoked


def _states(db: Connection, most: int | None) -> dict[str, int]:
    if most is None:
        return dict(fetch(db, "count_states"))
    return dict(fetch(db, "count_states_to", {"most": most})) if most else {}


def _counts_of(queue: str, waiting: list[Row], claimed: int, blocked: int) -> QueueCounts:
    rows = [row[1:] for row in waiting if row[0] == queue]  # task, number, number of those due, earliest due
    ready = [row for row in rows if row[2]]
    due = sum(row[2] for row in ready)
    return QueueCounts(
        ready=due,
        scheduled=sum(row[1] for row in rows) - due,
        claimed=claimed,
        blocked=blocked,
        oldest_due=min((row[3] for row in ready), default=None),
        tasks={row[0]: row[2] for row in ready},
    )


def _to_held(row: Row) -> Held:
    (phase, _, _, _, due, id, task, queue, created, state, owner, fence, attempt, crashes, text) = row
    return Held(
        message=readable_message(text, id=id, task=task, queue=queue, created=created),
        state=state,
        due=due,
        owner=owner if phase == HELD else None,
        fence=fence,
        attempt=attempt,
        crashes=crashes,
        is_blocked=phase == BLOCKED,
    )


def _to_record(row: Row, now: Instant) -> MemberRecord:
    owner, name, text, seen, lease_until, given_up, held = row
    return MemberRecord(
        member=readable_member(text, owner=owner, name=name),
        seen=seen,
        lease_until=lease_until,
        alive=given_up is None and now < lease_until,
        held=held,
        given_up=given_up,
    )
