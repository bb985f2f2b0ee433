"""What has happened, counted by time, in PostgreSQL. Not flushed: a crash of the server may take what was counted last.

What is old is removed in the same round trip, in a pipeline.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from horarium.clock import Instant
from horarium.engines.postgres.connection import RELAXED, Store
from horarium.engines.postgres.sql import Database, array
from horarium.tally import PRUNED, WIDTH_MS, Reading, Tally, Width, oldest_kept, spread, spread_readings


class PostgresSeries:
    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, tallies: Sequence[Tally], readings: Sequence[Reading] = (), *, now: Instant) -> None:
        told, seen = spread(tallies, now=now), spread_readings(readings, now=now)
        widths = array(WIDTH_MS.values())
        befores = array(oldest_kept(width, now) for width in WIDTH_MS)

        def work(db: Database, again: bool) -> None:
            with db.connection.pipeline():
                if told:
                    db.run("add_tallies", tallies=_told(told), relaxed=RELAXED)
                if seen:
                    db.run("add_readings", readings=_seen(seen), relaxed=RELAXED)
                db.run("prune_tallies", widths=widths, befores=befores, limit=PRUNED)
                db.run("prune_readings", widths=widths, befores=befores, limit=PRUNED)

        self._store.carry_out(work)

    def tallies(
        self,
        width: Width,
        *,
        since: Instant,
        until: Instant,
        tasks: Sequence[str] | None = None,
        queues: Sequence[str] | None = None,
    ) -> list[Tally]:
        rows = self._store.carry_out(
            lambda db, again: db.fetch(
                "read_tallies",
                width=WIDTH_MS[width],
                since=since,
                until=until,
                tasks=None if tasks is None else array(tasks),
                queues=None if queues is None else array(queues),
            )
        )
        return [
            Tally(
                at=at,
                task=task,
                queue=queue,
                counts=_counts(counts),
                ran=tuple(ran),
                ran_sum=ran_sum,
                waited=tuple(waited),
                waited_sum=waited_sum,
            )
            for at, task, queue, counts, ran, ran_sum, waited, waited_sum in rows
        ]

    def readings(
        self, width: Width, *, since: Instant, until: Instant, queues: Sequence[str] | None = None
    ) -> list[Reading]:
        rows = self._store.carry_out(
            lambda db, again: db.fetch(
                "read_readings",
                width=WIDTH_MS[width],
                since=since,
                until=until,
                queues=None if queues is None else array(queues),
            )
        )
        return [
            Reading(at=at, queue=queue, ready=ready, claimed=claimed, oldest=oldest)
            for at, queue, ready, claimed, oldest in rows
        ]


_counts = msgspec.json.Decoder(dict[str, int]).decode


def _told(tallies: Sequence[tuple[Width, Tally]]) -> str:
    return _json(
        {
            "width": WIDTH_MS[width],
            "at": each.at,
            "task": _storable(each.task),
            "queue": _storable(each.queue),
            "counts": {_storable(word): number for word, number in each.counts.items()},
            "ran": each.ran,
            "ran_sum": each.ran_sum,
            "waited": each.waited,
            "waited_sum": each.waited_sum,
        }
        for width, each in tallies
    )


def _seen(readings: Sequence[tuple[Width, Reading]]) -> str:
    return _json(
        {
            "width": WIDTH_MS[width],
            "at": each.at,
            "queue": _storable(each.queue),
            "ready": each.ready,
            "claimed": each.claimed,
            "oldest": each.oldest,
        }
        for width, each in readings
    )


def _json(rows: Iterable[dict[str, object]]) -> str:
    return msgspec.json.encode(list(rows)).decode()


def _storable(name: str) -> str:
    return name.replace("\0", "\ufffd")  # as everywhere: no column can hold one
