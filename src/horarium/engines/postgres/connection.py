"""The connections of one process to one store: a few, shared by its threads, none across a fork.

The rooms beside this one say ``store.carry_out(work)`` and are handed a Database; what they never see is a broken
connection, a fork or an exception of psycopg's. Trouble is translated here, once.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from random import Random
from time import sleep
from typing import Any, Literal, TypeAlias, TypeVar

import psycopg
from psycopg.pq import TransactionStatus

from horarium.clock import Clock, Seconds
from horarium.engines.postgres.address import Address
from horarium.engines.postgres.migrate import migrate
from horarium.engines.postgres.session import NoAnswer, Session, open_session
from horarium.engines.postgres.sql import Database, statements
from horarium.engines.postgres.trouble import is_clash, is_lost, translate
from horarium.errors import EngineUnavailable

Durability: TypeAlias = Literal["full", "relaxed"]

# A worker's child uses three at once (feed, settle, progress), a supervisor three, a web process one for each thread
# that sends at the same moment. A server has 100 for everybody by default.
MOST = 8
CLASHES = 8  # so often a transaction that was in another one's way is tried again
CLASH_PAUSE: Seconds = 0.005
QUESTION_PATIENCE: Seconds = 30.0
RELAXED = "off"  # synchronous_commit of what a restart of the server may undo

T = TypeVar("T")
Work: TypeAlias = Callable[[Database, bool], T]


class Store:
    """The store of one engine, and this process's connections to it."""

    def __init__(
        self, address: Address, durability: Durability, patience: Seconds, *, clock: Clock, random: Random
    ) -> None:
        self.address = address
        self.patience = patience
        self.durable = "on" if durability == "full" else RELAXED  # synchronous_commit of what must stay
        self._sql = statements(address.schema)
        self.clock = clock  # its monotonic side alone
        self.random = random  # of pauses
        self._is_migrated = False
        self._idle: list[Session] = []
        self._epoch = 0  # how often the store was closed
        self._inherited: list[Session] = []  # from before a fork; never closed, never let go: they are the parent's
        self._forget_sessions()
        with _STORES_LOCK:
            _STORES.add(self)

    def carry_out(self, work: Work[T]) -> T:
        """Do ``work`` with a connection; return what it returns.

        It is done again when it clashed with another transaction, and once on a new connection when its own broke. It
        is told then that it may have been done before (the second argument), so it must be safe to repeat.
        Raises: EngineUnavailable, StoreUnusable.
        """
        clashes, again = 0, False
        while True:
            try:
                with self._session() as session:
                    return work(self.on(session), again)
            except psycopg.Error as error:
                if is_clash(error) and clashes < CLASHES:
                    clashes += 1
                    sleep(self.random.uniform(0, CLASH_PAUSE * 2**clashes))
                elif is_lost(error) and not again and not isinstance(error, NoAnswer):
                    again = True
                else:
                    raise translate(error, self.address.shown) from error

    def on(self, connection: psycopg.Connection[Any]) -> Database:
        """Return our statements on a connection, which may be a caller's own."""
        return Database(connection, self._sql)

    def prepare(self) -> None:
        """Make sure that the schema is there. Raises: EngineUnavailable, StoreUnusable."""
        if not self._is_migrated:
            self.carry_out(lambda db, again: None)

    def open(self) -> Session:
        """Open a connection that is the caller's own to keep and close."""
        session = open_session(self.address, self.patience, self.clock)
        self._opened.add(session)
        return session

    def close(self) -> None:
        """Close this process's connections; one that is in use is closed when it comes back."""
        with self._lock:
            sessions, self._idle = self._idle, []
            self._epoch += 1
        for session in sessions:
            session.close()

    @contextmanager
    def _session(self) -> Iterator[Session]:
        if self._pid != os.getpid():  # forked without os.fork's hooks
            self.forget_parent(is_certain=False)
        slots, epoch = self._slots, self._epoch
        if not slots.acquire(timeout=self.patience):
            raise EngineUnavailable(
                f"expected one of {MOST} connections to the store {self.address.shown} to be free within "
                f"{self.patience:g} s; let fewer threads use it at once"
            )
        try:
            session = self._take()
            try:
                yield session
            finally:
                self._give_back(session, epoch)
        finally:
            slots.release()

    def _take(self) -> Session:
        while True:
            with self._lock:
                session = self._idle.pop() if self._idle else None
            if session is None:
                break
            if not session.is_stale():
                return session
            session.close()
        session = self.open()
        if not self._is_migrated:
            try:
                migrate(session, self.address.schema, self.address.shown)
            except BaseException as error:
                session.close()
                if isinstance(error, psycopg.Error):
                    raise translate(error, self.address.shown) from error
                raise
            self._is_migrated = True
        return session

    def _give_back(self, session: Session, epoch: int) -> None:
        """Keep a connection for the next one, unless something is left undone on it."""
        if self._pid != os.getpid():
            return  # a fork inside of the use: this one is the parent's
        if not session.closed and session.pgconn.transaction_status == TransactionStatus.IDLE:
            with self._lock:
                if epoch == self._epoch:
                    self._idle.append(session)
                    return
        session.close()

    # Forks.

    def forget_parent(self, *, is_certain: bool = True) -> None:
        """Drop what a fork brought along without a word to the server, which would end the parent's sessions.

        ``is_certain``: the fork was a moment ago, so the descriptors are still what they were; they are closed, so that
        the server notices the parent's end even while this child lives on.
        """
        for session in list(self._opened):
            if is_certain and not session.closed:
                with suppress(OSError, psycopg.Error):
                    os.close(session.pgconn.socket)
            self._inherited.append(session)
        self._forget_sessions()

    def _forget_sessions(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()  # guards _idle and _epoch
        self._opened: weakref.WeakSet[Session] = weakref.WeakSet()  # in this process
        self._idle = []
        self._slots = threading.BoundedSemaphore(MOST)


@contextmanager
def transaction(db: Database, *, durable: bool = True) -> Iterator[None]:
    """Do everything or nothing. Not ``durable``: a restart of the server may undo it, as if it had not been done."""
    with db.connection.transaction():
        if not durable:
            db.connection.execute("SET LOCAL synchronous_commit = off")
        yield


@contextmanager
def at_leisure(db: Database, patience: Seconds) -> Iterator[None]:
    """Give the statements of the open transaction more time than a verb has."""
    db.connection.execute(_timeout(patience))
    with _patient(db, patience):
        yield


def _timeout(patience: Seconds) -> str:
    return f"SET LOCAL statement_timeout = {round(patience * 1000)}"


@contextmanager
def _patient(db: Database, patience: Seconds) -> Iterator[None]:
    """Wait longer for each answer, too. A guest's connection waits as its owner has it wait."""
    session = db.connection
    if not isinstance(session, Session):
        yield
        return
    usual, session.patience = session.patience, patience * 1.5
    try:
        yield
    finally:
        session.patience = usual


@contextmanager
def question(db: Database) -> Iterator[None]:
    """Read under one snapshot, the planner choosing freely: people's questions are not the hot statements. Counting ten
    million runs takes longer than a verb may."""
    # All settings in one round trip. In a pipeline there were two in all, of four; it took 40 % more CPU here for that,
    # and on the loopback no less time.
    with db.connection.transaction():
        db.connection.execute(
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;"
            "SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL enable_seqscan = on;"
            "SET LOCAL enable_bitmapscan = on; SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on;"
            + _timeout(QUESTION_PATIENCE)
        )
        with _patient(db, QUESTION_PATIENCE):
            yield


_STORES: weakref.WeakSet[Store] = weakref.WeakSet()
_STORES_LOCK = threading.Lock()  # guards _STORES


def _after_fork_in_child() -> None:
    global _STORES_LOCK
    _STORES_LOCK = threading.Lock()
    for store in list(_STORES):
        store.forget_parent()


os.register_at_fork(after_in_child=_after_fork_in_child)
