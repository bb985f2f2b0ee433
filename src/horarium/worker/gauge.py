"""Gauge: reads how the queues stand, every ten seconds, for charts.

Of all the workers of a store one looks in each bucket of ten seconds: whoever comes first leaves a note that lasts
until its end, and the others, who find it, do not look. Two that come at the same moment both look, which does no harm:
the greatest reading is kept. Where a look takes long, the note lasts longer: looking takes 2 % of a core at the most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

from msgspec import Raw

from horarium.clock import Clock, Instant, Seconds, milliseconds
from horarium.engines.protocol import Engine
from horarium.engines.records import Note, QueueCounts
from horarium.tally import WIDTH_MS, Reading, Width, bucket_of
from horarium.worker.scorer import Scorer

GAUGE_NOTE = "gauge"
WIDTH: Width = "10s"
SPAN: Seconds = WIDTH_MS[WIDTH] / 1000
REST = 50  # times as long as a look took, nobody looks again: counting ten million messages takes seconds
MOST_QUEUES = 500  # those where most is ready; there may be as many as customers


class Gauge:
    """Used by one thread: that of the sweeper. Never raises but EngineUnavailable."""

    def __init__(
        self, engine: Engine, clock: Clock, scorer: Scorer, random: Random, *, queues: Callable[[], Iterable[str]]
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._scorer = scorer
        self._queues = queues  # those that this worker reads: of an empty one it is known that it is empty
        self._random = random
        self.due: Seconds = clock.monotonic() + self._offset()

    def look(self) -> None:
        """Read the queues if it is time, and nobody else has. Raises: EngineUnavailable."""
        if self._clock.monotonic() < self.due:
            return
        now = self._clock.now()
        ends = bucket_of(now, WIDTH) + WIDTH_MS[WIDTH]
        self.due = self._clock.monotonic() + (ends - now) / 1000 + self._offset()
        if self._is_read(now):
            return
        self._note(ends, now)
        began = self._clock.monotonic()
        queues = dict.fromkeys(self._queues(), QueueCounts()) | self._engine.inspector.counts(most=0).queues
        rested = now + milliseconds((self._clock.monotonic() - began) * REST)
        if rested > ends:
            self._note(rested, now)
        fullest = sorted(queues, key=lambda queue: -queues[queue].ready)[:MOST_QUEUES]
        self._scorer.read(_reading(queue, queues[queue], now) for queue in fullest)

    def _is_read(self, now: Instant) -> bool:
        """Tell whether somebody has looked, so that it is enough for now."""
        return any(note.key == GAUGE_NOTE for note in self._engine.notes.read(GAUGE_NOTE, now=now))

    def _note(self, until: Instant, now: Instant) -> None:
        self._engine.notes.post([Note(key=GAUGE_NOTE, text=Raw(b"null"), expires=until)], now=now)

    def _offset(self) -> Seconds:
        """Return when in the next bucket this worker looks, if no other one has: each time anew, so that two workers do
        not come at the same moment for ever. Not at its very end: whoever wakes late is in the one behind it."""
        return SPAN * 0.8 * self._random.random()


def _reading(queue: str, counts: QueueCounts, now: Instant) -> Reading:
    oldest = 0.0 if counts.oldest_due is None else max(0, now - counts.oldest_due) / 1000
    return Reading(at=now, queue=queue, ready=counts.ready, claimed=counts.claimed, oldest=oldest)
