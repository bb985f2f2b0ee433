"""How often somebody may try: failed logins by account and by address, and changes by address.

Kept in this process: several processes allow so many times as much, which is still no way to guess a password.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from threading import Lock

from horarium.clock import Clock, Seconds

FREE = {"account": 5, "address": 20}  # failures that cost no wait
FIRST_WAIT: Seconds = 2.0  # doubled with each further failure
LONGEST_WAIT: Seconds = 900.0
FORGOTTEN_AFTER: Seconds = 3600.0
MOST_KEPT = 10_000  # keys; the oldest go first


class Throttle:
    """Counts failures under keys of (kind, name); kinds are those of FREE."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()  # guards _failures
        self._failures: OrderedDict[tuple[str, str], tuple[int, Seconds]] = OrderedDict()  # how many, and when last

    def wait_for(self, keys: Iterable[tuple[str, str]]) -> Seconds:
        """Return how long whoever this is has to wait before the next try; 0: not at all."""
        now = self._clock.monotonic()
        with self._lock:
            return max((self._wait(key, now) for key in keys), default=0.0)

    def failed(self, keys: Iterable[tuple[str, str]]) -> None:
        now = self._clock.monotonic()
        with self._lock:
            for key in keys:
                count, last = self._failures.pop(key, (0, now))
                self._failures[key] = (1 if now - last > FORGOTTEN_AFTER else count + 1), now
            while len(self._failures) > MOST_KEPT:
                self._failures.popitem(last=False)

    def succeeded(self, key: tuple[str, str]) -> None:
        with self._lock:
            self._failures.pop(key, None)

    def _wait(self, key: tuple[str, str], now: Seconds) -> Seconds:
        count, last = self._failures.get(key, (0, now))
        beyond = count - FREE[key[0]]
        if beyond < 0:
            return 0.0
        return max(0.0, last + min(FIRST_WAIT * 2.0 ** min(beyond, 20), LONGEST_WAIT) - now)
