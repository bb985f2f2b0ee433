"""What a claim may still take of the tasks that have a limit, and of the keys that have a slot."""

from __future__ import annotations

from collections.abc import Mapping

from horarium.clock import Instant
from horarium.engines.records import Limit
from horarium.engines.sqlite.connection import Connection
from horarium.engines.sqlite.sql import change, fetch
from horarium.rate import refilled


class Room:
    """Counts down as messages are taken. It is right inside of one transaction, and a hint in a snapshot."""

    def __init__(self, db: Connection, limits: Mapping[str, Limit], now: Instant) -> None:
        self._db = db
        self._limits = limits
        self._now = now
        self._tokens: dict[str, float] = {}
        self._slots: dict[str, int] = {}
        self._running: dict[str, int] = {}
        if any(limit.running is not None for limit in limits.values()):
            self._running = dict(fetch(db, "count_running"))

    def for_task(self, task: str) -> bool:
        limit = self._limits.get(task)
        if limit is None:
            return True
        if limit.running is not None and self._running.get(task, 0) >= limit.running:
            return False
        return limit.rate is None or self._left(limit) >= 1

    def for_slot(self, slot: str, seq: int) -> bool:
        if slot not in self._slots:
            self._slots[slot] = fetch(self._db, "count_in_slot", (slot,))[0][0]
        return bool(self._slots[slot] < fetch(self._db, "slot_size", (seq,))[0][0])

    def take(self, task: str, slot: str | None) -> None:
        limit = self._limits.get(task)
        if limit is not None:
            self._running[task] = self._running.get(task, 0) + 1
            if limit.rate is not None:
                self._tokens[limit.bucket] = self._left(limit) - 1
        if slot is not None:
            self._slots[slot] += 1

    def close(self) -> None:
        """Write down what the buckets have left."""
        for bucket, left in self._tokens.items():
            change(self._db, "fill_bucket", (bucket, left, self._now))

    def _left(self, limit: Limit) -> float:
        """Return what a bucket has left now; it is full when it was never used, or not for long."""
        if limit.bucket not in self._tokens:
            known = fetch(self._db, "bucket", (limit.bucket,))
            left, at = known[0] if known else (float(limit.burst), self._now)
            held = refilled(left, at, self._now, rate=limit.rate or 0.0, burst=limit.burst)
            self._tokens[limit.bucket] = held
        return self._tokens[limit.bucket]
