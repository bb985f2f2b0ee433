"""The server's clock, without a round trip for each look at it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from horarium.clock import Clock, Instant, Seconds, StoreClock
from horarium.errors import EngineError

READ_EVERY: Seconds = 5.0  # a quartz is off by some 20 us in that time


class ServerClock:
    """Reads the server's clock now and then, and carries it forward by this host's monotonic one.

    A step or an error of this host's wall clock changes nothing. While the server cannot be reached, time goes on.
    """

    def __init__(self, read: Callable[[], Instant], host: Clock) -> None:
        self._read = read
        self._host = host
        self._clock: StoreClock | None = None
        self._read_at: Seconds = 0.0
        self._lock = threading.Lock()  # guards _clock and _read_at while they are written

    def now(self) -> Instant:
        """Return the server's time. Raises: EngineError when it was never read and cannot be now."""
        clock = self._clock
        if clock is None:
            with self._lock:
                clock = self._clock or self._look()
        elif self._host.monotonic() - self._read_at >= READ_EVERY and self._lock.acquire(blocking=False):
            try:
                self._look()
            except EngineError:
                self._read_at = self._host.monotonic()  # the next look is as far away as ever
            finally:
                self._lock.release()
        return clock.now()

    def after_fork(self) -> None:
        """Go on in a child: another thread of the parent may have held the lock."""
        self._lock = threading.Lock()

    def _look(self) -> StoreClock:
        before = self._host.monotonic()
        server = self._read()
        self._read_at = self._host.monotonic()
        reading = server + round((self._read_at - before) * 500)  # it was read half-way, as far as we know
        if self._clock is None:
            self._clock = StoreClock(self._host, reading)
        else:
            self._clock.correct(reading)
        return self._clock
