"""One listener for all the coroutines of a process that wait for results.

A listener per waiting coroutine would cost a descriptor each, and a web process may have thousands of them. So one
daemon thread listens and wakes them; it runs while somebody waits.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, Thread

from horarium.clock import Seconds
from horarium.engines.protocol import Engine
from horarium.engines.records import RESULT_TOPIC

LONGEST_LISTEN: Seconds = 0.5  # also how soon the thread notices that nobody waits any more


class News:
    """What one coroutine waits on."""

    def __init__(self) -> None:
        import asyncio

        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    async def wait(self, timeout: Seconds) -> None:
        """Wait until some run has ended, or until the time is up."""
        import asyncio

        try:
            await asyncio.wait_for(self._event.wait(), timeout)
        except TimeoutError:
            return
        self._event.clear()

    def tell(self) -> None:
        """Wake the coroutine; called by the listening thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._event.set)


class ResultsWatch:
    """Wakes waiting coroutines when results arrive. Starts and stops by itself; made anew after a fork."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = Lock()  # guards _waiting, _thread, _pid and _is_closed
        self._is_closed = False
        self._waiting: set[News] = set()
        self._thread: Thread | None = None
        self._pid = os.getpid()

    @contextmanager
    def watching(self) -> Iterator[News]:
        """Give the running coroutine something to wait on."""
        news = News()
        with self._lock:
            if self._pid != os.getpid():
                self._pid, self._thread, self._waiting = os.getpid(), None, set()
            self._waiting.add(news)
            if self._thread is None:
                self._thread = Thread(target=self._listen, name="horarium-results-watch", daemon=True)
                self._thread.start()
        try:
            yield news
        finally:
            with self._lock:
                self._waiting.discard(news)

    def close(self) -> None:
        """Listen no more: the store is being closed. Whoever still waits looks by itself now and then."""
        with self._lock:
            self._is_closed = True

    def _listen(self) -> None:
        listener = self._engine.notifier.listen([RESULT_TOPIC])
        try:
            while self._anybody_waits():
                if listener.wait(LONGEST_LISTEN):
                    with self._lock:
                        waiting = list(self._waiting)
                    for news in waiting:
                        news.tell()
        finally:
            listener.close()

    def _anybody_waits(self) -> bool:
        with self._lock:
            goes_on = bool(self._waiting) and not self._is_closed
            if not goes_on:
                self._thread = None
            return goes_on
