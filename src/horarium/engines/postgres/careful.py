"""The careful way to claim: what has a slot, or is of a task with a limit, is taken by one claim at a time.

Each look is a short transaction under one lock for the whole store (a lock for each key would have to be taken before
it is known which keys are in line). It needs no flush, so it is over in a millisecond or two; claims that meet nothing
bound never come here.

A message whose slot is full stands aside, and whoever frees the slot lets it back. So that neither misses the other,
the look holds those of the key that are in hand. Where one cannot be held, because it is leaving at this very moment,
the message is passed over and stays in line: whoever leaves then wakes the queue.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from horarium.clock import Instant
from horarium.engines.postgres.connection import RELAXED, transaction
from horarium.engines.postgres.room import Room
from horarium.engines.postgres.sql import Database, Row, array
from horarium.engines.records import Limit


class Asked(Struct, frozen=True, kw_only=True):
    """What stays the same while one claim looks again. Arrays are literals."""

    queues: str
    owner: str
    tasks: str | None
    token: int
    limits: Mapping[str, Limit]


class Met(Struct, frozen=True):
    """A due message that a look has met, in line."""

    id: str
    task: str
    crashes: int
    once: bool
    slot: str | None
    slot_size: int | None
    is_overdue: bool


class CarefulLook:
    """The looks of one claim. ``overdue``: ids met on the way."""

    def __init__(self, db: Database, asked: Asked, now: Instant, *, space: int, key: int) -> None:
        self._db = db
        self._asked = asked
        self._now = now
        self._lock = {"space": space, "key": key}
        self._passed: set[str] = set()  # keys of slots of which it cannot be told now whether they are full
        self._is_stopped = False  # by one that crashed a process before
        self.durable = RELAXED  # the synchronous_commit for what may be started only once
        self.overdue: list[str] = []

    def take(self, limit: int, per_line: int, *, fresh: bool) -> tuple[list[Row], bool]:
        """Take up to ``limit`` messages, reading the lines so far; return message, id, fence, attempt, crashes of each,
        and whether there is nothing left to look at. ``fresh``: nothing was taken before."""
        with transaction(self._db, durable=False):
            self._db.run("lock_room", **self._lock)
            room = Room(self._db, self._asked.limits, self._now)
            is_cut, line = self._look(room, max(limit, per_line))
            taken, aside = self._choose(line, room, limit, fresh=fresh)
            if aside:
                self._db.run("step_aside", ids=array(each.id for each in aside))
            rows = self._hand_over(taken)
            room.close()
        return rows, self._is_stopped or not is_cut

    def _look(self, room: Room, per_line: int) -> tuple[bool, list[Met]]:
        rows = self._db.fetch(
            "look_in_line",
            queues=self._asked.queues,
            tasks=self._asked.tasks,
            barred=array(room.full()),
            passed=array(sorted(self._passed)),
            now=self._now,
            limit=per_line,
            per_line=per_line,
        )
        line = [Met(*row[1:]) for row in rows if row[1] is not None]
        room.look_at_slots({each.slot for each in line if each.slot is not None})
        return rows[0][0], line

    def _choose(self, line: list[Met], room: Room, limit: int, *, fresh: bool) -> tuple[list[Met], list[Met]]:
        """Return whom to take and who is to stand aside, in the order of the line."""
        taken: list[Met] = []
        aside: list[Met] = []
        for each in line:
            if len(taken) >= limit:
                break
            if each.is_overdue:
                self.overdue.append(each.id)
            elif not room.has_room(each.task):
                continue
            elif each.slot is not None and not (has_slot := room.has_slot(each.slot, each.slot_size or 1)):
                if has_slot is None:
                    self._passed.add(each.slot)
                else:
                    aside.append(each)
            elif each.crashes and (taken or not fresh):
                self._is_stopped = True
                break
            else:
                room.take(each.task, each.slot)
                taken.append(each)
                if each.crashes:
                    self._is_stopped = True
                    break
        return taken, aside

    def _hand_over(self, taken: list[Met]) -> list[Row]:
        if not taken:
            return []
        if any(each.once for each in taken):
            self._db.connection.execute(f"SET LOCAL synchronous_commit = {self.durable}")
        ids = [each.id for each in taken]
        rows = self._db.fetch(
            "hand_over", ids=array(ids), owner=self._asked.owner, token=self._asked.token, now=self._now
        )
        by_id = {row[1]: row for row in rows}
        return [by_id[id] for id in ids if id in by_id]
