"""The memory engine: one process, one lock, plain dicts. It lives and dies with its process.

It is the double of every test and the oracle of the model test, so it is written to be read, not to be fast: each verb
holds the lock from its first line to its last, and that alone makes it atomic.
"""

from __future__ import annotations

from horarium.clock import Clock, Instant, SystemClock
from horarium.engines.memory.inspector import MemoryInspector
from horarium.engines.memory.notes import MemoryJournal, MemoryNotes
from horarium.engines.memory.notifier import MemoryNotifier
from horarium.engines.memory.queue import MemoryQueue
from horarium.engines.memory.results import MemoryResults
from horarium.engines.memory.schedules import MemorySchedules
from horarium.engines.memory.series import MemorySeries
from horarium.engines.memory.store import Store
from horarium.engines.records import Capabilities
from horarium.message import Message
from horarium.outcome import Run


class MemoryEngine:
    """An engine of this process alone; two of them share nothing. ``clock`` is the store's clock."""

    url = "memory://"
    capabilities = Capabilities(name="memory", durable=False, shared=False, many_hosts=False)

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self.notifier = MemoryNotifier()
        store = self._store = Store(self.notifier.notify)
        self.queue = MemoryQueue(store)
        self.results = MemoryResults(store)
        self.schedules = MemorySchedules(store)
        self.notes = MemoryNotes(store)
        self.journal = MemoryJournal(store)
        self.series = MemorySeries(store)
        self.inspector = MemoryInspector(store, self._clock)

    def now(self) -> Instant:
        return self._clock.now()

    def check(self) -> None:
        """There is nothing that could be broken."""

    def sent(self) -> list[tuple[Message, Run]]:
        """Return all that is stored, in the order in which it was put: the message as it was then (a retry may have
        changed it since), and its run as it is now. For tests."""
        with self._store.lock:
            return [(entry.first or entry.message, entry.run) for entry in self._store.entries.values()]

    def weaknesses(self) -> tuple[str, ...]:
        return ()  # what it is, its capabilities say

    def close(self) -> None:
        """There is nothing to let go of; what is stored stays as long as somebody holds the engine."""
