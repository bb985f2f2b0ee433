"""When to look again for work that waits for its rate limit.

No store tells when the next token of a bucket comes due, and nobody is woken by it. A child that has been given a
limited task knows it: the next one is due one interval later, for it or for another child. So it looks then, as long as
that brings it something; a child that got none for a while looks as seldom as everybody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from horarium.clock import Seconds
from horarium.engines.records import Limit
from horarium.message import Delivery

SHORTEST_STEP: Seconds = 0.005  # 200 looks a second of 0.1 ms each are 2 % of a core, while limited work is running
LONGEST_STEP: Seconds = 0.05  # for what takes several tokens at a look
AFTERGLOW: Seconds = 1.0  # two ordinary looks: when all children have cooled down, one of these warms it up again
AFTER: Seconds = 0.001  # the store counts in whole milliseconds


class Warm(Struct):
    """A bucket that gave something not long ago."""

    step: Seconds
    last: Seconds  # monotonic
    until: Seconds  # monotonic


class Pace:
    """The buckets that one child has been given tasks from. Used by the claiming thread alone."""

    def __init__(self) -> None:
        self._warm: dict[str, Warm] = {}

    def note(self, claimed: Iterable[Delivery], limits: Mapping[str, Limit], now: Seconds) -> None:
        """Learn from a claim."""
        for delivery in claimed:
            limit = limits.get(delivery.message.task)
            if limit is not None and limit.rate is not None:
                self._warm[limit.bucket] = Warm(step_of(limit.rate, limit.burst), now, now + afterglow_of(limit.rate))

    def wait(self, now: Seconds) -> Seconds | None:
        """Return how long to wait for the next token that is worth a look; None: for none."""
        if not self._warm:
            return None
        self._warm = {bucket: warm for bucket, warm in self._warm.items() if now < warm.until}
        waits = [warm.step - (now - warm.last) % warm.step for warm in self._warm.values()]
        return min(waits) + AFTER if waits else None


def step_of(rate: float, burst: int) -> Seconds:
    """Return how long to wait between two looks: until a token, or where they come fast, until some of them."""
    return max(1 / rate, min(LONGEST_STEP, burst / rate / 2), SHORTEST_STEP)


def afterglow_of(rate: float) -> Seconds:
    return max(AFTERGLOW, 2 / rate)
