"""Claiming: who is first in line, and handing over.

Waiting messages lie in one index by (queue, task, rank, due, turn). Each (queue, task, rank) is a line of its own,
sorted by due and turn; a claim merges the lines of the tasks it knows, highest priority first, reading no further
than it takes. What it cannot take (unknown tasks, future etas, other queues) so costs one index seek per line.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from heapq import heappop, heappush
from typing import NamedTuple

import apsw
import msgspec
from msgspec import Struct

from horarium.clock import Instant
from horarium.engines.records import Limit
from horarium.engines.sqlite.connection import Connection, Store
from horarium.engines.sqlite.intake import UNTIL_START
from horarium.engines.sqlite.moves import entries, expire, set_aside_unreadable
from horarium.engines.sqlite.room import Room
from horarium.engines.sqlite.rows import decode_message
from horarium.engines.sqlite.sql import SQL, Row, change, fetch
from horarium.errors import EngineUnavailable, OwnerLost
from horarium.message import Delivery


class Line(NamedTuple):
    """The waiting messages of one queue, task and rank. ``first``: rank, due and turn of the first of them."""

    first: tuple[int, Instant, int]
    queue: str
    task: str

    @property
    def rank(self) -> int:
        return self.first[0]


class Place(NamedTuple):
    """A waiting message as the index knows it."""

    due: Instant
    turn: int
    seq: int
    crashes: int
    expires: Instant | None
    once: int
    slot: str | None


class Wish(NamedTuple):
    """What a claim asks for; see Queue.claim."""

    queues: Sequence[str]
    owner: str
    limit: int
    tasks: Collection[str] | None
    limits: Mapping[str, Limit]


class Selection(Struct):
    """What a claim will take, and what it met on the way: past its expires, or with its slot full."""

    taken: list[Place]
    overdue: list[Place]
    aside: list[Place]

    @property
    def must_be_durable(self) -> bool:
        """A power loss may undo an ordinary claim: the message is then simply ready again, and its settlement, which
        would have come later in the WAL, is gone as well. One that may be started only once must not come back."""
        return any(place.once for place in self.taken)


def claim(store: Store, wish: Wish, now: Instant) -> list[Delivery]:
    """Give up to ``limit`` due messages to ``owner``; see Queue.claim."""
    with store.read() as db:  # an idle look must not ask for the write lock
        _worker_of(db, wish.owner)
        if not _lines(db, wish, Room(db, wish.limits, now), now):
            return []
    rows = _take(store, wish, now, durable=False)
    if rows is None:
        rows = _take(store, wish, now, durable=True)
    return _deliveries(store, rows or [], wish.owner, now)


def _take(store: Store, wish: Wish, now: Instant, *, durable: bool) -> list[Row] | None:
    """Claim in one transaction; None, with nothing done, if it must be durable and is not."""
    with store.write("locked" if durable else "never") as db:
        worker = _worker_of(db, wish.owner)
        room = Room(db, wish.limits, now)
        selection = _select(db, wish, room, now)
        if selection.must_be_durable and not durable:
            return None
        for place in selection.overdue:
            for entry in entries(db, "entry_at", {"seq": place.seq}):
                expire(db, entry, now)
        for place in selection.aside:
            change(db, "step_aside", (place.seq,))
        room.close()
        return _hand_over(db, [place.seq for place in selection.taken], wish.owner, worker, now)


def _worker_of(db: Connection, owner: str) -> str:
    """Return the member name of a live owner. Raises: OwnerLost."""
    for name, given_up in fetch(db, "owner", {"owner": owner}):
        if given_up is None:
            return str(name)
    raise OwnerLost(owner)


def _lines(db: Connection, wish: Wish, room: Room, now: Instant) -> list[Line]:
    """Return the lines with a due message of a known task that has room, in the order of their first messages."""
    tasks = wish.tasks
    return sorted(
        Line((rank, due, turn), queue, task)
        for queue in dict.fromkeys(wish.queues)
        for task, rank, due, turn in fetch(db, "heads", {"queue": queue})
        if due <= now and (tasks is None or task in tasks) and room.for_task(task)
    )


def _in_line(db: Connection, lines: list[Line], now: Instant) -> Iterator[tuple[str, Place]]:
    """Yield the due messages of the lines, with their tasks, in the order of claims. Close it before anything is
    changed.

    A line is opened when its first message is next: with hundreds of them most never are.
    """
    unopened = lines[::-1]
    opened: list[tuple[tuple[int, Instant, int], Line, Place, apsw.Cursor]] = []  # a heap by (rank, due, turn)
    try:
        while unopened or opened:
            if unopened and (not opened or unopened[-1].first < opened[0][0]):
                line = unopened.pop()
                cursor = db.execute(SQL["line"], (line.queue, line.task, line.rank, now))
            else:
                _, line, place, cursor = heappop(opened)
                yield line.task, place
            for row in cursor:
                place = Place._make(row)
                heappush(opened, ((line.rank, place.due, place.turn), line, place, cursor))
                break
    finally:
        for *_, cursor in opened:
            cursor.close(True)


def _select(db: Connection, wish: Wish, room: Room, now: Instant) -> Selection:
    """Choose what is taken. One that crashed a process before is taken alone."""
    selection = Selection([], [], [])
    in_line = _in_line(db, _lines(db, wish, room, now), now)
    for task, place in in_line:
        if len(selection.taken) >= wish.limit:
            break
        if place.expires is not None and place.expires <= now:
            selection.overdue.append(place)
        elif not room.for_task(task):
            continue
        elif place.slot is not None and not room.for_slot(place.slot, place.seq):
            selection.aside.append(place)
        elif place.crashes and selection.taken:
            break
        else:
            room.take(task, place.slot)
            selection.taken.append(place)
            if place.crashes:
                break
    in_line.close()  # type: ignore[attr-defined]  # a generator
    return selection


def _hand_over(db: Connection, seqs: list[int], owner: str, worker: str, now: Instant) -> list[Row]:
    """Mark the messages as the owner's; return what hand_over.sql tells of them, in the order of ``seqs``."""
    values = {"seqs": msgspec.json.encode(seqs).decode(), "owner": owner, "worker": worker, "now": now}
    rows = {row[0]: row for row in fetch(db, "hand_over", values)}
    for _, id, *_, uniq in rows.values():
        if uniq == UNTIL_START:
            change(db, "release_unique", (id,))
    return [rows[seq] for seq in seqs]


def _deliveries(store: Store, rows: list[Row], owner: str, now: Instant) -> list[Delivery]:
    deliveries = []
    for _, id, text, fence, attempt, crashes, _ in rows:
        try:
            message = decode_message(text)
        except msgspec.DecodeError:
            with suppress(EngineUnavailable):  # it stays in hand then, and maintain sets it aside when its owner ends
                _set_aside(store, id, now)
            continue
        deliveries.append(
            Delivery(message=message, owner=owner, fence=fence, attempt=attempt, crashes=crashes, claimed=now)
        )
    return deliveries


def _set_aside(store: Store, id: str, now: Instant) -> None:
    with store.write() as db:
        for entry in entries(db, "entry", {"id": id}):
            set_aside_unreadable(db, entry, now)
