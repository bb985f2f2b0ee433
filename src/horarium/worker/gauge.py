"""Gauge: reads how the queues stand, every ten seconds, for charts.

Of all the workers of a store one looks in each span of ten seconds: whoever comes first leaves a note, and the others,
who find it, do not look. Two that come at the same moment both look, which does no harm: the greatest reading is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

from msgspec import Raw

from horarium.clock import Clock, Instant, Seconds
from horarium.engines.protocol import Engine
from horarium.engines.records import Note, QueueCounts
from horarium.tally import WIDTH_MS, Reading
from horarium.worker.scorer import Scorer

GAUGE_NOTE = "gauge"
SPAN: Seconds = WIDTH_MS["10s"] / 1000
NOTE_LASTS = 6 * WIDTH_MS["10s"]
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
        self.due: Seconds = clock.monotonic() + SPAN * random.random()  # workers that start together

    def look(self) -> None:
        """Read the queues if it is time, and nobody else has. Raises: EngineUnavailable."""
        if self._clock.monotonic() < self.due:
            return
        self.due = self._clock.monotonic() + SPAN
        now = self._clock.now()
        if self._is_read(now):
            return
        self._engine.notes.post([Note(key=GAUGE_NOTE, text=Raw(b"null"), expires=now + NOTE_LASTS)], now=now)
        queues = dict.fromkeys(self._queues(), QueueCounts()) | self._engine.inspector.counts(most=0).queues
        fullest = sorted(queues, key=lambda queue: -queues[queue].ready)[:MOST_QUEUES]
        self._scorer.read(_reading(queue, queues[queue], now) for queue in fullest)

    def _is_read(self, now: Instant) -> bool:
        """Tell whether somebody has looked less than a span ago (less a little: no two threads wake alike)."""
        notes = self._engine.notes.read(GAUGE_NOTE, now=now)
        return any(note.key == GAUGE_NOTE and now - note.changed < WIDTH_MS["10s"] * 0.9 for note in notes)


def _reading(queue: str, counts: QueueCounts, now: Instant) -> Reading:
    oldest = 0.0 if counts.oldest_due is None else max(0, now - counts.oldest_due) / 1000
    return Reading(at=now, queue=queue, ready=counts.ready, claimed=counts.claimed, oldest=oldest)
