"""One connection to the dashboard's server, as uvicorn has it, with an end to patience.

A head must be there in time, what is sent must be taken in time, and where there is no room for another connection the
oldest that asks for nothing makes it: whoever opens many and says little keeps out nobody but their like.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

from horarium.clock import Seconds

HEAD_WITHIN: Seconds = 10.0  # from the first moment, or from the first byte of a further request
TAKEN_WITHIN: Seconds = 60.0  # for what we have sent and nobody reads
IDLE_FOR = 5  # seconds, between two requests
MOST_HEAD_BYTES = 32_768


class Wire(H11Protocol):
    """``limit_concurrency`` of the server's configuration says for how many connections there is room."""

    _awaits_head: asyncio.TimerHandle | None = None
    _awaits_reader: asyncio.TimerHandle | None = None
    _since: Seconds = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._since = self.loop.time()
        self._await_head()
        if self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        if self.is_idle:
            self._await_head()
        super().data_received(data)
        if not self.is_idle:
            self._forget_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_head()
        self.resume_writing()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._awaits_reader is None:
            self._awaits_reader = self.loop.call_later(TAKEN_WITHIN, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._awaits_reader is not None:
            self._awaits_reader.cancel()
            self._awaits_reader = None

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way."""
        return self.cycle is None or self.cycle.response_complete

    @property
    def is_ending(self) -> bool:
        return self.transport.is_closing()

    def _await_head(self) -> None:
        if self._awaits_head is None:
            self._awaits_head = self.loop.call_later(HEAD_WITHIN, self.transport.abort)

    def _forget_head(self) -> None:
        if self._awaits_head is not None:
            self._awaits_head.cancel()
            self._awaits_head = None

    def _make_room(self) -> None:
        """End the oldest connection that asks for nothing; if all others do, this one, which nobody has room for."""
        idle = [each for each in self.connections if isinstance(each, Wire) and each.is_idle and not each.is_ending]
        oldest = min(idle, key=lambda each: each._since, default=self)
        oldest.transport.abort()
