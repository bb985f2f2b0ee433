"""Notes and the journal, in Redis. How durable they are is the server's choice alone."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from horarium.clock import Instant
from horarium.engines.records import JOURNAL_KEPT, JournalPage, Note
from horarium.engines.redis.connection import Argument, Store
from horarium.engines.redis.rows import encode
from horarium.engines.redis.tokens import Tokens

_decode_note = msgspec.json.Decoder(Note).decode


class RedisNotes:
    def __init__(self, store: Store) -> None:
        self._store = store

    def post(self, notes: Sequence[Note], *, now: Instant, durable: bool = False) -> None:
        arguments: list[Argument] = []
        for note in notes:
            arguments += (note.key, "" if note.expires is None else note.expires, encode(replace(note, changed=now)))
        if arguments:
            self._store.call("post_notes", arguments)

    def read(self, prefix: str, *, now: Instant, last: int | None = None) -> list[Note]:
        texts = self._store.call("read_notes", [prefix, -1 if last is None else last])
        notes = [_decode_note(text) for text in reversed(texts) if text is not None]
        return [note for note in notes if note.expires is None or now < note.expires]

    def erase(self, keys: Sequence[str], *, durable: bool = False) -> int:
        return int(self._store.call("erase_notes", keys)) if keys else 0


class RedisJournal:
    """A stream whose entries are numbered without a gap: whoever reads on sees by the numbers what it has missed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tokens = Tokens()

    def append(self, entries: Sequence[Raw], *, now: Instant) -> None:
        kept = entries[-JOURNAL_KEPT:]
        if kept:
            arguments: list[Argument] = [self._tokens.take(), JOURNAL_KEPT, *(bytes(entry) for entry in kept)]
            self._store.call("append_journal", arguments)

    def tail(self, after: str | None, limit: int) -> JournalPage:
        newest, oldest, found = self._store.call("tail_journal", ["" if after is None else after, limit])
        if after is None:
            return JournalPage(entries=(), next=str(newest))
        place = int(after)
        if place > newest:  # the server has lost its newest entries: nobody knows which came after those
            return JournalPage(entries=(), next=str(newest), missed=True)
        missed = oldest > place + 1
        start = max(place, oldest - 1)
        return JournalPage(
            entries=tuple(Raw(entry) for entry in found),
            next=str(start + len(found)) if found else after,
            missed=missed,
        )
