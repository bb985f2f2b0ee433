"""The bridge's place among the members of a store: an owner, for the moments in which it has messages in hand."""

from __future__ import annotations

import os
from contextlib import suppress

from horarium.bridge.part import Surroundings
from horarium.clock import Instant, Seconds
from horarium.engines.protocol import Engine
from horarium.engines.records import BRIDGE_POOL, Member
from horarium.errors import EngineError
from horarium.message import new_id
from horarium.version import __version__


class Membership:
    """One owner's lease. What a bridge holds it holds for one turn; if it dies then, others get it by the lease."""

    def __init__(self, around: Surroundings, queues: tuple[str, ...]) -> None:
        self._around = around
        self._queues = queues
        self._owner = ""
        self._started: Instant = 0
        self._renewed_at: Seconds = float("-inf")  # a reading of the monotonic clock

    def renew(self, engine: Engine, *, now: Instant, tasks: tuple[str, ...] = ()) -> str:
        """Renew the lease when a third of it has passed, as a new owner if it was given up; return the owner.

        ``tasks`` are those that the other side is known to run: schedulers fire only what somebody knows.
        """
        lease, clock = self._around.app.conf.worker_lease, self._around.app.clock
        if self._owner and clock.monotonic() - self._renewed_at < lease / 3:
            return self._owner
        if not self._owner or engine.queue.renew([self._member(now, tasks)], now=now, lease=lease).lost:
            self._owner, self._started = f"{self._around.name}/{new_id(now)}", now
            engine.queue.renew([self._member(now, tasks)], now=now, lease=lease)
        self._renewed_at = clock.monotonic()
        return self._owner

    def forget(self) -> None:
        """Become a new owner at the next renewal."""
        self._owner, self._renewed_at = "", float("-inf")

    def leave(self) -> None:
        """Sign off: what is still in hand goes back. Doing it twice, or before having joined, is fine. A store that is
        away learns it from the lease."""
        owner = self._owner
        self.forget()
        if owner and self._around.app.connection.is_open:
            engine = self._around.app.engine
            with suppress(EngineError):
                engine.inspector.leave([owner], now=engine.now())

    def _member(self, now: Instant, tasks: tuple[str, ...]) -> Member:
        return Member(
            owner=self._owner,
            kind="child",
            name=self._around.name,
            host=os.uname().nodename,
            pid=os.getpid(),
            pool=BRIDGE_POOL,
            queues=self._queues,
            tasks=tasks,
            looked=now,
            started=self._started,
            version=__version__,
            app=self._around.app.main,
        )
