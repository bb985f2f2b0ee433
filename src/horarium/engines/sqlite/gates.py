"""Blocked messages: their gates, what arrives there, and how they go on. All inside of the caller's write transaction.

What is doomed is only noted at first; Transaction carries it out before it commits, so that a chain of any length ends
without recursion.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Raw

from horarium.clock import Instant
from horarium.engines.records import QUEUE_TOPIC
from horarium.engines.sqlite.connection import Connection
from horarium.engines.sqlite.rows import decode_message, encode_message
from horarium.engines.sqlite.sql import change, fetch
from horarium.message import Gate, Join, Message
from horarium.outcome import ErrorRecord, State
from horarium.workflow.gates import Doom, dooms, released

JOINS = b'"joins":'  # a message without it has none; decoding each one that ends would cost more than looking for this


def set_gate(db: Connection, id: str, gate: Gate, now: Instant) -> None:
    """Note what a blocked message waits for."""
    change(db, "drop_arrivals", (id,))
    change(db, "open_gate", (id, gate.size))
    if gate.size == 0:
        _release_if_open(db, id, now)


def seal(db: Connection, id: str, size: int, now: Instant) -> bool:
    if change(db, "seal_gate", (id, size)) == 0:
        return False
    _release_if_open(db, id, now)
    return True


def arrive(db: Connection, joins: Iterable[Join], member: str, value: bytes, now: Instant) -> None:
    """Note the arrival of a member that has succeeded, and release whoever waited for it last."""
    for join in joins:
        if change(db, "arrive", (join.id, member, join.place or 0, value)) == 1:
            change(db, "count_arrival", (join.id,))
            _release_if_open(db, join.id, now)


def drop_gate(db: Connection, id: str) -> None:
    change(db, "drop_arrivals", (id,))
    change(db, "drop_gate", (id,))


def note_doom(db: Connection, id: str, text: bytes, state: State, error: ErrorRecord | None, now: Instant) -> None:
    """Note that those who wait for a message wait in vain, if it has ended so. ``text``: the message."""
    if dooms(state) and JOINS in text:
        try:
            joins = decode_message(text).joins
        except msgspec.DecodeError:  # of what cannot be read nobody knows who waits for it
            return
        db.dooms += [(join.id, Doom(id=id, state=state, error=error), now) for join in joins]


def _release_if_open(db: Connection, id: str, now: Instant) -> None:
    if not fetch(db, "is_open", (id,)):
        return
    [(seq, text)] = fetch(db, "message_of", (id,))
    values = [Raw(value) for (value,) in fetch(db, "arrivals", (id,))]
    message: Message = released(decode_message(text), values, now=now)
    drop_gate(db, id)
    due = now if message.eta is None else max(now, message.eta)
    change(db, "release", (seq, due, message.expires, now, encode_message(message)))
    db.topics.add(QUEUE_TOPIC + message.queue)
