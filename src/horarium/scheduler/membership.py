"""A scheduler's place among the members of a store: it holds no deliveries, but people want to see that it lives."""

from __future__ import annotations

import os

from horarium.clock import Clock, Instant, Seconds
from horarium.engines.protocol import Engine
from horarium.engines.records import Member
from horarium.message import new_id
from horarium.version import __version__

LONGEST_TROUBLE = 1000  # characters


class Membership:
    """One scheduler's lease. It is for show: what it fires is guarded by the store."""

    def __init__(self, name: str, app: str, clock: Clock, lease: Seconds) -> None:
        self._name = name
        self._app = app
        self._clock = clock
        self._lease = lease
        self._owner = ""
        self._started: Instant = 0
        self._renewed_at: Seconds = float("-inf")  # a reading of the monotonic clock
        self.trouble = ""  # what keeps the scheduler from reading where its schedules are defined

    def tell(self, trouble: str) -> None:
        """Let the next renewal say this, or "" when all is well again. That it begins or ends is told at once."""
        if bool(trouble) != bool(self.trouble):
            self._renewed_at = float("-inf")
        self.trouble = trouble[:LONGEST_TROUBLE]

    def renew(self, engine: Engine, *, now: Instant, skew: Seconds) -> None:
        """Renew the lease when a third of it has passed; as a new owner, if it was given up meanwhile."""
        if self._clock.monotonic() - self._renewed_at < self._lease / 3:
            return
        if not self._owner or engine.queue.renew([self._member(now, skew)], now=now, lease=self._lease).lost:
            self._owner, self._started = f"{self._name}/{new_id(now)}", now
            engine.queue.renew([self._member(now, skew)], now=now, lease=self._lease)
        self._renewed_at = self._clock.monotonic()

    def leave(self, engine: Engine) -> None:
        """Sign off. Doing it twice, or before having joined, is fine."""
        if self._owner:
            engine.inspector.leave([self._owner], now=engine.now())
            self._owner, self._renewed_at = "", float("-inf")

    def _member(self, now: Instant, skew: Seconds) -> Member:
        return Member(
            owner=self._owner,
            kind="scheduler",
            name=self._name,
            host=os.uname().nodename,
            pid=os.getpid(),
            looked=now,
            started=self._started,
            version=__version__,
            app=self._app,
            skew=skew,
            trouble=self.trouble,
        )
