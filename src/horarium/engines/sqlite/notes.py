"""Notes and the journal, in SQLite. Neither is flushed, as they are for the processes that live now; but for notes that
are to be durable."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Raw

from horarium.clock import Instant
from horarium.engines.records import JournalPage, Note
from horarium.engines.sqlite.connection import Store
from horarium.engines.sqlite.sql import change, fetch


class SqliteNotes:
    def __init__(self, store: Store) -> None:
        self._store = store

    def post(self, notes: Sequence[Note], *, now: Instant, durable: bool = False) -> None:
        if notes:
            with self._store.write("shared" if durable else "never") as db:
                for note in notes:
                    change(db, "post_note", (note.key, bytes(note.text), note.expires, now))

    def read(self, prefix: str, *, now: Instant, last: int | None = None) -> list[Note]:
        with self._store.read() as db:
            rows = fetch(db, "read_notes", (prefix, now, -1 if last is None else last))
        return [
            Note(key=key, text=Raw(text), expires=expires, changed=changed)
            for key, text, expires, changed in reversed(rows)
        ]

    def erase(self, keys: Sequence[str], *, durable: bool = False) -> int:
        if not keys:
            return 0
        with self._store.write("shared" if durable else "never") as db:
            return sum(change(db, "erase_note", (key,)) for key in keys)


class SqliteJournal:
    def __init__(self, store: Store) -> None:
        self._store = store

    def append(self, entries: Sequence[Raw], *, now: Instant) -> None:
        if entries:
            with self._store.write("never") as db:
                for entry in entries:
                    change(db, "append_journal", (bytes(entry),))

    def tail(self, after: str | None, limit: int) -> JournalPage:
        with self._store.read() as db:
            [(first, end)] = fetch(db, "journal_end")
            place = (end or 0) if after is None else int(after)
            rows = [] if after is None else fetch(db, "tail_journal", (place, limit))
        return JournalPage(
            entries=tuple(Raw(entry) for _, entry in rows),
            next=str(rows[-1][0] if rows else place),
            missed=first is not None and first > place + 1,
        )
