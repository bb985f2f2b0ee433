"""Hints by LISTEN and NOTIFY. The engine's verbs send them themselves, behind their commits; see sql/announce.sql.

All listeners of a process share one connection, read by a thread of its own (``hub``): a connection that nobody reads
would in time fill up and block the server's queue of notifications for everybody.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Collection
from contextlib import suppress

from horarium.clock import Seconds
from horarium.engines.postgres.connection import Store
from horarium.engines.postgres.hub import Hub, Member
from horarium.engines.postgres.topics import Topics
from horarium.errors import EngineUnavailable


class PostgresNotifier:
    def __init__(self, store: Store, topics: Topics) -> None:
        self._store = store
        self._topics = topics
        self._hub: Hub | None = None
        self._pid = 0
        self._lock = threading.Lock()  # guards _hub

    def notify(self, topics: Collection[str]) -> None:
        """Wake whoever waits for one of the topics. if the store cannot be reached the hint is lost."""
        if topics:
            with suppress(EngineUnavailable):
                self._store.carry_out(lambda db, again: self._topics.announce(db, topics))

    def listen(self, topics: Collection[str]) -> PostgresListener:
        channels = [self._topics.topic(topic).channel for topic in topics]
        return PostgresListener(self._hub_of_this_process(), channels)

    def close(self) -> None:
        """Close this process's connection; its listeners hear no more."""
        if self._pid != os.getpid():
            return  # the hub, if there is one, is the parent's
        with self._lock:
            hub, self._hub = self._hub, None
        if hub is not None:
            hub.close()

    def _hub_of_this_process(self) -> Hub:
        if self._pid != os.getpid():  # after a fork: the parent's hub and lock stay with the parent
            self._lock = threading.Lock()
            self._pid, self._hub = os.getpid(), None
        with self._lock:
            if self._hub is None:
                self._hub = Hub(self._store, self._topics)
            return self._hub


class PostgresListener:
    """One waiter: a pipe into which the hub, or ``wake``, writes a byte."""

    def __init__(self, hub: Hub, channels: Collection[str]) -> None:
        self._hub = hub
        self._closing = threading.Lock()  # guards _fds against a second close
        self._fds = list(os.pipe())
        for fd in self._fds:
            os.set_blocking(fd, False)
        self._member = Member(frozenset(channels), self._fds[1])
        hub.join(self._member)

    def wait(self, timeout: Seconds) -> bool:
        if not self._fds:
            return False
        poll = select.poll()
        poll.register(self._fds[0], select.POLLIN)
        if not poll.poll(max(0.0, timeout) * 1000):
            return False
        with suppress(BlockingIOError, IndexError):  # emptied; or closed by another thread, which ended the wait
            while len(os.read(self._fds[0], 4096)) == 4096:
                pass
        self._hub.attend(self._member)  # before the caller looks at its queues: what comes later is told again
        return True

    def wake(self) -> None:
        with suppress(OSError, IndexError):  # full: a byte is there already; closed: nobody waits
            os.write(self._fds[1], b"w")

    def fileno(self) -> int | None:
        return self._fds[0] if self._fds else None

    def close(self) -> None:
        """Hear no more. Closing twice is fine."""
        with self._closing:
            fds, self._fds = self._fds, []
        if fds:
            self._hub.leave(self._member)
        for fd in fds:
            os.close(fd)

    def __del__(self) -> None:
        with suppress(AttributeError, OSError):  # not fully made, or the interpreter is ending
            self.close()
