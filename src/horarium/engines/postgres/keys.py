"""Unique keys: whether a message is stored at all, or in whose place.

A key names its holder, and holds as long as that one waits or is in hand (or has the fence it had then, if the key is
held until the start only). So whoever ends a message need not touch its key; it is only swept up.

Locks are taken in the order of everybody: messages, then keys. Should somebody else have become the holder between the
two, both are let go (a savepoint does that) and taken anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

import msgspec
from msgspec import Struct
from psycopg import Rollback

from horarium.clock import Instant, milliseconds
from horarium.engines.postgres.intake import Intake, owner_of
from horarium.engines.postgres.rows import column_of, decode_message, encode_message
from horarium.engines.postgres.slots import step_back
from horarium.engines.postgres.sql import Database, array
from horarium.engines.records import Placed
from horarium.message import Message, Unique, superseded

TRIES = 10  # after so many a holder is replaced without its lock, if it still waits then


class Holder(Struct, eq=False):
    """Who has a key."""

    id: str
    waits: bool
    is_gated: bool = False
    fence: int = 0
    slot: str | None = None
    text: str | None = None  # of one that is in the store and may be replaced
    unique: Unique | None = None  # of whoever took the key in this call, or replaced the holder


def insert(
    db: Database, messages: Sequence[Message], now: Instant, token: int, *, topics: set[str] | None = None
) -> list[Placed]:
    """Store messages inside the open transaction; tell for each whether it is new, or who has its unique key."""
    if not messages:
        return []
    if any(message.unique is not None for message in messages):
        return place(db, messages, now, token, topics=topics)
    intake = Intake(messages, now, token)
    intake.send(db)
    return [*intake.tell()]


def lock_holders(db: Database, messages: Sequence[Message]) -> set[str]:
    """Lock whoever waits and may be replaced by one of these, before any key, and any schedule; return the ids."""
    keys = {_key(message) for message in messages if message.unique is not None and message.unique.replaces}
    return {id for (id,) in db.fetch("lock_holders", keys=array(sorted(keys)))} if keys else set()


def place(
    db: Database,
    messages: Sequence[Message],
    now: Instant,
    token: int,
    *,
    before: Collection[str] = (),
    topics: set[str] | None = None,
) -> list[Placed]:
    """Store messages of which some have a unique key, inside the open transaction. ``before``: ids that an earlier try
    of this very call has stored. ``topics``: gets what is to be told besides the queues of the messages."""
    call = _Call(db, now, before)
    for tries in range(TRIES):
        with db.connection.transaction():
            if call.look(messages) or tries == TRIES - 1:
                break
            raise Rollback
    placed = [call.place(message) for message in messages]
    stored = call.store(token)
    freed = call.write(messages, stored)
    if topics is not None:
        topics |= freed
    left = {*stored, *before}
    answers: list[Placed] = []
    for message, answer in zip(messages, placed, strict=True):
        answers.append(message.id in left if answer is True else answer)
        if answer is True:
            left.discard(message.id)
    return answers


class _Call:
    """One call's messages, and the holders of their keys."""

    def __init__(self, db: Database, now: Instant, before: Collection[str]) -> None:
        self._db = db
        self._now = now
        self._before = set(before)
        self._known: set[str] = set()
        self._holders: dict[str, Holder] = {}
        self._new: dict[str, Message] = {}  # to be stored
        self._superseded: dict[str, Message] = {}  # in the store, as the newest of their keys want them
        self._freed: Counter[str] = Counter()  # slots that superseded ones may not want any more, or not before long

    def look(self, messages: Sequence[Message]) -> bool:
        """Lock the holders, then the keys, and look who has them; tell whether those were still the holders."""
        locked = lock_holders(self._db, messages)
        keyed = [message for message in messages if message.unique is not None]
        keys = array(sorted({_key(message) for message in keyed}))
        self._db.run("lock_keys", keys=keys, now=self._now)
        texts = any(message.unique is not None and message.unique.replaces for message in keyed)
        rows = self._db.fetch("holders", keys=keys, now=self._now, texts=texts)
        self._holders = {key: Holder(*fields) for key, *fields in rows}
        known = self._db.fetch("known", ids=array({message.id for message in keyed}))
        self._known = {id for (id,) in known} - self._before
        replaced = {_key(message) for message in keyed if message.unique is not None and message.unique.replaces}
        return all(holder.id in locked for key, holder in self._holders.items() if key in replaced and holder.waits)

    def place(self, message: Message) -> Placed:
        """Decide about one message; True if it is to be stored."""
        if message.id in self._before:
            self._before.discard(message.id)
            self._known.add(message.id)
            return True
        if message.id in self._new or message.id in self._known:
            return False
        if message.unique is not None:
            holder = self._holders.get(_key(message))
            if holder is not None:
                if message.unique.replaces and holder.waits:
                    self._supersede(holder, message)
                return holder.id
            self._holders[_key(message)] = Holder(message.id, waits=True, unique=message.unique)
        self._new[message.id] = message
        return True

    def store(self, token: int) -> set[str]:
        """Store the new ones; return the ids of those that were."""
        if not self._new:
            return set()
        messages = list(self._new.values())
        intake = Intake(messages, self._now, token)
        intake.send(self._db)
        return {message.id for message, is_new in zip(messages, intake.tell(), strict=True) if is_new}

    def write(self, messages: Sequence[Message], stored: set[str]) -> set[str]:
        """Write down who has the keys now; return the topics that are to be told."""
        for id, message in self._superseded.items():
            self._write_superseded(id, message)
        held = {
            key: holder
            for key, holder in self._holders.items()
            if holder.unique is not None and (holder.text is not None or holder.id in stored)
        }
        uniques = [holder.unique for holder in held.values() if holder.unique is not None]
        lasts = [unique.lasts for unique in uniques]
        self._db.run(
            "hold_keys",
            asked=array({_key(message) for message in messages if message.unique is not None}),
            keys=array(held),
            ids=array(holder.id for holder in held.values()),
            untils=array(None if last is None else self._now + milliseconds(last) for last in lasts),
            fences=array(
                holder.fence if unique.until == "start" else None
                for holder, unique in zip(held.values(), uniques, strict=True)
            ),
            now=self._now,
        )
        return step_back(self._db, self._freed)

    def _supersede(self, holder: Holder, newer: Message) -> None:
        if holder.id in self._new:
            older = self._new[holder.id]
            slot = None if older.slot is None else column_of(older.slot.key)
            if slot is not None:  # as if it had been stored before: one put or two, the same comes of it
                self._freed[slot] += 1
            self._new[holder.id] = superseded(older, newer)
        elif holder.text is not None:
            try:
                waiting = self._superseded.get(holder.id) or decode_message(holder.text)
            except msgspec.DecodeError:  # it stays what it is: nobody knows what would have to be kept of it
                return
            self._superseded[holder.id] = superseded(waiting, newer)
            if holder.slot is not None:
                self._freed[holder.slot] += 1
            holder.slot = None if newer.slot is None else column_of(newer.slot.key)
        else:
            return
        holder.unique = newer.unique

    def _write_superseded(self, id: str, message: Message) -> None:
        slot = message.slot
        self._db.run(
            "supersede",
            id=id,
            owner=owner_of(message),
            queue=message.queue,
            task=message.task,
            rank=-message.priority,
            due=self._now if message.eta is None else message.eta,
            expires=message.expires,
            once=message.at_most_once,
            slot=None if slot is None else column_of(slot.key),
            slot_size=None if slot is None else slot.size,
            message=encode_message(message),
        )


def _key(message: Message) -> str:
    return "" if message.unique is None else column_of(message.unique.key) or ""
