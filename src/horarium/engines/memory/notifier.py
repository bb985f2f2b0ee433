"""Hints between the threads of one process."""

from __future__ import annotations

import queue
import threading
from collections.abc import Collection

from horarium.clock import Seconds


class MemoryNotifier:
    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards _listeners
        self._listeners: set[MemoryListener] = set()

    def notify(self, topics: Collection[str]) -> None:
        with self._lock:
            listeners = [listener for listener in self._listeners if not listener.topics.isdisjoint(topics)]
        for listener in listeners:
            listener.wake()

    def listen(self, topics: Collection[str]) -> MemoryListener:
        listener = MemoryListener(self, topics)
        with self._lock:
            self._listeners.add(listener)
        return listener

    def leave(self, listener: MemoryListener) -> None:
        with self._lock:
            self._listeners.discard(listener)


class MemoryListener:
    """One waiter. A SimpleQueue carries the hints because its put() may be called from a signal handler, even from
    one that interrupts its get(); an Event's set() may not."""

    def __init__(self, notifier: MemoryNotifier, topics: Collection[str]) -> None:
        self.topics = frozenset(topics)
        self._notifier = notifier
        self._hints: queue.SimpleQueue[None] = queue.SimpleQueue()

    def wait(self, timeout: Seconds) -> bool:
        try:
            self._hints.get(timeout=max(0.0, timeout))
        except queue.Empty:
            return False
        while not self._hints.empty():  # we are the only reader, so what is there now can be taken
            self._hints.get_nowait()
        return True

    def wake(self) -> None:
        if self._hints.empty():  # one hint says all
            self._hints.put(None)

    def fileno(self) -> int | None:
        return None

    def close(self) -> None:
        """Hear no more. Closing twice is fine."""
        self._notifier.leave(self)
