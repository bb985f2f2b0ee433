"""The store's time in a scheduler, and a word when a clock is wrong."""

from __future__ import annotations

from horarium.clock import Clock, Instant, Seconds, StoreClock
from horarium.event import ClockSkewed, ClockStepped, Observer

# More than this between two clocks, or between two readings of one, is told.
TOLERANCE: Seconds = 1.0


class Timekeeper:
    """Takes readings of the store's clock. A step of the host's clock changes nothing; it is told."""

    def __init__(self, clock: Clock, observer: Observer) -> None:
        self._clock = clock
        self._observer = observer
        self._store: StoreClock | None = None
        self._is_skewed = False

    def correct(self, store_now: Instant) -> Instant:
        """Take a reading as the truth; return it."""
        if self._store is None:
            self._store = StoreClock(self._clock, store_now)
        else:
            self._note_step((store_now - self._store.now()) / 1000)
            self._store.correct(store_now)
        self._note_skew(self._store.skew())
        return store_now

    def skew(self) -> Seconds:
        """Return how far this host's wall clock is ahead of the store's."""
        return 0.0 if self._store is None else self._store.skew()

    def _note_step(self, step: Seconds) -> None:
        if abs(step) > TOLERANCE:
            self._observer.tell(ClockStepped(step=step))

    def _note_skew(self, skew: Seconds) -> None:
        is_skewed = abs(skew) > TOLERANCE
        if is_skewed and not self._is_skewed:
            self._observer.tell(ClockSkewed(skew=skew))
        self._is_skewed = is_skewed
