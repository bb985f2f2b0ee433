"""What has happened, counted by time, in Redis: a hash for each bucket, whose fields are tallies of some 150 bytes.

Counts with a field for each number (HINCRBY) would take eight times the memory of the server.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec
from msgspec import Struct, field

from horarium.clock import Instant, Seconds
from horarium.engines.redis.connection import Answer, Argument, Store
from horarium.engines.redis.rows import encode
from horarium.tally import PRUNED, WIDTH_MS, Reading, Tally, Width, oldest_kept, spread, spread_readings

STRETCH = 200  # buckets read by one call


class Sums(Struct, frozen=True, omit_defaults=True):
    """What a field has of a tally. The script reads and writes it, too: what is empty is left out, since Lua does not
    know an empty list from an empty object."""

    counts: dict[str, int] = field(default_factory=dict, name="c")
    ran: tuple[int, ...] = field(default=(), name="r")
    ran_sum: Seconds = field(default=0.0, name="rs")
    waited: tuple[int, ...] = field(default=(), name="w")
    waited_sum: Seconds = field(default=0.0, name="ws")


_decode_name = msgspec.json.Decoder(tuple[str, str]).decode
_decode_sums = msgspec.json.Decoder(Sums).decode


class RedisSeries:
    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, tallies: Sequence[Tally], readings: Sequence[Reading] = (), *, now: Instant) -> None:
        told, seen = spread(tallies, now=now), spread_readings(readings, now=now)
        arguments: list[Argument] = [PRUNED, len(WIDTH_MS)]
        for width in WIDTH_MS:
            arguments += (width, oldest_kept(width, now))
        arguments.append(len(told))
        for width, each in told:
            sums = Sums(each.counts, each.ran, each.ran_sum, each.waited, each.waited_sum)
            arguments += (width, each.at, encode((each.task, each.queue)), encode(sums))
        arguments.append(len(seen))
        for width, reading in seen:
            arguments += (width, reading.at, reading.queue, reading.ready, reading.claimed, reading.oldest)
        self._store.call("add_series", arguments)

    def tallies(
        self,
        width: Width,
        *,
        since: Instant,
        until: Instant,
        tasks: Sequence[str] | None = None,
        queues: Sequence[str] | None = None,
    ) -> list[Tally]:
        return [
            _tally(at, name, value)
            for at, bucket in self._read("tallies", width, since, until, tasks, queues)
            for name, value in sorted(
                ((_decode_name(name), value) for name, value in bucket), key=lambda named: named[0]
            )
        ]

    def readings(
        self, width: Width, *, since: Instant, until: Instant, queues: Sequence[str] | None = None
    ) -> list[Reading]:
        return [
            _reading(at, name, value)
            for at, bucket in self._read("readings", width, since, until, None, queues)
            for name, value in sorted((name.decode(), value) for name, value in bucket)
        ]

    def _read(
        self,
        kind: Literal["tallies", "readings"],
        width: Width,
        since: Instant,
        until: Instant,
        tasks: Sequence[str] | None,
        queues: Sequence[str] | None,
    ) -> Iterator[tuple[Instant, list[tuple[bytes, bytes]]]]:
        wanted = ["" if names is None else encode(list(names)) for names in (tasks, queues)]
        while True:
            found: Answer = self._store.call("read_series", [kind, width, since, until, STRETCH, *wanted])
            for bucket, flat in zip(found[::2], found[1::2], strict=True):
                yield int(bucket), list(zip(flat[::2], flat[1::2], strict=True))
            if len(found) < 2 * STRETCH:
                return
            since = int(found[-2]) + 1


def _tally(at: Instant, name: tuple[str, str], value: bytes) -> Tally:
    sums = _decode_sums(value)
    return Tally(
        at=at,
        task=name[0],
        queue=name[1],
        counts=sums.counts,
        ran=sums.ran,
        ran_sum=sums.ran_sum,
        waited=sums.waited,
        waited_sum=sums.waited_sum,
    )


def _reading(at: Instant, queue: str, value: bytes) -> Reading:
    ready, claimed, oldest = value.split(b" ")
    return Reading(at=at, queue=queue, ready=int(ready), claimed=int(claimed), oldest=float(oldest))
