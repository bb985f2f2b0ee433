"""The switchman: looks at the store's switches for a whole worker, and says when they have changed."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread

from horarium.app.switches import Switched, read_switches
from horarium.clock import Clock, Seconds
from horarium.engines.protocol import Engine
from horarium.engines.records import CONTROL_TOPIC
from horarium.errors import EngineUnavailable

# A note may be lost, so it also looks by itself. One worker's look costs the store about as much as a child's idle one,
# of which there are two a second for each child.
LOOK_EVERY: Seconds = 1.0
# Where the store cannot tell the topics of a lost note apart, every commit of anybody looks like one.
SHORTEST_PAUSE: Seconds = 0.2


class Switchman:
    """One thread with a connection of its own. ``turned`` is called on it, with all switches, when one has changed."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        *,
        known: Switched,
        turned: Callable[[Switched], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._known = known
        self._turned = turned
        self._failed = failed
        self._listener = engine.notifier.listen([CONTROL_TOPIC])
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="horarium-switches", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: Seconds) -> None:
        """Look no more. Stopping twice, or before starting, is fine."""
        self._stopping.set()
        self._listener.wake()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def look(self) -> None:
        """Look once, on the calling thread. Raises: EngineUnavailable."""
        found = read_switches(self._engine, now=self._clock.now())
        if found != self._known:
            self._known = found
            self._turned(found)

    def _run(self) -> None:
        try:
            while not self._stopping.wait(SHORTEST_PAUSE):
                try:
                    self.look()
                except EngineUnavailable:  # what was known goes on; others tell of the trouble
                    self._stopping.wait(LOOK_EVERY)
                self._listener.wait(LOOK_EVERY - SHORTEST_PAUSE)
        except Exception as error:  # noqa: BLE001  # a store that cannot be worked with, or a fault: the worker ends
            self._failed(error)
