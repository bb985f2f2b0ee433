"""What has happened, counted by time, in SQLite. Not flushed: a power cut may take what was counted last.

A tally is one row, which is read, added to and written back under the write lock: some 20 us for each width.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from horarium.clock import Instant, Seconds
from horarium.engines.sqlite.connection import Connection, Store
from horarium.engines.sqlite.sql import change, fetch
from horarium.tally import PRUNED, WIDTH_MS, Reading, Tally, Width, oldest_kept, plus, spread, spread_readings


class Sums(Struct, frozen=True, array_like=True):
    """What a row has of a tally."""

    counts: dict[str, int]
    ran: tuple[int, ...]
    ran_sum: Seconds
    waited: tuple[int, ...]
    waited_sum: Seconds


_decode = msgspec.json.Decoder(Sums).decode


class SqliteSeries:
    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, tallies: Sequence[Tally], readings: Sequence[Reading] = (), *, now: Instant) -> None:
        told, seen = spread(tallies, now=now), spread_readings(readings, now=now)
        with self._store.write("never") as db:
            for width, tally in told:
                _add(db, width, tally)
            for width, each in seen:
                values = (WIDTH_MS[width], each.at, each.queue, each.ready, each.claimed, each.oldest)
                change(db, "keep_reading", values)
            for width, ms in WIDTH_MS.items():
                for prune in ("prune_tallies", "prune_readings"):
                    change(db, prune, (ms, oldest_kept(width, now), PRUNED))

    def tallies(
        self,
        width: Width,
        *,
        since: Instant,
        until: Instant,
        tasks: Sequence[str] | None = None,
        queues: Sequence[str] | None = None,
    ) -> list[Tally]:
        values = (WIDTH_MS[width], since, until, _json(tasks), _json(queues))
        with self._store.read() as db:
            rows = fetch(db, "read_tallies", values)
        return [_tally(at, task, queue, sums) for at, task, queue, sums in rows]

    def readings(
        self, width: Width, *, since: Instant, until: Instant, queues: Sequence[str] | None = None
    ) -> list[Reading]:
        with self._store.read() as db:
            rows = fetch(db, "read_readings", (WIDTH_MS[width], since, until, _json(queues)))
        return [
            Reading(at=at, queue=queue, ready=ready, claimed=claimed, oldest=oldest)
            for at, queue, ready, claimed, oldest in rows
        ]


def _add(db: Connection, width: Width, tally: Tally) -> None:
    place = (WIDTH_MS[width], tally.at, tally.task, tally.queue)
    for (sums,) in fetch(db, "tally", place):
        tally = plus(_tally(tally.at, tally.task, tally.queue, sums), tally)
    sums = Sums(tally.counts, tally.ran, tally.ran_sum, tally.waited, tally.waited_sum)
    change(db, "keep_tally", (*place, msgspec.json.encode(sums)))


def _tally(at: Instant, task: str, queue: str, text: bytes) -> Tally:
    sums = _decode(text)
    return Tally(
        at=at,
        task=task,
        queue=queue,
        counts=sums.counts,
        ran=sums.ran,
        ran_sum=sums.ran_sum,
        waited=sums.waited,
        waited_sum=sums.waited_sum,
    )


def _json(names: Sequence[str] | None) -> str | None:
    return None if names is None else msgspec.json.encode(list(names)).decode()
