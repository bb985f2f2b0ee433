"""The part of the model test that leaves notes and keeps a journal."""

from __future__ import annotations

from beside import Sides
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule
from msgspec import Raw

from horarium.engines.records import Note

keys = st.lists(st.sampled_from(["a", "ab", "b", "%", "_", "a*", "é"]), min_size=1, max_size=3)


class Noticeboard(Sides):
    def __init__(self) -> None:
        super().__init__()
        self.places = [engine.journal.tail(None, 1).next for engine in (self.oracle, self.subject)]

    @rule(keys=keys, lasts=st.sampled_from([None, None, 0.0, 5.0, 20.0]))
    def post(self, keys: list[str], lasts: float | None) -> None:
        expires = None if lasts is None else self.after(lasts)
        notes = [Note(key=key, text=Raw(b"[%d]" % place), expires=expires) for place, key in enumerate(keys)]
        self.both(lambda engine, now=self.now: engine.notes.post(notes, now=now))

    @rule(keys=keys)
    def erase(self, keys: list[str]) -> None:
        self.both(lambda engine: engine.notes.erase(keys))

    @rule(count=st.integers(0, 3))
    def append(self, count: int) -> None:
        entries = [Raw(b'{"entry":"%s"}' % self.name("").encode()) for _ in range(count)]
        self.both(lambda engine, now=self.now: engine.journal.append(entries, now=now))

    @rule(limit=st.integers(1, 4))
    def read_on(self, limit: int) -> None:
        """Read the journal on; a place in it is the engine's own affair."""
        pages = [
            engine.journal.tail(place, limit)
            for engine, place in zip((self.oracle, self.subject), self.places, strict=True)
        ]
        expected, got = ((page.entries, page.missed) for page in pages)
        assert expected == got, f"memory: {expected}, subject: {got}"
        self.places = [page.next for page in pages]

    @invariant()
    def notes_are_the_same(self) -> None:
        for prefix in ("", "a", "%"):
            self.compare(lambda engine, prefix=prefix: engine.notes.read(prefix, now=self.now))
