"""What schedules are told of their runs, in the transaction that ends them; and why none is left held for nothing.

Everybody locks in one order: messages by id, then schedules by name, then whatever is new. Who ends a run has its
message before it asks for the schedule, and a firing that may end runs (firing.py) has their messages before its
schedules. So no two wait for each other, and a transaction tells its schedules once, at its very end. (A purge takes
messages in any order. Should two meet in a circle all the same, the server ends one, which is tried again.)

A firing holds its schedule when it has the lock of its row and sees, with a snapshot taken after that, as many active
runs as may be. Whoever ends one of those has not committed, so it locks the schedule later, and releases it: it reads
the newest version of the row under the lock, whatever its own snapshot.

What it cannot find is a schedule that was created since its snapshot. So whoever creates one first locks and touches
what an earlier one of this name has fired: a settle_success that began before that meets a changed row, leaves it, and
Settling looks again. All others lock messages in a statement of their own, and tell with a newer snapshot anyway.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from horarium.clock import Instant
from horarium.engines.postgres.sql import Database, array
from horarium.outcome import State
from horarium.schedules.record import FAILED, SUCCEEDED


class Report(Struct, eq=False):
    """What one schedule is told."""

    succeeded: Instant | None = None
    failures: int = 0  # in a row, the latest ones
    is_reset: bool = False  # something succeeded before those


class News:
    """What the schedules of one transaction are to be told. Runs are added in the order in which they ended."""

    def __init__(self) -> None:
        self._reports: dict[str, Report] = {}

    def add(self, schedule: str | None, state: str, nominal: Instant | None) -> None:
        """Note the end of a run. One that no schedule has fired is of no interest."""
        if schedule is None:
            return
        report = self._reports.setdefault(schedule, Report())
        if state in SUCCEEDED:
            report.failures, report.is_reset = 0, True
            known = [instant for instant in (report.succeeded, nominal) if instant is not None]
            report.succeeded = max(known, default=None)
        elif state in FAILED:
            report.failures += 1

    def add_revoked(self, schedules: Iterable[str]) -> None:
        """Note that runs of schedules were revoked."""
        for schedule in schedules:
            self.add(schedule, State.REVOKED, None)

    def tell(self, db: Database, now: Instant) -> bool:
        """Tell the schedules, once, at the end of the transaction; return whether one of them was held for it."""
        if not self._reports:
            return False
        told, self._reports = self._reports, {}
        released = db.fetch(
            "tell_schedules",
            now=now,
            names=array(told),
            succeededs=array(report.succeeded for report in told.values()),
            failures=array(report.failures for report in told.values()),
            resets=array(report.is_reset for report in told.values()),
        )
        return bool(released)
