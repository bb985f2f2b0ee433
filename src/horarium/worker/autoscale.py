"""Autoscaling: as many slots as there is work, by what is ready in the store and not by what workers have taken."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from threading import Event, Thread

from horarium.clock import Seconds
from horarium.engines.protocol import Engine
from horarium.errors import EngineUnavailable
from horarium.worker.present import Range
from horarium.worker.station import Station


class Autoscaler:
    """One thread, which does nothing as long as the worker has no bounds. ``failed`` is called on it."""

    def __init__(self, station: Station, *, failed: Callable[[Exception], None]) -> None:
        self._station = station
        self._failed = failed
        self._stopping = Event()
        self._needs: deque[tuple[Seconds, int]] = deque()  # when, how many slots there was work for
        self._thread = Thread(target=self._run, name="horarium-autoscale", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: Seconds) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def look(self, bounds: Range) -> None:
        """See how much there is to do, and have as many slots. Raises: EngineUnavailable."""
        station = self._station
        now = station.clock.monotonic()
        keep = station.options.autoscale_keep
        self._needs.append((now, len(station.running()) + self._ready(station.engine)))
        is_known = self._needs[0][0] <= now - keep
        while self._needs[0][0] < now - keep:
            self._needs.popleft()
        size = station.present.concurrency
        wanted = size_for([need for _, need in self._needs], size, bounds, is_known=is_known)
        if wanted != size:
            station.resize(wanted)

    def _run(self) -> None:
        try:
            while not self._stopping.wait(self._station.options.autoscale_every):
                bounds = self._station.present.range
                if bounds is not None:
                    self._look_if_it_can(bounds)
        except Exception as error:  # noqa: BLE001  # a worker that was to scale and cannot must not look healthy: it ends
            self._failed(error)

    def _look_if_it_can(self, bounds: Range) -> None:
        try:
            self.look(bounds)
        except EngineUnavailable:
            self._needs.clear()  # nobody knows what was needed meanwhile; the renewing thread tells of the trouble

    def _ready(self, engine: Engine) -> int:
        """Count the due messages that our children read and know."""
        queues, known = engine.inspector.counts(most=0).queues, self._station.app.tasks
        return sum(
            number
            for queue in self._station.present.queues
            if queue in queues
            for task, number in queues[queue].tasks.items()
            if task in known
        )


def size_for(needs: Sequence[int], size: int, bounds: Range, *, is_known: bool) -> int:
    """Return how many slots there shall be. ``needs``: for how many there was work at each look, the newest last;
    ``is_known``: the looks go back as far as slots are kept that nobody needs.

    More at once, fewer only when that many were too many all the time.
    """

    def within(slots: int) -> int:
        return min(max(slots, bounds.least), bounds.most)

    if within(needs[-1]) >= size:
        return within(needs[-1])
    return min(size, within(max(needs))) if is_known else min(size, bounds.most)
