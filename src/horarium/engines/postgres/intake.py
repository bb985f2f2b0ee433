"""Storing of messages: the one way in, for put, for follow-ups and for firings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from horarium.clock import Instant
from horarium.engines.postgres.rows import GATED, column_of, encode_message
from horarium.engines.postgres.sql import Database, Value, array
from horarium.message import Message
from horarium.workflow.gates import released


class Intake:
    """Messages on their way in. ``send`` and ``tell`` are apart so that all statements travel in one pipeline.

    Whoever holds a unique key is not asked here: see keys.py.
    """

    def __init__(self, messages: Sequence[Message], now: Instant, token: int) -> None:
        self._messages = messages
        self._now = now
        self._token = token
        self._ids = array(message.id for message in messages)

    def send(self, db: Database) -> None:
        """Store them inside of a transaction, which must not be of one snapshot (REPEATABLE READ) to be certain about
        ids that end at this very moment."""
        messages = [opened(message, self._now) for message in self._messages]
        columns: dict[str, Value] = {**_columns(messages), "ids": self._ids, "now": self._now, "token": self._token}
        if any(is_bound(message) for message in messages):
            self._stored = db.run("insert_bound", **columns, **_bonds(messages))
        else:
            self._stored = db.run("insert", **columns)
        self._known = db.run("drop_known", ids=self._ids, token=self._token)
        open_gates(db, messages, self._token)

    def send_at_once(self, db: Database, channels: Iterable[str]) -> None:
        """Store messages that have ids of their own and depend on no others, and wake those who listen at the commit:
        one statement, inside of a transaction of the caller's."""
        columns: dict[str, Value] = {
            **_columns(self._messages),
            "ids": self._ids,
            "now": self._now,
            "token": self._token,
        }
        db.run("insert_fresh", channels=array(channels), **columns)

    def tell(self) -> list[bool]:
        """Tell for each whether it is new; to be asked when the answers are there."""
        new = {id for (id,) in self._stored.fetchall()}
        new -= {id for (id,) in self._known.fetchall()}
        return self.first_of(new)

    def first_of(self, new: set[str]) -> list[bool]:
        """Tell for each whether it is among the new ones, and the first of its id."""
        are_new = []
        for message in self._messages:
            are_new.append(message.id in new)
            new.discard(message.id)
        return are_new

    def stored_before(self, db: Database) -> set[str]:
        """Return the ids that an earlier try of this very intake has stored."""
        return {id for (id,) in db.fetch("put_before", ids=self._ids, token=self._token)}


def is_bound(message: Message) -> bool:
    """Tell whether a message depends on others."""
    return message.gate is not None or message.slot is not None or message.unique is not None


def opened(message: Message, now: Instant) -> Message:
    """Return the message as it is stored: one that waits for nobody is released at once."""
    if message.gate is None or message.gate.size != 0:
        return message
    message = released(message, (), now=now)
    return message if message.eta is None else replace(message, eta=max(now, message.eta))


def open_gates(db: Database, messages: Sequence[Message], token: int | None) -> None:
    """Open the gates of messages that were stored, or put back, in this transaction."""
    gated = {message.id: message.gate for message in reversed(messages) if message.gate is not None}
    if gated:
        db.run("open_gates", ids=array(gated), sizes=array(gate.size for gate in gated.values()), token=token)


def owner_of(message: Message) -> str | None:
    """Return what stands in the place of an owner while the message waits."""
    return None if message.gate is None else GATED


def _columns(messages: Sequence[Message]) -> dict[str, str]:
    return {
        "queues": array(message.queue for message in messages),
        "tasks": array(message.task for message in messages),
        "ranks": array(-message.priority for message in messages),
        "etas": array(message.eta for message in messages),
        "expires": array(message.expires for message in messages),
        "onces": array(message.at_most_once for message in messages),
        "schedules": array(message.schedule for message in messages),
        "nominals": array(message.nominal for message in messages),
        "parents": array(message.parent for message in messages),
        "roots": array(message.root for message in messages),
        "createds": array(message.created for message in messages),
        "messages": array(encode_message(message) for message in messages),
    }


def _bonds(messages: Sequence[Message]) -> dict[str, str]:
    slots = [message.slot for message in messages]
    return {
        "owners": array(owner_of(message) for message in messages),
        "slots": array(None if slot is None else column_of(slot.key) for slot in slots),
        "slot_sizes": array(None if slot is None else slot.size for slot in slots),
        "uniqs": array(message.unique is not None for message in messages),
    }
