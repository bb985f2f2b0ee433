"""Pages that tell of themselves what has changed: one stream for each open page.

A page's live block is rendered anew about once a second, while somebody looks, and sent when it has changed. People
of one role who look at the same share one rendering. One block is rendered at a time, and after one that took long we
wait longer: looking, by however many, costs at most about a core of this process, and the store one reader.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from horarium.clock import Clock, Instant, Seconds
from horarium.errors import EngineUnavailable

logger = logging.getLogger("horarium.web")

EVERY: Seconds = 1.0
# Of its time that a page may be rendering. One that takes a quarter of a second is then 1.5 s behind the fact at most;
# with 0.1 it was 2.7 s, and 1.7 s on a busy machine, where the first page took 0.15 s.
SHARE = 0.2
LONGEST_PAUSE: Seconds = 10.0


class Feed:
    """One view and those who look at it. Used by one event loop."""

    def __init__(self, render: Callable[[], str], hub: Hub, clock: Clock) -> None:
        self._render = render
        self._clock = clock
        self._hub = hub
        self._news = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self.lookers = 0
        self.html: str | None = None
        self.mark = ""  # of ``html``
        self.made: Instant | None = None  # when ``html`` was last found to be so
        self.trouble: str | None = None  # why ``html`` may be old
        self.version = 0

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep(), name="horarium-live")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def wait_beyond(self, version: int) -> int:
        """Wait until there is something newer than ``version``; return its version."""
        async with self._news:
            await self._news.wait_for(lambda: self.version > version)
            return self.version

    async def _keep(self) -> None:
        while True:
            await self._hub.turn.acquire()
            began, moment = self._clock.monotonic(), self._clock.now()
            # The turn is the thread's: nobody can end that, and whoever leaves ends only the waiting for it.
            looking = asyncio.get_running_loop().run_in_executor(None, self._look)
            looking.add_done_callback(lambda _: self._hub.turn.release())
            html, trouble, is_away = await asyncio.shield(looking)
            took = self._clock.monotonic() - began
            self.made = moment if html is not None else self.made
            mark = hashlib.sha256(html.encode()).hexdigest()[:16] if html is not None else self.mark
            if mark != self.mark or trouble != self.trouble:
                async with self._news:
                    self.html, self.mark, self.trouble = html if html is not None else self.html, mark, trouble
                    self.version += 1
                    self._news.notify_all()
            if is_away and trouble is not None:
                await self._hub.tell_all(trouble)
            await asyncio.sleep(min(max(EVERY, took / SHARE), LONGEST_PAUSE))

    async def note_trouble(self, trouble: str) -> None:
        """Note that what is shown may be old, as another feed has found out."""
        if self.trouble is None:
            async with self._news:
                self.trouble = trouble
                self.version += 1
                self._news.notify_all()

    def _look(self) -> tuple[str | None, str | None, bool]:
        """Return the block, or why there is none, and whether that is the store's absence."""
        try:
            return self._render(), None, False
        except EngineUnavailable as error:
            return None, f"the store cannot be reached: {error}", True
        except Exception:  # a page that fails must not end the streams of others; it says so itself when it is loaded
            logger.exception("a live page failed")
            return None, "this page could not be made anew; reload it", False


class Hub:
    """All feeds of one dashboard."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._feeds: dict[object, Feed] = {}
        self.turn = asyncio.Semaphore(1)  # to render

    @asynccontextmanager
    async def looking(self, key: object, render: Callable[[], str]) -> AsyncIterator[Feed]:
        """Look at the feed of this key for the length of a block; the first one starts it, the last one ends it."""
        feed = self._feeds.get(key)
        if feed is None:
            feed = self._feeds[key] = Feed(render, self, self._clock)
            feed.start()
        feed.lookers += 1
        try:
            yield feed
        finally:
            feed.lookers -= 1
            if not feed.lookers:
                del self._feeds[key]
                await feed.stop()

    async def tell_all(self, trouble: str) -> None:
        """Tell everybody who looks that the store is away."""
        for feed in list(self._feeds.values()):
            await feed.note_trouble(trouble)
