"""An app on an empty store in memory, with time that stands still until the test moves it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from horarium.app.app import Horarium
from horarium.clock import ManualClock
from horarium.engines.memory import MemoryEngine


@contextmanager
def isolated(app: Horarium) -> Iterator[ManualClock]:
    """Put the app on a store of its own for the length of a ``with`` block; give the clock that moves its time.

    Its real store is neither opened nor touched. The clock starts at 2026-01-01 00:00 UTC.
    """
    clock = ManualClock()
    with app.connection.replaced(MemoryEngine(clock=clock), clock):
        yield clock
