"""How many ended runs may stay: by their number, and by what they take.

The store counts them, which takes a PostgreSQL on a busy machine 250 ms for a million. So of all workers one looks in
each interval, and whoever finds that it takes long leaves more time behind it: about one part in REST goes into this.

Bytes are told by a sample: reading all runs to add them up would cost more than what is won. It is drawn from the
newest runs and from moments at random before, so that neither the newest nor the largest alone decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import msgspec
from msgspec import Raw

from horarium.clock import Clock, Instant, Seconds, milliseconds
from horarium.engines.protocol import Engine
from horarium.engines.records import Note, Page, RunFilter
from horarium.outcome import ENDED, Run

LOOK_EVERY: Seconds = 60.0
REST = 500
LONGEST_REST: Seconds = 3600.0
ROOM_NOTE = "room/looked"  # expires when it is time again
DRAWS = 5  # moments of a sample
OF_EACH = 40  # runs
_ENDED = tuple(sorted(ENDED))


class Room:
    """What a worker knows of the room for ended runs. Used by one thread."""

    def __init__(self, engine: Engine, clock: Clock, random: Random, *, runs: int | None, size: int | None) -> None:
        self._engine = engine
        self._clock = clock
        self._random = random
        self._runs = runs
        self._size = size
        self._due = clock.monotonic()

    def most(self) -> int | None:
        """Return how many ended runs may stay, if it is time to see to it and nobody else has; else None. Raises:
        EngineUnavailable."""
        if (self._runs is None and self._size is None) or self._clock.monotonic() < self._due:
            return None
        self._wait(LOOK_EVERY)
        if self._is_seen_to():
            return None
        self._note(LOOK_EVERY)
        if self._size is None:
            return self._runs
        fitting = fits(self._size, self._sample())
        return fitting if self._runs is None or fitting is None else min(self._runs, fitting)

    def rest(self, took: Seconds) -> None:
        """Say how long it took the store to see to it. Raises: EngineUnavailable."""
        pause = min(took * REST, LONGEST_REST)
        if pause > LOOK_EVERY:
            self._wait(pause)
            self._note(pause)

    def _wait(self, pause: Seconds) -> None:
        """Not for exactly as long as others do: each of them is to have its turn, as it may have other bounds."""
        self._due = self._clock.monotonic() + pause * (0.8 + 0.4 * self._random.random())

    def _is_seen_to(self) -> bool:
        notes = self._engine.notes.read(ROOM_NOTE, now=self._clock.now())
        return any(note.key == ROOM_NOTE for note in notes)

    def _note(self, pause: Seconds) -> None:
        """The note ends before the earliest of those who wait as long, who then need not wait once more."""
        now = self._clock.now()
        until = now + milliseconds(pause * 0.75)
        self._engine.notes.post([Note(key=ROOM_NOTE, text=Raw(b"null"), expires=until)], now=now)

    def _sample(self) -> list[Run]:
        """Return ended runs of different ages."""
        newest = self._before(None, OF_EACH)
        found = {run.id: run for run in newest}
        if len(newest) < OF_EACH:
            return list(found.values())
        last, first = newest[0].message.created, self._beginning(newest)
        for _ in range(DRAWS):
            until = first + int((last - first) * self._random.random())
            found |= {run.id: run for run in self._before(until, OF_EACH)}
        return list(found.values())

    def _beginning(self, newest: Sequence[Run]) -> Instant:
        """Return a moment about which the oldest runs were made: back by longer and longer leaps, until there are none
        before it; then between the last two."""
        begin = newest[-1].message.created
        leap = max(1000, newest[0].message.created - begin)
        while begin > 0 and self._before(begin, 1):
            begin, leap = max(0, begin - leap), leap * 2
        return begin + leap // 4

    def _before(self, until: Instant | None, limit: int) -> Sequence[Run]:
        return self._engine.results.search(RunFilter(states=_ENDED, until=until), Page(limit=limit)).runs


def fits(size: int, sample: list[Run]) -> int | None:
    """Return how many runs such as these take so many bytes, but at least one: a bound below the size of a run would
    remove each as it ends. None where there are none to tell it by."""
    if not sample:
        return None
    average = sum(len(msgspec.json.encode(run)) for run in sample) / len(sample)
    return max(1, int(size / average))
