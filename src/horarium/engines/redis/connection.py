"""Connections to one Redis server: taken for one call and given back, none across a fork, each wait bounded in time.

The rooms beside this one say ``store.call(script, arguments)`` and get the answer; what they never see is a socket, a
fork or an exception of redis-py's. Trouble is translated here, once. Every script may be sent twice (its header says
why), so a call whose connection turns out dead is made once more on a fresh one.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

from hiredis import pack_command
from redis.connection import Connection

from horarium.clock import Clock, Instant, RemoteClock, Seconds
from horarium.engines.redis.address import Address
from horarium.engines.redis.lua import SCRIPTS
from horarium.engines.redis.trouble import moved_to, translate
from horarium.errors import EngineUnavailable, StoreUnusable
from redis import exceptions

Argument: TypeAlias = str | bytes | int | float
Answer: TypeAlias = Any  # what a script returns: bytes, int, None, or a list of these; each caller knows its own

OLDEST_VERSION = (6, 2)
READ_CLOCK_EVERY: Seconds = 5.0
FIRST_READINGS = 3  # the quickest of them counts
IDLE_KEPT = 16  # connections kept open while nobody uses them


class Store:
    """The way to the server. Safe to use from any thread, and after a fork from the child."""

    def __init__(self, address: Address, clock: Clock) -> None:
        self.address = address
        self.prefix = f"{{{address.namespace}}}:"  # one hash tag: all keys lie in one slot of a cluster
        self._clock = clock
        self._open = address.open
        self._pid = os.getpid()
        self._idle: deque[Connection] = deque()  # its operations are atomic
        self._greeted = False
        self._lock = threading.Lock()  # guards _time and _unread_since
        self._time = RemoteClock(clock)
        self._unread_since: Seconds = float("-inf")  # when the clock could not be read, by the monotonic one

    def call(self, name: str, arguments: Sequence[Argument] = ()) -> Answer:
        """Carry out a script. Raises: EngineUnavailable, StoreUnusable."""
        return self.use(lambda connection: self.evaluate(connection, name, arguments))

    def ask(self, *words: Argument) -> Answer:
        """Carry out one command. Raises: EngineUnavailable, StoreUnusable."""
        return self.use(lambda connection: _exchange(connection, words))

    def use(self, act: Callable[[Connection], Answer]) -> Answer:
        """Do something with a connection; once more with a fresh one if it breaks."""
        connection = self._take()
        try:
            answer = act(connection)
        except exceptions.TimeoutError as error:
            connection.disconnect()
            raise translate(error, self.address.url) from error
        except exceptions.ConnectionError as error:
            connection.disconnect()
            if isinstance(error, exceptions.AuthenticationError | exceptions.BusyLoadingError):
                raise translate(error, self.address.url) from error
            return self._use_fresh(act)
        except exceptions.RedisError as error:
            self._after_refusal(connection, error)
            moved = moved_to(error)
            if moved is None:
                raise translate(error, self.address.url) from error
            self._open = self.address.retarget(*moved)
            return self._use_fresh(act)
        except BaseException:
            connection.disconnect()  # an answer may still be under way: nobody else must read it
            raise
        self._give_back(connection)
        return answer

    def evaluate(self, connection: Connection, name: str, arguments: Sequence[Argument]) -> Answer:
        """Carry out a script by a connection that ``use`` has given."""
        script = SCRIPTS[name]
        try:
            return _exchange(connection, ("EVALSHA", script.digest, 1, self.prefix, *arguments))
        except exceptions.NoScriptError:  # a server that has just started, or was told to flush its scripts
            return _exchange(connection, ("EVAL", script.text, 1, self.prefix, *arguments))

    def connect(self) -> Connection:
        """Open a connection of the caller's own. Raises: EngineUnavailable, StoreUnusable."""
        try:
            connection = self._open()
            connection.connect()
            if not self._greeted:
                self._greet(connection)
        except exceptions.RedisError as error:
            raise translate(error, self.address.url) from error
        except OSError as error:  # a name that does not resolve, for one
            raise EngineUnavailable(f"expected the store {self.address.url} to answer, got: {error}") from error
        return connection

    def now(self) -> Instant:
        """Read the server's clock: anew after some seconds, and in between carried on by this host's monotonic one.

        Raises: EngineUnavailable when it was never read; otherwise what was read last is good enough for a while. A
        server that is frozen is waited for once in that time: not before each of the things that somebody asks of it.
        """
        self._notice_fork()  # another thread may have held the lock in the moment of the fork
        with self._lock:
            age = self._time.age
            if age is None:
                for _ in range(FIRST_READINGS):
                    self._read_clock()
            elif age >= READ_CLOCK_EVERY and self._clock.monotonic() - self._unread_since >= READ_CLOCK_EVERY:
                try:
                    self._read_clock()
                except EngineUnavailable:
                    self._unread_since = self._clock.monotonic()
            return self._time.now()

    def _read_clock(self) -> None:
        sent = self._clock.monotonic()
        seconds, microseconds = self.ask("TIME")
        self._time.note(int(seconds) * 1000 + int(microseconds) / 1000, sent=sent, received=self._clock.monotonic())

    def close(self) -> None:
        """Close what is not in use; it is opened again when needed."""
        with suppress(IndexError):
            while True:
                self._idle.pop().disconnect()

    def _take(self) -> Connection:
        self._notice_fork()
        try:
            return self._idle.pop()
        except IndexError:
            return self.connect()

    def _notice_fork(self) -> None:
        """In a forked child, leave the parent's sockets and locks to the parent."""
        if self._pid != os.getpid():
            self._pid, self._lock, self._idle = os.getpid(), threading.Lock(), deque()

    def _use_fresh(self, act: Callable[[Connection], Answer]) -> Answer:
        self.close()  # what lies there is as old as the one that broke
        connection = self.connect()
        try:
            answer = act(connection)
        except exceptions.ConnectionError as error:
            connection.disconnect()
            raise translate(error, self.address.url) from error
        except exceptions.RedisError as error:
            self._after_refusal(connection, error)
            raise translate(error, self.address.url) from error
        except BaseException:
            connection.disconnect()
            raise
        self._give_back(connection)
        return answer

    def _after_refusal(self, connection: Connection, error: exceptions.RedisError) -> None:
        """Keep a connection that brought an error reply; but one to a master that is none any more is of no use."""
        if isinstance(error, exceptions.ReadOnlyError | exceptions.TimeoutError):
            connection.disconnect()
            self.close()
        else:
            self._give_back(connection)

    def _give_back(self, connection: Connection) -> None:
        if self._pid == os.getpid() and len(self._idle) < IDLE_KEPT:
            self._idle.append(connection)
        else:
            connection.disconnect()

    def _greet(self, connection: Connection) -> None:
        """See once whether the server is one to work with. Raises: StoreUnusable."""
        found = read_info(_exchange(connection, ("INFO", "server"))) | read_info(
            _exchange(connection, ("INFO", "memory"))
        )
        version = found.get("redis_version", "0")
        if tuple(int(part) for part in version.split(".")[:2] if part.isdecimal()) < OLDEST_VERSION:
            connection.disconnect()
            raise StoreUnusable(
                f"expected the store {self.address.url} to be Redis {'.'.join(map(str, OLDEST_VERSION))} or newer, or "
                f"Valkey, got {version}; use a newer server"
            )
        policy = found.get("maxmemory_policy", "noeviction")
        if policy != "noeviction":
            connection.disconnect()
            raise StoreUnusable(
                f"expected the store {self.address.url} to keep what it accepts, got maxmemory-policy {policy}, which "
                "drops messages when memory is short; set maxmemory-policy noeviction"
            )
        self._greeted = True


def read_info(text: bytes) -> dict[str, str]:
    """Return what INFO tells."""
    pairs = (line.partition(":") for line in text.decode(errors="replace").splitlines() if not line.startswith("#"))
    return {key: value for key, _, value in pairs}


def _exchange(connection: Connection, words: Sequence[Argument]) -> Answer:
    # Not connection.pack_command, which walks all words in Python first: half of all that packing takes.
    packed = pack_command(tuple(words))  # type: ignore[arg-type]  # its types know tuples of one word only
    connection.send_packed_command([packed], check_health=False)
    return connection.read_response()
