"""What has happened, counted by time, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from horarium.clock import Instant
from horarium.engines.memory.store import Store
from horarium.tally import (
    PRUNED,
    WIDTH_MS,
    Reading,
    Tally,
    Width,
    greatest,
    oldest_kept,
    plus,
    spread,
    spread_readings,
)


class MemorySeries:
    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, tallies: Sequence[Tally], readings: Sequence[Reading] = (), *, now: Instant) -> None:
        told, seen = spread(tallies, now=now), spread_readings(readings, now=now)
        with self._store.lock:
            for width, tally in told:
                place = (width, tally.at, tally.task, tally.queue)
                known = self._store.tallies.get(place)
                self._store.tallies[place] = tally if known is None else plus(known, tally)
            for width, reading in seen:
                spot = (width, reading.at, reading.queue)
                last = self._store.readings.get(spot)
                self._store.readings[spot] = reading if last is None else greatest(last, reading)
            for width in WIDTH_MS:
                _prune(self._store.tallies, width, now)
                _prune(self._store.readings, width, now)

    def tallies(
        self,
        width: Width,
        *,
        since: Instant,
        until: Instant,
        tasks: Sequence[str] | None = None,
        queues: Sequence[str] | None = None,
    ) -> list[Tally]:
        with self._store.lock:
            found = [
                (at, task, queue)
                for (of, at, task, queue) in self._store.tallies
                if of == width
                and since <= at < until
                and (tasks is None or task in tasks)
                and (queues is None or queue in queues)
            ]
            return [self._store.tallies[width, *place] for place in sorted(found)]

    def readings(
        self, width: Width, *, since: Instant, until: Instant, queues: Sequence[str] | None = None
    ) -> list[Reading]:
        with self._store.lock:
            found = [
                (at, queue)
                for (of, at, queue) in self._store.readings
                if of == width and since <= at < until and (queues is None or queue in queues)
            ]
            return [self._store.readings[width, *place] for place in sorted(found)]


def _prune(kept: dict[Any, Any], width: Width, now: Instant) -> None:  # Any: of tallies or of readings
    old = sorted(place for place in kept if place[0] == width and place[1] < oldest_kept(width, now))
    for place in old[:PRUNED]:
        del kept[place]
