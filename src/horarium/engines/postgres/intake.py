"""Storing of messages: the one way in, for put, for follow-ups and for firings."""

from __future__ import annotations

from collections.abc import Sequence

from horarium.clock import Instant
from horarium.engines.postgres.rows import encode_message
from horarium.engines.postgres.sql import Database, Value, array
from horarium.message import Message


class Intake:
    """Messages on their way in. ``send`` and ``tell`` are apart so that both statements travel in one pipeline."""

    def __init__(self, messages: Sequence[Message], now: Instant, token: int) -> None:
        self._messages = messages
        self._token = token
        self._ids = array(message.id for message in messages)
        self._columns: dict[str, Value] = {**_columns(messages), "ids": self._ids, "now": now, "token": token}

    def send(self, db: Database) -> None:
        """Store them inside of a transaction, which must not be of one snapshot (REPEATABLE READ) to be certain about
        ids that end at this very moment."""
        self._stored = db.run("insert", **self._columns)
        self._known = db.run("drop_known", ids=self._ids, token=self._token)

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


def insert(db: Database, messages: Sequence[Message], now: Instant, token: int) -> list[bool]:
    """Store messages inside the open transaction; tell for each whether it is new."""
    if not messages:
        return []
    intake = Intake(messages, now, token)
    intake.send(db)
    return intake.tell()


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
