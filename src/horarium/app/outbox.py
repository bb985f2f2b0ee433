"""The outbox: what several threads send while one of them talks to the store goes there together, in the next call.

Nobody waits for a timer: a thread that finds the outbox idle sends at once, alone; those that come meanwhile gather,
and one of them takes them all along. To lead is only a saving: should a leader be stuck, the others go on without it,
and a message that is put twice is stored once.
"""

from __future__ import annotations

import os
from _thread import LockType, allocate_lock
from collections import deque
from collections.abc import Collection, Sequence
from threading import Lock

from horarium.app.connection import Connection
from horarium.clock import Seconds
from horarium.engines.protocol import Engine
from horarium.engines.records import QUEUE_TOPIC, Placed
from horarium.errors import EngineUnavailable
from horarium.message import Message

# SQLite with full durability, eight threads that send one by one, on a busy 2-core machine whose disk flushes in about
# 1 ms: 2,500 calls a second when each goes alone, 5,400/s together; on tmpfs 7,100/s and 8,900/s (medians of seven).
# PostgreSQL, over loopback: 1,800/s alone and 3,900/s together; Redis gains when the machine has time (best of seven:
# 7,300/s and 14,800/s). One thread by itself pays 0.9 us of CPU for it, of 11 us on the memory engine and of 80 us or
# more on any other; what it can send in a second is the same within the noise.
MOST_MESSAGES = 500  # of one call; more of them would let those who wait for its end wait longer than they save
MOST_BYTES = 1024 * 1024  # of arguments in one call of several senders
LONGEST_WAIT: Seconds = 1.0  # for a leader; then it is taken for stuck


class Outbox:
    """One for all threads of a process; made anew after a fork. ``_lock`` guards ``_leader`` and ``_waiting``."""

    _leader: object | None  # the parcel, or the messages, of whoever talks to the store
    _waiting: deque[Parcel]

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._forget_parent()

    def put(self, engine: Engine, messages: Sequence[Message], *, give_up: Seconds) -> Sequence[Placed]:
        """Store messages, all or none, perhaps together with those of other threads; one try. Return what the store
        said of each.

        Blocks for one call of the store, or for two if somebody else's is under way; no longer than until ``give_up``
        (monotonic) before its own begins. Raises: EngineUnavailable when it is unknown whether they were stored; what
        the store says against these messages. What it says against those of others is theirs.
        """
        if self._pid != os.getpid():
            self._forget_parent()
        parcel: Parcel | None = None
        with self._lock:
            if self._leader is None:
                self._leader = messages  # nobody waits either: this goes alone
            else:
                parcel = Parcel(engine, messages)
                self._waiting.append(parcel)
        if parcel is not None:
            return self._put_with_others(parcel, give_up)
        try:
            return put_now(engine, messages)
        finally:
            with self._lock:
                self._pass_on(messages)

    def _put_with_others(self, parcel: Parcel, give_up: Seconds) -> Sequence[Placed]:
        if self._wait(parcel, give_up):
            self._lead(parcel)
        if parcel.error is not None:
            raise parcel.error
        return parcel.placed

    def _wait(self, parcel: Parcel, give_up: Seconds) -> bool:
        """Wait until the parcel was sent by somebody else (False), or is to be sent from here (True)."""
        try:
            while True:
                left = give_up - self._connection.clock.monotonic()
                if parcel.wake.acquire(timeout=max(0.0, min(left, LONGEST_WAIT))):
                    return not parcel.is_done
                with self._lock:
                    if parcel in self._waiting:
                        self._waiting.remove(parcel)
                        self._leader = parcel
                        return True
                if left <= 0 and not parcel.is_done and self._leader is not parcel:
                    raise EngineUnavailable(
                        "expected the store to answer within task_publish_timeout, but the call in which another "
                        "thread sent this message has not ended; try again with the same task_id"
                    )
        except BaseException:  # also KeyboardInterrupt, and what a time limit raises
            with self._lock:
                if parcel in self._waiting:
                    self._waiting.remove(parcel)
                self._pass_on(parcel)
            raise

    def _lead(self, own: Parcel) -> None:
        """Send what is waiting by now, then let another one lead."""
        with self._lock:
            parcels = self._gather(own)
        try:
            _send(parcels)
        finally:
            others = parcels[1:]
            with self._lock:
                # What an exception has left unsent, or sent without our knowing, is sent again by its owners.
                self._waiting.extendleft(parcel for parcel in reversed(others) if not parcel.is_done)
                self._pass_on(own)
            for parcel in others:
                if parcel.is_done:
                    parcel.wake.release()

    def _gather(self, own: Parcel) -> list[Parcel]:
        """Take along what is waiting for the same store, as much as fits into one call."""
        parcels, number, size = [own], len(own.messages), own.size
        while self._waiting and self._waiting[0].engine is own.engine:
            number += len(self._waiting[0].messages)
            size += self._waiting[0].size
            if number > MOST_MESSAGES or size > MOST_BYTES:
                break
            parcels.append(self._waiting.popleft())
        return parcels

    def _pass_on(self, own: object) -> None:
        """Let the first who waits lead, if it was us who led. The caller holds the lock."""
        if self._leader is not own:
            return
        self._leader = None
        if self._waiting:
            self._leader = first = self._waiting.popleft()
            first.wake.release()

    def _forget_parent(self) -> None:
        self._pid = os.getpid()
        self._lock = Lock()
        self._leader = None
        self._waiting = deque()


class Parcel:
    """The messages of one call on their way."""

    __slots__ = ("engine", "error", "is_done", "messages", "placed", "wake")

    def __init__(self, engine: Engine, messages: Sequence[Message]) -> None:
        self.engine = engine
        self.messages = messages
        self.placed: Sequence[Placed] = ()
        self.wake: LockType = allocate_lock()  # released when it was sent, or when its thread is to lead
        self.wake.acquire()
        self.is_done = False
        self.error: Exception | None = None

    @property
    def size(self) -> int:
        """How many bytes its arguments have."""
        return sum(len(bytes(message.args)) + len(bytes(message.kwargs)) for message in self.messages)


def put_now(engine: Engine, messages: Sequence[Message]) -> list[Placed]:
    """Store messages in a call of their own, and wake the workers that wait for them."""
    topics: Collection[str] = {QUEUE_TOPIC + message.queue for message in messages}

    def wake() -> None:
        engine.notifier.notify(topics)

    return engine.queue.put(messages, now=engine.now(), visible=None if engine.capabilities.announces else wake)


def _send(parcels: Sequence[Parcel]) -> None:
    """Send parcels in one call; if something about one of them is wrong, each in a call of its own."""
    try:
        placed = put_now(parcels[0].engine, [message for parcel in parcels for message in parcel.messages])
    except EngineUnavailable as error:
        for parcel in parcels:
            parcel.error = error if parcel is parcels[0] else EngineUnavailable(str(error))
            parcel.is_done = True
    except Exception as error:  # noqa: BLE001  # whatever it is, it is raised where its message came from
        if len(parcels) == 1:
            parcels[0].error, parcels[0].is_done = error, True
            return
        for parcel in parcels:
            _send([parcel])
    else:
        for parcel in parcels:
            number = len(parcel.messages)
            parcel.placed, placed = placed[:number], placed[number:]
            parcel.is_done = True
