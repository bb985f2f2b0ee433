"""The streams of open pages: how many one browser may have, and that each carries what is its looker's own."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable

from sse_starlette import ServerSentEvent

from horarium.dashboard.access.secret import masked, new_secret
from horarium.dashboard.person import Person, Role

MOST = 5  # of one session: browsers open six connections to a host, and one must be left
MOST_OF_ALL = 500  # half of the connections that `horarium web` has room for: whoever logs in often leaves the rest


class Streams:
    """All streams of one dashboard. Used by one event loop.

    All of one role who look at the same share one rendering; ``mark`` stands in it for the proof that each has for
    changes.
    """

    def __init__(self) -> None:
        self.mark = new_secret()
        self._open: Counter[str] = Counter()  # by who looks

    def looker(self, role: Role) -> Person:
        """Return whom a shared rendering is made for: somebody of this role without a name, so that none is in it."""
        return Person(name="", role=role, via="", csrf=self.mark)

    def is_full(self, who: str) -> bool:
        return self._open[who] >= MOST or self._open.total() >= MOST_OF_ALL

    async def counted(self, who: str, events: AsyncIterator[ServerSentEvent]) -> AsyncGenerator[ServerSentEvent]:
        """Pass on the events, counted as a stream of theirs until it ends; none if those that asked in the same
        moment have taken the last one: a stream is counted from its first event on, not from the question."""
        if self.is_full(who):
            return
        self._open[who] += 1
        try:
            async for event in events:
                yield event
        finally:
            self._open[who] -= 1
            self._open += Counter()  # forgets those at nought

    async def sealed(
        self, person: Person, is_welcome: Callable[[], bool], events: AsyncIterator[ServerSentEvent]
    ) -> AsyncGenerator[ServerSentEvent]:
        """Pass on the events with this person's own proof in them, as long as they may see them. ``is_welcome`` is
        asked in a thread, for each event that shows something."""
        async for event in events:
            if event.event is None and not await asyncio.to_thread(is_welcome):
                return  # what tells of the store's absence passes: it says nothing else
            event.data = str(event.data).replace(self.mark, masked(person.csrf))
            yield event
