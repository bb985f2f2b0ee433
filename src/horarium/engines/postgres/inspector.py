"""Answers to people's questions. The hot path never comes here, so reading the hot table to its end is fine."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from horarium.clock import Instant, Seconds, milliseconds
from horarium.engines.postgres.aftermath import carry_out, release_open
from horarium.engines.postgres.connection import Store, at_leisure, question
from horarium.engines.postgres.moves import Moves, cancel, give_back, rank, revoke, set_aside_unreadable
from horarium.engines.postgres.results import conditions
from horarium.engines.postgres.rows import GATED, History, encode_history, readable_member, readable_message
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
    Rank,
    Revoke,
    RunFilter,
    Seal,
    bounded,
)
from horarium.outcome import Revoked, State, error_of

PURGE_PATIENCE: Seconds = 600.0  # a million messages take half a minute, in one transaction

IN_HAND, IN_LINE, IN_WAIT = 0, 1, 2  # the places of count_messages.sql and find.sql

_decode_place = msgspec.json.Decoder(tuple[int, int, Instant, int]).decode  # place, rank, due, turn


class PostgresInspector:
    def __init__(self, store: Store, topics: Topics, now: Callable[[], Instant]) -> None:
        self._store = store
        self._topics = topics
        self._now = now

    def counts(self, *, most: int | None = None) -> Counts:
        now = self._now()

        def work(db: Database, again: bool) -> tuple[list[Row], list[Row], int]:
            with question(db):
                messages = db.fetch("count_messages", now=now)
                return messages, _ended(db, most), db.fetch("count_schedules")[0][0]

        messages, ended, schedules = self._store.carry_out(work)
        states: dict[str, int] = dict(ended)
        for _, _, state, _, number, _, _ in messages:
            states[state] = states.get(state, 0) + number
        queues = sorted({row[0] for row in messages})
        return Counts(
            queues={queue: _counts_of(queue, messages) for queue in queues},
            states=bounded(states, most),
            schedules=schedules,
        )

    def find(self, filter: RunFilter, page: Page) -> HeldPage:
        if page.limit < 1:
            return HeldPage(held=())
        asked = list(conditions(filter))
        values: dict[str, Value] = {condition.name: condition.value for condition in asked}
        texts = [condition.text for condition in asked]
        if page.after is not None:
            values["place"], values["rank"], values["due"], values["turn"] = _decode_place(page.after)
            texts.append(
                "(place, shown_rank, shown_due, turn) > "
                "(%(place)s::integer, %(rank)s::integer, %(due)s::bigint, %(turn)s::bigint)"
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
                case Rank(ids=ids, priority=priority):
                    return [entry.id for entry in moves.entries(ids) if rank(moves, entry, priority)]
                case Seal(id=id, size=size):
                    return _seal(moves, id, size)

        return self._store.carry_out(lambda db, again: carry_out(db, now, self._topics, work))

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

        self._store.carry_out(lambda db, again: carry_out(db, now, self._topics, work, durable=False))


def _ended(db: Database, most: int | None) -> list[Row]:
    if most is None:
        return db.fetch("count_ended")
    return db.fetch("count_ended_to", most=most) if most else []


def _seal(moves: Moves, id: str, size: int) -> list[str]:
    entries = moves.entries([id])
    if not entries or entries[0].owner != GATED or moves.db.change("seal_gate", id=id, size=size) == 0:
        return []
    release_open(moves, [id])
    return [id]


def _purge(moves: Moves, queues: tuple[str, ...] | None) -> list[str]:
    names = None if queues is None else array(queues)
    history = encode_history(History(error=error_of(Revoked(reason="purged"))))
    rows = moves.db.fetch("purge", now=moves.now, history=history, queues=names)
    purged = [id for id, _, _ in rows if id is not None]
    moves.news.add_revoked(schedule for _, schedule, _ in rows if schedule is not None)
    for id, _, text in rows:
        if text is not None:
            moves.note_dooms(id, text, State.REVOKED, error_of(Revoked(reason="purged")))
    for entry in moves.read(moves.db.fetch("entries_waiting", queues=names)):
        revoke(moves, entry, "purged")
        purged.append(entry.id)
    return purged


def _counts_of(queue: str, messages: list[Row]) -> QueueCounts:
    theirs = [row for row in messages if row[0] == queue]
    # Of those in line: task, state, place, number, number of those due, earliest due.
    waiting = [row[1:] for row in theirs if row[3] == IN_LINE]
    tasks: dict[str, int] = {}
    for task, _, _, _, due, _ in waiting:
        if due:
            tasks[task] = tasks.get(task, 0) + due
    ready = sum(tasks.values())
    return QueueCounts(
        ready=ready,
        scheduled=sum(row[3] for row in waiting) - ready,
        claimed=sum(row[4] for row in theirs if row[3] == IN_HAND),
        blocked=sum(row[4] for row in theirs if row[3] == IN_WAIT),
        oldest_due=min((row[5] for row in waiting if row[4]), default=None),
        tasks=tasks,
    )


def _to_held(row: Row) -> Held:
    (place, _, _, _, due, id, task, queue, created, state, owner, fence, attempt, crashes, text) = row
    return Held(
        message=readable_message(text, id=id, task=task, queue=queue, created=created),
        state=state,
        due=due,
        owner=owner if place == IN_HAND else None,
        fence=fence,
        attempt=attempt,
        crashes=crashes,
        is_blocked=place == IN_WAIT,
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
