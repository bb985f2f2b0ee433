"""``app.events``: hears what workers and callers tell, and tells more. Names and shapes are Celery's.

The store's journal carries events, the newest ten thousand of them: whoever is slower than that misses some, and is
told how often (``Receiver.missed``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol, Self, TypeAlias

import msgspec

from horarium.app import telling
from horarium.app.connection import Connection
from horarium.app.control import Control
from horarium.app.event_state import State
from horarium.app.journalist import Journalist
from horarium.app.telling import EVENT_TOPIC
from horarium.clock import Seconds
from horarium.engines.protocol import Engine

LOOK_EVERY: Seconds = 0.5  # a hint may be lost
PAGE = 500
FLUSH_WITHIN: Seconds = 5.0

Event = dict[str, Any]  # Any: JSON, under Celery's keys
Handler = Callable[[Event], object]


class Listened(Protocol):
    """An app, as far as its events know it."""

    @property
    def connection(self) -> Connection: ...
    @property
    def control(self) -> Control: ...


class Receiver:
    """Calls handlers with events, by their type; ``'*'`` hears those that have no handler of their own.

    ``channel`` and everything after ``handlers`` but ``app`` are taken and mean nothing: there is one journal.
    """

    def __init__(
        self, channel: Any = None, handlers: Mapping[str, Handler] | None = None, *_: Any, app: Listened, **__: Any
    ) -> None:
        self.app = app
        self.handlers: dict[str, Handler] = dict(handlers or {})
        self.should_stop = False
        self.missed = 0  # how often events were lost because they were not fetched in time

    def capture(self, limit: int | None = None, timeout: Seconds | None = None, wakeup: bool = True) -> None:
        """Hear events until ``should_stop`` is set, ``limit`` of them were heard, or none came for ``timeout``.

        ``wakeup``: ask all workers for a heartbeat first. Blocks. Raises: TimeoutError; EngineUnavailable; what
        handlers raise.
        """
        for _ in self.itercapture(limit, timeout, wakeup):
            pass

    def itercapture(
        self, limit: int | None = None, timeout: Seconds | None = None, wakeup: bool = True
    ) -> Iterator[None]:
        """The same, yielding after each event."""
        engine = self.app.connection.engine
        listener = engine.notifier.listen([EVENT_TOPIC])
        try:
            place = engine.journal.tail(None, 1).next
            if wakeup:
                self.wakeup_workers()
            heard = 0
            while not self.should_stop:
                events, place = self._next(engine, place)
                for event in events:
                    self.process(event["type"], event)
                    heard += 1
                    yield
                    if self.should_stop or (limit is not None and heard >= limit):
                        return
                if not events:
                    self._wait(listener, timeout, engine, place)
        finally:
            listener.close()

    def wakeup_workers(self, channel: Any = None) -> None:
        """Ask all workers for a heartbeat."""
        self.app.control.heartbeat()

    def process(self, type: str, event: Event) -> None:
        """Hand an event to its handler."""
        handler = self.handlers.get(type) or self.handlers.get("*")
        if handler is not None:
            handler(event)

    def _next(self, engine: Engine, place: str) -> tuple[list[Event], str]:
        page = engine.journal.tail(place, PAGE)
        self.missed += page.missed
        now = engine.now() / 1000
        return [{**msgspec.json.decode(entry), "local_received": now} for entry in page.entries], page.next

    def _wait(self, listener: Any, timeout: Seconds | None, engine: Engine, place: str) -> None:
        """Wait until there may be something. Raises: TimeoutError when nothing came for ``timeout``."""
        clock = self.app.connection.clock
        until = None if timeout is None else clock.monotonic() + timeout
        while not self.should_stop:
            left = LOOK_EVERY if until is None else min(LOOK_EVERY, until - clock.monotonic())
            if left > 0:
                listener.wait(left)
            if engine.journal.tail(place, 1).entries:
                return
            if until is not None and clock.monotonic() >= until:
                raise TimeoutError(f"expected an event within {timeout:g} s, none came")


class Dispatcher:
    """Tells events, from a thread of its own: ``send('task-custom', uuid=..., progress=3)``."""

    def __init__(
        self,
        connection: Any = None,
        hostname: str | None = None,
        enabled: bool = True,
        *_: Any,
        app: Listened,
        **__: Any,
    ) -> None:
        self.app = app
        self.hostname = hostname or f"gen{os.getpid()}@{os.uname().nodename}"
        self.enabled = enabled
        self._journalist = Journalist(lambda: app.connection.engine)

    def send(self, type: str, blind: bool = False, **fields: Any) -> None:
        """Tell an event; its fields must be JSON. Never waits: ``flush`` does. Raises: TypeError for what is not."""
        if not self.enabled:
            return
        told = telling.event(type, self.hostname, self.app.connection.engine.now(), **fields)
        msgspec.json.encode(told)
        self._journalist.write(told)

    def publish(self, type: str, fields: Mapping[str, Any], *_: Any, **__: Any) -> None:
        """The same with the fields as a mapping."""
        self.send(type, **fields)

    def flush(self, errors: bool = True, groups: bool = True) -> None:
        """Wait until all is written, for five seconds at the most."""
        self._journalist.close(FLUSH_WITHIN)

    def enable(self) -> None:
        self.enabled = True

    def disable(self) -> None:
        self.enabled = False

    def close(self) -> None:
        """Write what is left. Closing twice is fine."""
        self.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


_Receiver: TypeAlias = Receiver  # Events has methods of these names, which would hide them in it
_Dispatcher: TypeAlias = Dispatcher


class Events:
    """``app.events``."""

    State = State

    def __init__(self, app: Listened) -> None:
        self.app = app

    def Receiver(self, channel: Any = None, handlers: Mapping[str, Handler] | None = None, **options: Any) -> _Receiver:
        """Return what hears events; see Receiver."""
        return Receiver(channel, handlers, **{"app": self.app, **options})

    def Dispatcher(
        self, connection: Any = None, hostname: str | None = None, enabled: bool = True, *_: Any, **options: Any
    ) -> _Dispatcher:
        """Return what tells events; see Dispatcher."""
        return Dispatcher(connection, hostname, enabled, **{"app": self.app, **options})

    def default_dispatcher(
        self, hostname: str | None = None, enabled: bool = True, buffer_while_offline: bool = False
    ) -> AbstractContextManager[_Dispatcher]:
        """Return a dispatcher for the length of a ``with`` block."""
        return self.Dispatcher(None, hostname, enabled)
