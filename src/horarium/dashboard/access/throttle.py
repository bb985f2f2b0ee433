"""How often somebody may try to log in. A guesser has to wait, and nobody else because of that.

Failures are counted for each name at each address, and for each address whatever the names. Those of a name at all
addresses together lock nobody out, or anybody could: beyond a number of them, whoever has not been that person from
there before waits a while before their first try, and longer after each further one. Kept in this process: several
processes allow so many times as much, which is still no way to guess a password.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address, ip_address, ip_network
from threading import Lock
from typing import Generic, TypeVar

from horarium.clock import Clock, Seconds
from horarium.dashboard.access.secret import digest

FREE = 5  # failures of a name at one address that cost no wait
FREE_OF_ADDRESS = 20
FREE_OF_NAME = 50  # at all addresses
FIRST_WAIT: Seconds = 2.0  # doubled with each further failure
LONGEST_WAIT: Seconds = 900.0
BEFORE_A_FIRST_TRY: Seconds = 10.0  # for a name that many addresses guess at
FORGOTTEN_AFTER: Seconds = 3600.0
MOST_KEPT = 10_000  # of each kind; the oldest go first
TURNS = 16

Key = TypeVar("Key")


class Throttle:
    """Counts failures. An IPv6 address counts as its network of 64 bits, which is one household's or server's."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()  # guards all below
        self._pairs = _Failures[tuple[str, str]]()
        self._addresses = _Failures[str]()
        self._names = _Failures[str]()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()  # who has been whom, from where
        self._turns = [Lock() for _ in range(TURNS)]

    @contextmanager
    def turn(self, address: str) -> Iterator[None]:
        """Let the tries of one address be looked at one after the other: those that come at the same moment would
        else all be free."""
        with self._turns[int(digest(_place(address))[:8], 16) % TURNS]:
            yield

    def wait_for(self, address: str, name: str = "") -> Seconds:
        """Return how long whoever this is has to wait before the next try; 0: not at all."""
        place, now = _place(address), self._clock.monotonic()
        pair = (place, digest(name))
        with self._lock:
            wait = self._addresses.wait(place, FREE_OF_ADDRESS, now)
            if not name:
                return wait
            is_guessed_at = self._names.count(pair[1], now) >= FREE_OF_NAME
            if not is_guessed_at or pair in self._known:
                return max(wait, self._pairs.wait(pair, FREE, now))
            begun = self._pairs.since(pair, now)
            return max(wait, begun + BEFORE_A_FIRST_TRY - now, self._pairs.wait(pair, 1, now))

    def failed(self, address: str, name: str = "") -> None:
        place, now = _place(address), self._clock.monotonic()
        with self._lock:
            self._addresses.add(place, now)
            if name:
                self._pairs.add((place, digest(name)), now)
                self._names.add(digest(name), now)

    def succeeded(self, address: str, name: str) -> None:
        """Forget the failures of this name at this address, and that it is somebody else who guesses at it."""
        pair = (_place(address), digest(name))
        with self._lock:
            self._pairs.forget(pair)
            self._known[pair] = None
            self._known.move_to_end(pair)
            if len(self._known) > MOST_KEPT:
                self._known.popitem(last=False)


class _Failures(Generic[Key]):
    """How many, and when the last one was."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, tuple[int, Seconds]] = OrderedDict()

    def count(self, key: Key, now: Seconds) -> int:
        count, last = self._kept.get(key, (0, now))
        return 0 if now - last > FORGOTTEN_AFTER else count

    def since(self, key: Key, now: Seconds) -> Seconds:
        """Return when the last one was, or when this was asked for the first time."""
        if key not in self._kept:
            self._keep(key, 0, now)
        return self._kept[key][1]

    def add(self, key: Key, now: Seconds) -> None:
        self._keep(key, self.count(key, now) + 1, now)

    def forget(self, key: Key) -> None:
        self._kept.pop(key, None)

    def wait(self, key: Key, free: int, now: Seconds) -> Seconds:
        count, last = self._kept.get(key, (0, now))
        beyond = count - free
        if beyond < 0:
            return 0.0
        return max(0.0, last + min(FIRST_WAIT * 2.0 ** min(beyond, 20), LONGEST_WAIT) - now)

    def _keep(self, key: Key, count: int, now: Seconds) -> None:
        self._kept[key] = count, now
        self._kept.move_to_end(key)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)


def _place(address: str) -> str:
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(ip, IPv6Address):
        return str(ip)
    return str(ip.ipv4_mapped or ip_network((ip, 64), strict=False))
