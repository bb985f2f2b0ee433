"""The event ``task-sent``, told by callers if ``task_send_sent_event`` says so."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Sequence

from horarium.app import telling
from horarium.app.connection import Connection
from horarium.app.journalist import Journalist
from horarium.clock import Instant, Seconds
from horarium.message import Message

JOURNAL_WITHIN: Seconds = 1.0  # how long the last events may take at the end


class SentEvents:
    """One for each app; nothing begins before the first event."""

    def __init__(self, connection: Connection, show: Callable[[Message], Message]) -> None:
        self._connection = connection
        self._show = show  # returns a message as people may see it
        self._journalist: Journalist | None = None

    def tell(self, messages: Sequence[Message], origin: str, now: Instant) -> None:
        """Write an event of each message soon; never waits. ``origin`` is pid@host of the caller."""
        if self._journalist is None:
            self._journalist = Journalist(lambda: self._connection.engine)
            atexit.register(self.close)
        for message in messages:
            self._journalist.write(telling.sent(self._show(message), f"gen{origin}", now))

    def close(self) -> None:
        """Write what is left, for a second at the most. Closing twice is fine."""
        if self._journalist is not None:
            self._journalist.close(JOURNAL_WITHIN)
