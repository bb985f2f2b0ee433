"""The part of the model test that leaves notes, keeps a journal and counts what has happened."""

from __future__ import annotations

from beside import Sides
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule
from msgspec import Raw

from horarium.engines.records import Note
from horarium.tally import BOUNDS, WIDTH_MS, Reading, Tally, Width, bin_of

keys = st.lists(st.sampled_from(["a", "ab", "b", "%", "_", "a*", "é"]), min_size=1, max_size=3)
moments = st.integers(0, 9).map(lambda place: 10_000.0 * place**3)  # seconds ago: from now to what is long forgotten
numbers = st.integers(0, 3)


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

    @rule(
        told=st.lists(st.tuples(moments, st.sampled_from("tu"), st.sampled_from("qr"), numbers), max_size=4),
        seen=st.lists(st.tuples(moments, st.sampled_from("qr"), numbers, numbers), max_size=3),
        width=st.sampled_from(list(WIDTH_MS)),
    )
    def count(
        self, told: list[tuple[float, str, str, int]], seen: list[tuple[float, str, int, int]], width: Width
    ) -> None:
        """Count; durations are in quarters of a second, whose sums are exact in every engine."""
        tallies = [
            Tally(
                at=self.after(-ago),
                task=task,
                queue=queue,
                counts={"succeeded": number, "failed": 1},
                ran=tuple(number if place == bin_of(number / 4) else 0 for place in range(len(BOUNDS) + 1)),
                ran_sum=number * number / 4,
            )
            for ago, task, queue, number in told
        ]
        readings = [
            Reading(at=self.after(-ago), queue=queue, ready=ready, claimed=claimed, oldest=ready / 4)
            for ago, queue, ready, claimed in seen
        ]
        self.both(lambda engine, now=self.now: engine.series.add(tallies, readings, now=now))
        self.compare(lambda engine: engine.series.tallies(width, since=0, until=self.now + 1))
        self.compare(lambda engine: engine.series.readings(width, since=0, until=self.now + 1))

    @invariant()
    def notes_are_the_same(self) -> None:
        for prefix in ("", "a", "%"):
            self.compare(lambda engine, prefix=prefix: engine.notes.read(prefix, now=self.now))
