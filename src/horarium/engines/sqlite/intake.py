"""Storing of messages: the one way in, for put, for follow-ups and for firings."""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from horarium.clock import Instant, milliseconds
from horarium.engines.records import Placed
from horarium.engines.sqlite.connection import Connection
from horarium.engines.sqlite.gates import set_gate
from horarium.engines.sqlite.rows import GATED, WAITING, decode_message, encode_message
from horarium.engines.sqlite.slots import free_slot
from horarium.engines.sqlite.sql import change, fetch
from horarium.message import Message, Unique, superseded

UNTIL_END, UNTIL_START = 1, 2  # how long a unique key is held

SEQ_BITS = 20  # so many messages created in one millisecond stay within its range of places
LAST_MS = 2**42


def seq_of(created: Instant) -> int:
    """Return the first place in the table for a message created at an instant.

    Places grow with the moment of creation, so every index, which ends in the place, lists its runs by age for nothing.
    """
    return min(max(created, -LAST_MS), LAST_MS) << SEQ_BITS


def insert(db: Connection, messages: Sequence[Message], now: Instant) -> list[Placed]:
    """Store messages inside the open write transaction; tell for each whether it is new, or who has its unique key."""
    if not messages:
        return []
    turn = fetch(db, "take_turns", {"count": len(messages)})[0][0] - len(messages)
    places = Places(db)
    placed: list[Placed] = []
    for message in messages:
        turn += 1
        unique, slot = message.unique, message.slot
        if unique is not None:
            holder = _holder(db, message, unique, now)
            if holder is not None:
                placed.append(holder)
                continue
        values = (
            places.take(message.created),
            message.id,
            message.queue,
            message.task,
            -message.priority,
            now if message.eta is None else message.eta,
            turn,
            message.expires,
            message.at_most_once,
            message.schedule,
            message.parent,
            message.root,
            now,
            encode_message(message),
            WAITING if message.gate is None else GATED,
            None if slot is None else slot.key,
            None if slot is None else slot.size,
            _uniqueness(unique),
        )
        is_new = change(db, "insert_run", values) == 1
        placed.append(is_new)
        if is_new and unique is not None:
            _hold(db, unique, message.id, now)
        if is_new and message.gate is not None:
            set_gate(db, message.id, message.gate, now)
    return placed


def _uniqueness(unique: Unique | None) -> int:
    if unique is None:
        return 0
    return UNTIL_START if unique.until == "start" else UNTIL_END


def _holder(db: Connection, message: Message, unique: Unique, now: Instant) -> Placed | None:
    """Return the answer for a message that is not to be stored, None if it is. A newer one takes the place of a holder
    that waits, if it says so."""
    if fetch(db, "is_known", (message.id,)):
        return False
    for seq, id, phase in fetch(db, "holder", (unique.key, now)):
        if unique.replaces and phase <= WAITING:
            _supersede(db, seq, id, message, unique, now)
        return str(id)
    return None


def _hold(db: Connection, unique: Unique, id: str, now: Instant) -> None:
    until = None if unique.lasts is None else now + milliseconds(unique.lasts)
    change(db, "hold_unique", (unique.key, id, until))


def _supersede(db: Connection, seq: int, id: str, newer: Message, unique: Unique, now: Instant) -> None:
    [(_, text)] = fetch(db, "message_of", (id,))
    message = superseded(decode_message(text), newer)
    change(
        db,
        "supersede",
        {
            "seq": seq,
            "queue": message.queue,
            "task": message.task,
            "rank": -message.priority,
            "due": now if message.eta is None else message.eta,
            "expires": message.expires,
            "once": message.at_most_once,
            "message": encode_message(message),
            "phase": WAITING if message.gate is None else GATED,
            "slot": None if message.slot is None else message.slot.key,
            "slot_size": None if message.slot is None else message.slot.size,
            "uniq": _uniqueness(unique),
        },
    )
    free_slot(db, text)  # it may not want the slot any more, or not before long
    _hold(db, unique, id, now)


class Places:
    """Hands out free places in the table, in the order of creation and, within a millisecond, of asking."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._created: Instant | None = None
        self._next = 0
        self._end = 0

    def take(self, created: Instant) -> int:
        if created != self._created or self._next >= self._end:
            self._find(created)
        place = self._next
        self._next += 1
        return place

    def _find(self, created: Instant) -> None:
        """Find the first free place of a millisecond; of the next one, if this one is full."""
        self._created = created
        start = seq_of(created)
        while True:
            self._end = start + (1 << SEQ_BITS)
            last = fetch(self._db, "last_seq", {"below": self._end})[0][0]
            self._next = start if last is None or last < start else last + 1
            if self._next < self._end:
                return
            start = self._end
