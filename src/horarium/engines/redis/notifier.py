"""Hints between hosts: Redis's own publish and subscribe.

Each topic is a channel, and each listener has one of its own besides, its ear. A claim that found nothing leaves the
ear of its process in the store (lua/claim.lua), and whoever puts a message wakes as many ears as there are messages
(lua/parts/lines.lua): one idle child instead of all, and nobody at all while everybody is busy.
"""

from __future__ import annotations

import os
import select
import threading
import weakref
from collections.abc import Collection, Sequence
from contextlib import suppress
from random import Random

from redis.connection import Connection

from horarium.clock import Clock, Seconds
from horarium.engines.records import QUEUE_TOPIC
from horarium.engines.redis.connection import Store
from horarium.engines.redis.tokens import Tokens
from horarium.errors import EngineError
from redis import exceptions

FIRST_PAUSE: Seconds = 0.1  # before the channels are subscribed to anew, doubled up to
LAST_PAUSE: Seconds = 20.0
# A peer that vanished without a word is not noticed by one who only listens: so he asks, and gives up the silent.
PING_EVERY: Seconds = 15.0
ANSWER_WITHIN: Seconds = 5.0


class RedisNotifier:
    def __init__(self, store: Store, clock: Clock, random: Random) -> None:
        self._store = store
        self._clock = clock
        self._random = random  # jitter only
        self._tokens = Tokens()
        self._pid = os.getpid()
        self._lock = threading.Lock()  # guards _listeners
        self._listeners: weakref.WeakSet[RedisListener] = weakref.WeakSet()
        self._ears: dict[tuple[str, ...], weakref.ref[RedisListener]] = {}

    def notify(self, topics: Collection[str]) -> None:
        for topic in topics:
            with suppress(EngineError):  # a hint: whoever waits looks by itself now and then
                self._store.ask("PUBLISH", f"{self._store.prefix}t:{topic}", "1")

    def listen(self, topics: Collection[str]) -> RedisListener:
        listener = RedisListener(self._store, self._tokens.take(), topics, self._clock, self._random)
        self._notice_fork()
        with self._lock:
            self._listeners.add(listener)
        return listener

    def ear(self, queues: Sequence[str]) -> str:
        """Return the channel of a listener of this process that waits for one of the queues, '' if none does."""
        self._notice_fork()
        key = tuple(queues)
        known = self._ears.get(key)
        listener = None if known is None else known()
        if listener is None or listener.is_closed:
            wanted = {QUEUE_TOPIC + queue for queue in queues}
            open = (each for each in self._all() if not each.is_closed and not each.topics.isdisjoint(wanted))
            listener = next(open, None)
            if listener is None:
                return ""
            self._ears[key] = weakref.ref(listener)
        return listener.channel

    def close(self) -> None:
        """Close this process's listeners."""
        self._notice_fork()
        for listener in self._all():
            listener.close()

    def _all(self) -> list[RedisListener]:
        with self._lock:
            return list(self._listeners)

    def _notice_fork(self) -> None:
        """In a forked child, leave the parent's listeners and lock to the parent."""
        if self._pid != os.getpid():
            self._pid, self._lock = os.getpid(), threading.Lock()
            self._listeners, self._ears = weakref.WeakSet(), {}


class RedisListener:
    """One waiter. While it is not connected a wait is only a wait, and now and then it tries to connect again."""

    def __init__(self, store: Store, channel: str, topics: Collection[str], clock: Clock, random: Random) -> None:
        self.topics = frozenset(topics)
        self.channel = f"{store.prefix}e:{channel}"
        self._store = store
        self._clock = clock
        self._random = random
        self._channels = [self.channel, *(f"{store.prefix}t:{topic}" for topic in topics)]
        self._reader, self._writer = os.pipe()
        for end in (self._reader, self._writer):
            os.set_blocking(end, False)
        self._pid = os.getpid()
        self._closing = threading.Lock()  # guards is_closed against a second close
        self.is_closed = False
        self._connection: Connection | None = None
        self._failures = 0
        self._try_at: Seconds = 0.0
        self._heard_at: Seconds = 0.0
        self._asked_at: Seconds = 0.0
        self._connect()

    def wait(self, timeout: Seconds) -> bool:
        give_up = self._clock.monotonic() + timeout
        while not self.is_closed:
            now = self._clock.monotonic()
            self._probe(now)
            if self._connection is None and now >= self._try_at and self._connect():
                return True  # what was told meanwhile is lost: look
            pause = max(0.0, give_up - now)
            if self._connection is None:
                pause = min(pause, max(0.0, self._try_at - now))
            if self._hear(min(pause, ANSWER_WITHIN)):
                return True
            if self._clock.monotonic() >= give_up:
                return False
        return False

    def wake(self) -> None:
        with suppress(OSError):  # full: a byte is there already; closed: nobody waits
            os.write(self._writer, b"w")

    def fileno(self) -> int | None:
        return None  # the socket changes when the connection breaks

    def close(self) -> None:
        """Hear no more. Closing twice is fine."""
        with self._closing:
            if self.is_closed:
                return
            self.is_closed = True
        if self._pid == os.getpid():  # the pipe is shared with a child that a fork has made
            self.wake()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.disconnect()

    def __del__(self) -> None:
        with suppress(AttributeError, OSError):  # not fully made, or the interpreter is ending
            self.close()
            # Only here: a late wake, or a wait in another thread, must not meet a stranger under the pipe's numbers.
            for end in (self._reader, self._writer):
                os.close(end)

    def _connect(self) -> bool:
        """Subscribe; tell whether that was done. Does not raise: without hints work only starts later."""
        try:
            connection = self._store.connect()
            connection.send_packed_command(connection.pack_command("SUBSCRIBE", *self._channels), check_health=False)
            for _ in self._channels:
                connection.read_response()
        except (EngineError, exceptions.RedisError):
            self._lose()
            return False
        self._connection, self._failures = connection, 0
        self._heard_at = self._clock.monotonic()
        return True

    def _lose(self) -> None:
        """Let a broken connection go; the next try comes after a pause with full jitter."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.disconnect()
        longest = min(LAST_PAUSE, FIRST_PAUSE * 2**self._failures)
        self._failures = min(self._failures + 1, 10)
        self._try_at = self._clock.monotonic() + self._random.uniform(0, longest)

    def _hear(self, pause: Seconds) -> bool:
        """Wait for a hint or a wake; take all that have come."""
        connection = self._connection
        try:
            if connection is None or not connection.can_read(0):
                poll = select.poll()
                poll.register(self._reader, select.POLLIN)
                socket = None if connection is None else connection._sock  # redis-py has no public way to it
                if socket is not None:
                    poll.register(socket, select.POLLIN)
                ready = {descriptor for descriptor, _ in poll.poll(pause * 1000)}
            else:
                ready = set()
            woken = self._drain_pipe()
            return self._drain_socket() or woken or self._reader in ready
        except (exceptions.RedisError, OSError, ValueError):  # the server is gone, or another thread has closed us
            if not self.is_closed:
                self._lose()
            return False

    def _drain_pipe(self) -> bool:
        try:
            return bool(os.read(self._reader, 4096))
        except OSError:  # empty
            return False

    def _drain_socket(self) -> bool:
        """Read what has come; tell whether a hint was among it (a pong is none)."""
        heard = False
        connection = self._connection
        while connection is not None and connection.can_read(0):
            answer = connection.read_response()
            self._heard_at = self._clock.monotonic()
            heard = heard or (isinstance(answer, list) and answer[0] == b"message")
        return heard

    def _probe(self, now: Seconds) -> None:
        """Ask a silent server whether it is still there; one that does not answer is given up."""
        connection = self._connection
        if connection is None:
            return
        if self._asked_at > self._heard_at:
            if now - self._asked_at >= ANSWER_WITHIN:
                self._lose()
        elif now - self._heard_at >= PING_EVERY:
            self._asked_at = now
            try:
                connection.send_packed_command(connection.pack_command("PING"), check_health=False)
            except exceptions.RedisError:
                self._lose()
