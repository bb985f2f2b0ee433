"""Answers to people's questions. The hot path never comes here, so reading the hot table to its end is fine."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from horarium.clock import Instant, Seconds, milliseconds
from horarium.engines.postgres.connection import Store, at_leisure, question
from horarium.engines.postgres.moves import Moves, cancel, give_back, revoke, set_aside_unreadable
from horarium.engines.postgres.results import conditions
from horarium.engines.postgres.rows import History, encode_history, readable_member, readable_message
from horarium.engines.postgres.sql import Database, Row, Value, array
from horarium.engines.postgres.topics import Topics
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
    Revoke,
    RunFilter,
)
from horarium.outcome import Revoked, error_of

PURGE_PATIENCE: Seconds = 600.0  # a million messages take half a minute, in one transaction

_decode_place = msgspec.json.Decoder(tuple[bool, int, Instant, int]).decode  # is waiting, rank, due, turn


class PostgresInspector:
    def __init__(self, store: Store, topics: Topics, now: Callable[[], Instant]) -> None:
        self._store = store
        self._topics = topics
        self._now = now

    def counts(self) -> Counts:
        now = self._now()

        def work(db: Database, again: bool) -> tuple[list[Row], list[Row], int]:
            with question(db):
                messages = db.fetch("count_messages", now=now)
                return messages, db.fetch("count_ended"), db.fetch("count_schedules")[0][0]

        messages, ended, schedules = self._store.carry_out(work)
        states: dict[str, int] = dict(ended)
        for _, _, state, _, number, _, _ in messages:
            states[state] = states.get(state, 0) + number
        queues = sorted({row[0] for row in messages})
        return Counts(
            queues={queue: _counts_of(queue, messages) for queue in queues}, states=states, schedules=schedules
        )

    def find(self, filter: RunFilter, page: Page) -> HeldPage:
        if page.limit < 1:
            return HeldPage(held=())
        asked = list(conditions(filter))
        values: dict[str, Value] = {condition.name: condition.value for condition in asked}
        texts = [condition.text for condition in asked]
        if page.after is not None:
            waits, values["rank"], values["due"], values["turn"] = _decode_place(page.after)
            values["waits"] = waits
            texts.append(
                "(owner IS NULL, rank, due, turn) > "
                "(%(waits)s::boolean, %(rank)s::integer, %(due)s::bigint, %(turn)s::bigint)"
            )

        def work(db: Database, again: bool) -> list[Row]:
            with question(db):
                return db.ask("find", texts, limit=page.limit + 1, **values)

        rows = self._store.carry_out(work)
        shown = rows[: page.limit]
        more = len(rows) > len(shown)
        return HeldPage(
            held=tuple(map(_to_held, shown)), next=msgspec.json.encode(shown[-1][:4]).decode() if more else None
        )

    def act(self, action: Action, *, now: Instant) -> list[str]:
        def work(moves: Moves) -> list[str]:
            match action:
                case Revoke(ids=ids, terminate=terminate):
                    return [entry.id for entry in moves.entries(ids) if cancel(moves, entry, terminate=terminate)]
                case Purge(queues=queues):
                    with at_leisure(moves.db, PURGE_PATIENCE):
                        purged = _purge(moves, queues)
                        moves.write()
                    return purged

        return self._store.carry_out(lambda db, again: Moves.carry_out(db, now, self._topics, work))

    def workers(self, *, now: Instant) -> list[MemberRecord]:
        listed = now - milliseconds(MEMBER_LISTED)
        rows = self._store.carry_out(lambda db, again: db.fetch("workers", listed=listed))
        records = [_to_record(row, now) for row in rows]
        return sorted(records, key=lambda record: (not record.alive, record.member.name, record.member.owner))

    def leave(self, owners: Sequence[str], *, now: Instant) -> None:
        if not owners:
            return

        def work(moves: Moves) -> None:
            names = array(sorted(set(owners)))
            moves.db.run("give_up", owners=names, now=now)
            for entry in moves.read(moves.db.fetch("entries_held", owners=names)):
                if not set_aside_unreadable(moves, entry):
                    give_back(moves, entry)

        self._store.carry_out(lambda db, again: Moves.carry_out(db, now, self._topics, work, durable=False))


def _purge(moves: Moves, queues: tuple[str, ...] | None) -> list[str]:
    names = None if queues is None else array(queues)
    history = encode_history(History(error=error_of(Revoked(reason="purged"))))
    rows = moves.db.fetch("purge", now=moves.now, history=history, queues=names)
    purged = [id for id, _ in rows if id is not None]
    moves.news.add_revoked(schedule for _, schedule in rows if schedule is not None)
    for entry in moves.read(moves.db.fetch("entries_waiting", queues=names)):
        revoke(moves, entry, "purged")
        purged.append(entry.id)
    return purged


def _counts_of(queue: str, messages: list[Row]) -> QueueCounts:
    theirs = [row for row in messages if row[0] == queue]
    waiting = [row[1:] for row in theirs if not row[3]]  # task, state, False, number, number of those due, earliest due
    tasks: dict[str, int] = {}
    for task, _, _, _, due, _ in waiting:
        if due:
            tasks[task] = tasks.get(task, 0) + due
    ready = sum(tasks.values())
    return QueueCounts(
        ready=ready,
        scheduled=sum(row[3] for row in waiting) - ready,
        claimed=sum(row[4] for row in theirs if row[3]),
        oldest_due=min((row[5] for row in waiting if row[4]), default=None),
        tasks=tasks,
    )


def _to_held(row: Row) -> Held:
    (waits, _, due, _, id, task, queue, created, state, owner, fence, attempt, crashes, text) = row
    return Held(
        message=readable_message(text, id=id, task=task, queue=queue, created=created),
        state=state,
        due=due,
        owner=None if waits else owner,
        fence=fence,
        attempt=attempt,
        crashes=crashes,
    )


def _to_record(row: Row, now: Instant) -> MemberRecord:
    owner, name, text, seen, lease_until, given_up, held = row
    return MemberRecord(
        member=readable_member(text, owner=owner, name=name),
        seen=seen,
        lease_until=lease_until,
        alive=given_up is None and now < lease_until,
        held=held,
    )
