"""Writes to the store's journal from a thread of its own, so that whoever tells something never waits for it.

What is told while the last entries are on their way goes along with the next ones. When the store is away or too slow,
the oldest that wait are dropped: events are for people who watch, and the truth is in the runs.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Mapping
from threading import Event, Lock, Thread
from typing import Any

import msgspec
from msgspec import Raw

from horarium.app.telling import EVENT_TOPIC
from horarium.clock import Seconds
from horarium.engines.protocol import Engine
from horarium.errors import EngineError

MOST_WAITING = 10_000  # as many as the journal keeps
BATCH = 500
PAUSE: Seconds = 0.05  # between two writes: each is a transaction, beside those of the tasks
PAUSE_AFTER_TROUBLE: Seconds = 1.0


class Journalist:
    """One for each process; its thread begins with the first entry, and anew after a fork."""

    def __init__(self, engine: Callable[[], Engine]) -> None:
        self._engine = engine
        self._begin()

    def write(self, entry: Mapping[str, Any]) -> None:
        """Have an entry written soon. Never waits and never raises."""
        if self._pid != os.getpid():
            self._begin()
        if len(self._waiting) == MOST_WAITING:
            self.dropped += 1
        self._waiting.append(entry)
        if self._thread is None:
            self._start()
        self._wake.set()

    def close(self, timeout: Seconds) -> None:
        """Write what waits, for so long at the most, and end the thread. It begins anew with the next entry."""
        thread = self._thread
        if thread is None or self._pid != os.getpid():
            return
        self._is_closing = True
        self._wake.set()
        self._pause.set()
        thread.join(timeout)
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._lock = Lock()  # guards _thread
        self._thread: Thread | None = None
        self._waiting: deque[Mapping[str, Any]] = deque(maxlen=MOST_WAITING)
        self._wake = Event()
        self._pause = Event()  # set: pause no more
        self._is_closing = False
        self.dropped = 0

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = Thread(target=self._run, name="horarium-journal", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        waiting, wake, pause = self._waiting, self._wake, self._pause
        while True:
            wake.wait()
            wake.clear()
            while waiting:
                was_written = self._write_some(waiting)
                if self._is_closing and not was_written:
                    return
                pause.wait(PAUSE if was_written else PAUSE_AFTER_TROUBLE)
            if self._is_closing:
                return

    def _write_some(self, waiting: deque[Mapping[str, Any]]) -> bool:
        entries = [waiting.popleft() for _ in range(min(BATCH, len(waiting)))]
        try:
            engine = self._engine()
            engine.journal.append([Raw(msgspec.json.encode(entry)) for entry in entries], now=engine.now())
            engine.notifier.notify([EVENT_TOPIC])
        except EngineError:
            room = MOST_WAITING - len(waiting)
            self.dropped += max(0, len(entries) - room)
            waiting.extendleft(reversed(entries[-room:] if room else []))
            return False
        return True
