"""The server's clock, without a round trip for each look at it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from horarium.clock import Clock, Instant, RemoteClock, Seconds
from horarium.errors import EngineError

READ_EVERY: Seconds = 5.0
FIRST_READINGS = 3  # the quickest of them counts; the first one also opens a connection


class ServerClock:
    """Reads the server's clock now and then, and carries it forward by this host's monotonic one.

    A step or an error of this host's wall clock changes nothing. While the server cannot be reached, time goes on.
    ``read`` returns milliseconds with a fraction.
    """

    def __init__(self, read: Callable[[], float], host: Clock) -> None:
        self._read = read
        self._host = host
        self._time = RemoteClock(host)
        self._next_look: Seconds = 0.0
        self._forget_locks()

    def now(self) -> Instant:
        """Return the server's time. Raises: EngineError when it was never read and cannot be now."""
        if self._time.age is None:
            self._begin()
        elif self._host.monotonic() >= self._next_look:
            self._keep_up()
        return self._time.now()

    def _begin(self) -> None:
        with self._lock:
            while self._time.age is None:
                time = RemoteClock(self._host)
                for _ in range(FIRST_READINGS):
                    self._look(time)
                self._time = time

    def _keep_up(self) -> None:
        """Read the clock once more, unless another thread is at it."""
        if self._pid != os.getpid():  # forked: another thread of the parent may have held the lock
            self._forget_locks()
        if self._lock.acquire(blocking=False):
            try:
                self._look(self._time)
            except EngineError:
                self._next_look = self._host.monotonic() + READ_EVERY  # what is known serves a while longer
            finally:
                self._lock.release()

    def _look(self, time: RemoteClock) -> None:
        sent = self._host.monotonic()
        reading = self._read()
        received = self._host.monotonic()
        time.note(reading, sent=sent, received=received)
        self._next_look = received + READ_EVERY

    def _forget_locks(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()  # guards the notes in _time
