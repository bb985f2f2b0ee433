"""What a claim may still take of the tasks that have a limit, and of the keys that have a slot."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from horarium.clock import Instant
from horarium.engines.postgres.sql import Database, array
from horarium.engines.records import Limit
from horarium.rate import refilled


class Room:
    """Counts down as messages are taken. It is right behind sql/lock_room.sql, and otherwise a hint."""

    def __init__(self, db: Database, limits: Mapping[str, Limit], now: Instant) -> None:
        self._db = db
        self._limits = limits
        self._now = now
        self._running: dict[str, int] = {}
        self._rests: dict[str, float] = {}
        self._spent: set[str] = set()
        self._slots: dict[str, tuple[int, int]] = {}  # of a key: those in hand, and so many of them for certain
        counted = [task for task, limit in limits.items() if limit.running is not None]
        rated = {limit.bucket: limit for limit in limits.values() if limit.rate is not None}
        if counted:
            self._running = dict(db.fetch("count_running", tasks=array(counted)))
        if rated:
            self._read_buckets(rated)

    def has_room(self, task: str) -> bool:
        limit = self._limits.get(task)
        if limit is None:
            return True
        if limit.running is not None and self._running.get(task, 0) >= limit.running:
            return False
        return limit.rate is None or self._left(limit) >= 1

    def full(self) -> list[str]:
        """Return the tasks of which nothing may be taken."""
        return sorted(task for task in self._limits if not self.has_room(task))

    def look_at_slots(self, keys: Collection[str]) -> None:
        """Count what is in hand of these keys, and hold it there."""
        if keys:
            rows = self._db.fetch("in_slots", keys=array(sorted(keys)))
            self._slots = {key: (number, certain) for key, number, certain in rows}

    def has_slot(self, key: str, size: int) -> bool | None:
        """Tell whether one more of a key may be taken; None if somebody may be leaving at this very moment."""
        number, certain = self._slots[key]
        if number < size:
            return True
        return False if certain >= size else None

    def take(self, task: str, slot: str | None) -> None:
        limit = self._limits.get(task)
        if limit is not None:
            self._running[task] = self._running.get(task, 0) + 1
            if limit.rate is not None:
                self._rests[limit.bucket] = self._left(limit) - 1
                self._spent.add(limit.bucket)
        if slot is not None:
            number, certain = self._slots[slot]
            self._slots[slot] = number + 1, certain + 1

    def close(self) -> None:
        """Write down what the buckets have left that were taken from."""
        if self._spent:
            spent = sorted(self._spent)
            rests = array(self._rests[name] for name in spent)
            self._db.run("fill_buckets", names=array(spent), rests=rests, now=self._now)

    def _read_buckets(self, rated: Mapping[str, Limit]) -> None:
        for name, rest, at in self._db.fetch("buckets", names=array(rated)):
            limit = rated[name]
            self._rests[name] = refilled(rest, at, self._now, rate=limit.rate or 0.0, burst=limit.burst)

    def _left(self, limit: Limit) -> float:
        """Return what a bucket has left now; it is full when it was never used."""
        return self._rests.get(limit.bucket, float(limit.burst))
