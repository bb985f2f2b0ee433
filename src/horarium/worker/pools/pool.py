"""What a child expects of its pool."""

from __future__ import annotations

from typing import Protocol

from horarium.clock import Seconds
from horarium.outcome import Outcome

# How long code that was told to stop (a hard limit, a revocation) may take to do so before its child is replaced.
STUBBORN: Seconds = 2.0


class Pool(Protocol):
    """Runs deliveries until the feed stops."""

    def run(self) -> None:
        """Take and run deliveries; return when the feed has stopped and every delivery that was begun is settled."""
        ...

    def end(self, id: str, outcome: Outcome, text: str) -> bool:
        """End what runs under this id with an outcome, and its code if that is possible; False when it is not running
        here. Safe from every thread."""
        ...

    def resize(self, slots: int) -> None:
        """Run so many deliveries at a time from now on, as far as there are rows for them; what runs goes on. Safe
        from every thread."""
        ...

    def wake(self) -> None:
        """Let it see that the feed has stopped. Safe from every thread."""
        ...
