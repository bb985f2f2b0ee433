"""How long to wait before asking a troubled store again: full jitter, so that workers do not come back in step."""

from __future__ import annotations

from random import Random

from horarium.clock import Seconds

FIRST: Seconds = 0.1


class Patience:
    """Counts failures in a row and names the next wait."""

    def __init__(self, longest: Seconds, random: Random) -> None:
        self._longest = longest
        self._random = random
        self.failures = 0

    def next_wait(self) -> Seconds:
        """Note a failure; return how long to wait: between half of and the whole of a doubling, bounded span."""
        span = min(self._longest, FIRST * 2.0 ** min(self.failures, 16))
        self.failures += 1
        return span * (0.5 + self._random.random() / 2)

    def reset(self) -> bool:
        """Note a success; tell whether it ended a trouble."""
        was_troubled = self.failures > 0
        self.failures = 0
        return was_troubled
