"""Storing of messages: the one way in, for put, for follow-ups and for firings."""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from horarium.clock import Instant
from horarium.engines.sqlite.rows import encode_message
from horarium.engines.sqlite.sql import change, fetch
from horarium.message import Message

SEQ_BITS = 20  # so many messages created in one millisecond stay within its range of places
LAST_MS = 2**42


def seq_of(created: Instant) -> int:
    """Return the first place in the table for a message created at an instant.

    Places grow with the moment of creation, so every index, which ends in the place, lists its runs by age for nothing.
    """
    return min(max(created, -LAST_MS), LAST_MS) << SEQ_BITS


def insert(db: apsw.Connection, messages: Sequence[Message], now: Instant) -> list[bool]:
    """Store messages inside the open write transaction; tell for each whether it is new."""
    if not messages:
        return []
    turn = fetch(db, "take_turns", {"count": len(messages)})[0][0] - len(messages)
    places = Places(db)
    are_new = []
    for message in messages:
        turn += 1
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
        )
        are_new.append(change(db, "insert_run", values) == 1)
    return are_new


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
