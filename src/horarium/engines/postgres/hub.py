"""One connection that listens for all listeners of a process, and the thread that reads it.

A channel is *armed* while this connection holds its advisory lock: only then do others send a NOTIFY to it. A channel
all of whose members have a hint that they have not looked at yet needs no more: it is disarmed when one comes all the
same, and armed again before the first of them looks. So nobody is told what he knows, and a busy worker nothing at all.
"""

from __future__ import annotations

import os
import select
import threading
from contextlib import suppress

import psycopg

from horarium.clock import Seconds
from horarium.engines.postgres.connection import Store
from horarium.engines.postgres.session import Session
from horarium.engines.postgres.sql import array
from horarium.engines.postgres.topics import Topics
from horarium.errors import EngineError

FIRST_PAUSE: Seconds = 0.1  # between two tries to connect, at the most; doubled each time, with full jitter
LAST_PAUSE: Seconds = 10.0
HEARTBEAT: Seconds = 15.0  # a connection on which nothing came for so long is asked for a sign of life


class Member:
    """A listener as its hub knows it. ``is_hinted``: it has a byte in its pipe and has not looked yet."""

    def __init__(self, channels: frozenset[str], pipe: int) -> None:
        self.channels = channels
        self.pipe = pipe
        self.is_hinted = False
        self.is_attending = False  # about to look: its channels must be armed first

    def hint(self) -> None:
        if not self.is_hinted:
            self.is_hinted = True
            with suppress(BlockingIOError):  # full of wakes: it will look anyway
                os.write(self.pipe, b"n")


class Hub:
    """The members, what is listened to for them, and the thread that does it. ``_changed`` guards all of it."""

    def __init__(self, store: Store, topics: Topics) -> None:
        self._store = store
        self._space = topics.space
        self._topics = topics
        self._pid = os.getpid()
        self._changed = threading.Condition()
        self._members: set[Member] = set()
        self._listened: set[str] = set()
        self._armed: set[str] = set()
        self._useless: set[str] = set()  # channels on which something came that all had been told before
        self._asked = 0  # how often somebody asked for a change, and how many of these are served
        self._served = 0
        self._is_connected = False
        self._stop = threading.Event()
        self._poke = os.pipe()
        for fd in self._poke:
            os.set_blocking(fd, False)
        self._thread = threading.Thread(target=self._run, name="horarium-postgres-listener", daemon=True)
        self._thread.start()

    def join(self, member: Member) -> None:
        """Take a member in; when this returns, what is notified from now on reaches it, if the store can be reached."""
        with self._changed:
            self._members.add(member)
            self._ask()

    def attend(self, member: Member) -> None:
        """Note that a member looks now: what is notified from here on is to be told to it anew."""
        if self._pid != os.getpid():
            return
        with self._changed:
            if self._is_connected and not member.channels <= self._armed:
                member.is_attending = True
                self._ask()
                member.is_attending = False
            member.is_hinted = False

    def leave(self, member: Member) -> None:
        if self._pid != os.getpid():
            return  # a fork's copy: nobody reads for it, and its lock may be held by a thread that is not there
        with self._changed:
            self._members.discard(member)
            self._asked += 1
        self._prod()

    def close(self) -> None:
        """End the thread and the connection."""
        self._stop.set()
        self._prod()
        self._thread.join()
        for fd in self._poke:
            os.close(fd)

    def _ask(self) -> None:
        """Have the connection brought in line with the members, and wait until it is, or cannot be."""
        self._asked += 1
        ticket = self._asked
        self._prod()
        self._changed.wait_for(lambda: self._served >= ticket, self._store.patience)

    def _prod(self) -> None:
        with suppress(OSError):  # full: it is awake already; closed: it has ended
            os.write(self._poke[1], b"p")

    # The thread.

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            try:
                session = self._store.open()
            except EngineError:
                failures += 1
            else:
                try:
                    self._serve(session, is_anew=failures > 0)
                except psycopg.Error:
                    failures = 1
                finally:
                    session.close()
            self._part()
            if failures:
                most = min(LAST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures, 20))
                self._stop.wait(self._store.random.uniform(0, most))

    def _serve(self, session: Session, *, is_anew: bool) -> None:
        """Listen until the connection breaks or the hub is closed. ``is_anew``: hints may have been missed before."""
        session.add_notify_handler(lambda notify: self._hear(notify.channel))
        self._fit(session)
        with self._changed:
            self._is_connected = True
            if is_anew:
                for member in self._members:
                    member.hint()
        poll = select.poll()
        poll.register(self._poke[0], select.POLLIN)
        poll.register(session.pgconn.socket, select.POLLIN)
        heard = self._store.clock.monotonic()
        while not self._stop.is_set():
            ready = {fd for fd, _ in poll.poll(HEARTBEAT * 1000)}
            if session.pgconn.socket in ready:
                heard = self._store.clock.monotonic()
                self._read(session)
            if self._poke[0] in ready:
                with suppress(BlockingIOError):
                    os.read(self._poke[0], 4096)
            if self._store.clock.monotonic() - heard >= HEARTBEAT:
                heard = self._store.clock.monotonic()
                session.execute("SELECT 1")
            self._fit(session)

    def _read(self, session: Session) -> None:
        session.pgconn.consume_input()
        while (notify := session.pgconn.notifies()) is not None:
            self._hear(notify.relname.decode())

    def _hear(self, channel: str) -> None:
        """Hint to the members of a channel that have no hint yet."""
        with self._changed:
            unaware = [member for member in self._members if channel in member.channels and not member.is_hinted]
            for member in unaware:
                member.hint()
            if not unaware:
                self._useless.add(channel)

    def _fit(self, session: Session) -> None:
        """Bring the connection in line with the members."""
        with self._changed:
            ticket = self._asked
            wanted = {channel for member in self._members for channel in member.channels}
            unaware = {
                channel
                for member in self._members
                if member.is_attending or not member.is_hinted
                for channel in member.channels
            }
            listen, unlisten = wanted - self._listened, self._listened - wanted
            arm = unaware - self._armed
            disarm = self._armed & ((self._useless - unaware) | unlisten)
            self._useless.clear()
            self._armed -= disarm
        for channel in listen:
            session.execute(f"LISTEN {channel}")  # of our own making, see Topics
        for channel in unlisten:
            session.execute(f"UNLISTEN {channel}")
        self._lock(session, "pg_advisory_lock_shared", arm)
        self._lock(session, "pg_advisory_unlock_shared", disarm)
        with self._changed:
            self._listened = wanted
            self._armed |= arm
            self._served = ticket
            self._changed.notify_all()

    def _lock(self, session: Session, verb: str, channels: set[str]) -> None:
        if channels:
            keys = array(self._topics.key_of(channel) for channel in channels)
            session.execute(
                f"SELECT {verb}(%s::integer, key) FROM unnest(%s::integer[]) AS key",
                (str(self._space), keys),
            )

    def _part(self) -> None:
        """Note that nothing is listened to; whoever waits for the connection need not any more."""
        with self._changed:
            self._is_connected = False
            self._listened, self._armed = set(), set()
            self._served = self._asked
            self._changed.notify_all()
