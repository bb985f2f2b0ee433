"""Which tasks somebody can run: this app, or a live worker with code of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from horarium.clock import Clock, Instant, Seconds
from horarium.engines.protocol import Engine

if TYPE_CHECKING:
    from horarium.app.app import Horarium

REFRESH_EVERY: Seconds = 2.0  # how old the news of what live workers know may be


class KnownTasks:
    """Answers for one scheduler. The store is asked only about a task that the app itself does not know."""

    def __init__(self, app: Horarium, clock: Clock) -> None:
        self._app = app
        self._clock = clock
        self._elsewhere: frozenset[str] = frozenset()
        self._read_at: Seconds = float("-inf")  # a reading of the monotonic clock

    def has(self, task: str, *, engine: Engine, now: Instant) -> bool:
        is_ours = self._app.known_task(task) is not None  # asked first: ``tasks`` finalizes the app each time
        return is_ours or task in self._app.tasks or task in self._of_live_members(engine, now)

    def _of_live_members(self, engine: Engine, now: Instant) -> frozenset[str]:
        if self._clock.monotonic() - self._read_at >= REFRESH_EVERY:
            records = engine.inspector.workers(now=now)
            self._elsewhere = frozenset(task for each in records if each.alive for task in each.member.tasks)
            self._read_at = self._clock.monotonic()
        return self._elsewhere
