"""Notes and the journal, in memory."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Raw
from msgspec.structs import replace

from horarium.clock import Instant
from horarium.engines.memory.store import Store
from horarium.engines.records import JournalPage, Note


class MemoryNotes:
    def __init__(self, store: Store) -> None:
        self._store = store

    def post(self, notes: Sequence[Note], *, now: Instant, durable: bool = False) -> None:
        with self._store.lock:
            self._store.notes |= {note.key: replace(note, changed=now) for note in notes}

    def read(self, prefix: str, *, now: Instant, last: int | None = None) -> list[Note]:
        with self._store.lock:
            notes = [note for key, note in sorted(self._store.notes.items()) if key.startswith(prefix)]
        found = [note for note in notes if note.expires is None or now < note.expires]
        return found if last is None else found[max(0, len(found) - last) :]

    def erase(self, keys: Sequence[str], *, durable: bool = False) -> int:
        with self._store.lock:
            return sum(self._store.notes.pop(key, None) is not None for key in keys)


class MemoryJournal:
    def __init__(self, store: Store) -> None:
        self._store = store

    def append(self, entries: Sequence[Raw], *, now: Instant) -> None:
        with self._store.lock:
            for entry in entries:
                self._store.journal_end += 1
                self._store.journal.append((self._store.journal_end, entry))

    def tail(self, after: str | None, limit: int) -> JournalPage:
        with self._store.lock:
            end = self._store.journal_end
            if after is None:
                return JournalPage(entries=(), next=str(end))
            newer = [(number, entry) for number, entry in self._store.journal if number > int(after)][:limit]
            missed = end - len(self._store.journal) > int(after)
        return JournalPage(
            entries=tuple(entry for _, entry in newer), next=str(newer[-1][0]) if newer else after, missed=missed
        )
