"""Places for reads that take long (searches, exports, questions to workers): a few at once, and fewer of one person.

Each holds a thread, and there are not many: without this, one viewer with a script could keep everybody waiting.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from horarium.clock import Seconds

AT_ONCE = 3  # asyncio has six threads on two cores, and pages, changes and live blocks need some
EACH = 2  # of one person
PATIENCE: Seconds = 5.0  # a browser that opens several tabs at once gets them all
MOST_WAITING = 30
RETRY_AFTER = 5  # seconds


class Busy(Exception):
    """No place has become free in time. ``is_own``: all that this person may have are theirs already."""

    def __init__(self, *, is_own: bool) -> None:
        super().__init__("no place for another long read")
        self.is_own = is_own
        self.status = 429 if is_own else 503
        self.text = f"{'you have' if is_own else 'others have'} asked for as much as is looked up at once"
        self.hint = f"wait until something of it is there, or {RETRY_AFTER} s"


class Places:
    """All places of one dashboard, of one kind. Used by one event loop."""

    def __init__(self, at_once: int = AT_ONCE, each: int = EACH) -> None:
        self._at_once = at_once
        self._each = each
        self._taken: Counter[str] = Counter()  # by who reads
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []  # who came first goes first

    @asynccontextmanager
    async def place(self, who: str) -> AsyncIterator[None]:
        """Have a place for the length of a block. Raises: Busy."""
        await self._take(who)
        try:
            yield
        finally:
            self._taken[who] -= 1
            self._taken += Counter()  # forgets those at nought
            self._call_next()

    async def _take(self, who: str) -> None:
        if self._is_free_for(who):
            self._taken[who] += 1
            return
        if len(self._waiting) >= MOST_WAITING or sum(each == who for each, _ in self._waiting) >= MOST_WAITING // 3:
            raise self._refusal(who)
        turn = who, asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await asyncio.wait_for(asyncio.shield(turn[1]), PATIENCE)
        except TimeoutError:
            if not turn[1].done():
                raise self._refusal(who) from None
        except asyncio.CancelledError:
            if turn[1].done():
                self._taken[who] -= 1
                self._call_next()
            raise
        finally:
            if turn in self._waiting:
                self._waiting.remove(turn)

    def _is_free_for(self, who: str) -> bool:
        return self._taken.total() < self._at_once and self._taken[who] < self._each

    def _call_next(self) -> None:
        for turn in list(self._waiting):
            who, called = turn
            if self._is_free_for(who):
                self._taken[who] += 1
                self._waiting.remove(turn)
                called.set_result(None)

    def _refusal(self, who: str) -> Busy:
        return Busy(is_own=self._taken[who] >= self._each)
