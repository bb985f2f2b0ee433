"""Notes and the journal, in PostgreSQL. Neither is flushed, as they are for the processes that live now; but for notes
that are to be durable."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Raw

from horarium.clock import Instant
from horarium.engines.postgres.connection import RELAXED, Store, transaction
from horarium.engines.postgres.sql import Database, array
from horarium.engines.postgres.topics import Topics
from horarium.engines.records import JournalPage, Note

BEHIND = "\U0010ffff"  # the last character: what begins with a prefix comes before the prefix and this


class PostgresNotes:
    def __init__(self, store: Store) -> None:
        self._store = store

    def post(self, notes: Sequence[Note], *, now: Instant, durable: bool = False) -> None:
        last = {note.key: note for note in notes}
        told = [last[key] for key in sorted(last)]  # one order of locks for everybody
        if told:
            self._store.carry_out(
                lambda db, again: db.run(
                    "post_notes",
                    keys=array(note.key for note in told),
                    texts=array(bytes(note.text).decode() for note in told),
                    expires=array(note.expires for note in told),
                    now=now,
                    durability=self._store.durable if durable else RELAXED,
                )
            )

    def read(self, prefix: str, *, now: Instant, last: int | None = None) -> list[Note]:
        rows = self._store.carry_out(
            lambda db, again: db.fetch("read_notes", prefix=prefix, after=prefix + BEHIND, now=now, last=last)
        )
        return [
            Note(key=key, text=Raw(text.encode()), expires=expires, changed=changed)
            for key, text, expires, changed in reversed(rows)
        ]

    def erase(self, keys: Sequence[str], *, durable: bool = False) -> int:
        if not keys:
            return 0

        def work(db: Database, again: bool) -> int:
            with transaction(db, durable=durable):
                return db.change("erase_notes", keys=array(sorted(set(keys))))

        return self._store.carry_out(work)


class PostgresJournal:
    """Who appends does so alone, and numbers his entries as the next ones: so they become visible in their order, and a
    reader that goes on from the last one he saw misses none that was committed later."""

    def __init__(self, store: Store, topics: Topics) -> None:
        self._store = store
        self._topics = topics

    def append(self, entries: Sequence[Raw], *, now: Instant) -> None:
        if not entries:
            return
        told = array(bytes(entry).decode() for entry in entries)

        def work(db: Database, again: bool) -> None:
            with transaction(db, durable=False), db.connection.pipeline():
                db.run("lock_journal", space=self._topics.lock_space, key=self._topics.key_of_lock("journal"))
                db.run("append_journal", entries=told)

        self._store.carry_out(work)

    def tail(self, after: str | None, limit: int) -> JournalPage:
        place = 0 if after is None else int(after)
        asked = 0 if after is None else limit
        rows = self._store.carry_out(lambda db, again: db.fetch("tail_journal", place=place, limit=asked))
        first, end = rows[0][:2]
        if after is None:
            return JournalPage(entries=(), next=str(end or 0))
        newer = [(number, entry) for _, _, number, entry in rows if number is not None]
        return JournalPage(
            entries=tuple(Raw(entry.encode()) for _, entry in newer),
            next=str(newer[-1][0] if newer else place),
            missed=first is not None and first > place + 1,
        )
