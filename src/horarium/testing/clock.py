"""The clock of tests: it can stand still, and be moved. What is moved is the store's time: etas, expiries, schedules.

Its monotonic reading goes on with the host's, so that time limits and timeouts mean seconds that really pass: they
measure code, and code takes its time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from horarium.clock import Clock, Instant, Seconds, SystemClock, milliseconds, to_datetime, to_instant


class VirtualClock:
    """A clock that goes with the host's until ``freeze``; ``advance`` and ``move_to`` work in both cases.

    Moving it runs nothing by itself, except what a worker in a thread finds due then.
    """

    def __init__(self, host: Clock | None = None) -> None:
        self._host = host or SystemClock()
        self._frozen: Instant | None = None
        self._ahead = 0  # milliseconds
        self._moved: list[Callable[[], None]] = []
        self.may_go_back: Callable[[], bool] = lambda: True

    def now(self) -> Instant:
        """Return the present moment, in UTC milliseconds."""
        return (self._host.now() if self._frozen is None else self._frozen) + self._ahead

    def monotonic(self) -> Seconds:
        """Return the host's monotonic reading: moving this clock changes nothing about it."""
        return self._host.monotonic()

    @property
    def moment(self) -> datetime:
        """The present moment as an aware datetime in UTC."""
        return to_datetime(self.now())

    def freeze(self) -> None:
        """Stand still from now on. Freezing twice is fine."""
        if self._frozen is None:
            self._frozen = self._host.now()

    def advance(self, seconds: Seconds | timedelta) -> Instant:
        """Let time pass; return the new moment. Raises: ValueError for less than nothing."""
        span = milliseconds(seconds)
        if span < 0:
            raise ValueError(f"expected time to go on, got advance({seconds!r}); use move_to before anything is sent")
        return self._move(span)

    def move_to(self, moment: datetime) -> Instant:
        """Go to a moment (a naive one is read as UTC); return it. Back only while the store is empty.

        Raises: ValueError for a moment that is past for what is stored.
        """
        span = to_instant(moment) - self.now()
        if span < 0 and not self.may_go_back():
            raise ValueError(
                f"expected a moment not before {self.moment.isoformat()}, got {moment.isoformat()}: there are runs "
                "or schedules in the store; move the clock back before anything is sent"
            )
        return self._move(span)

    def when_moved(self, call: Callable[[], None]) -> None:
        """Call a function after each move."""
        self._moved.append(call)

    def _move(self, span: int) -> Instant:
        self._ahead += span
        for call in self._moved:
            call()
        return self.now()
