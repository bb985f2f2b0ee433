"""Connections to one store file: one per thread, none across a fork, every transaction bounded in time.

The rooms beside this one say ``with store.read()`` or ``with store.write()`` and get a connection; what they never see
is a lock, a fork or an exception of apsw's. Trouble is translated here, once.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from time import sleep
from types import TracebackType
from typing import Literal, TypeAlias

import apsw

from horarium.clock import Clock, Instant, Seconds
from horarium.engines.sqlite.opening import check_place, initialise, make_whole, refuse_stump
from horarium.engines.sqlite.trouble import translate
from horarium.errors import EngineUnavailable, StoreUnusable
from horarium.workflow.gates import Doom

Durability: TypeAlias = Literal["full", "relaxed"]

# When a transaction is flushed to the disk.
# "locked": before anybody can see it, while the write lock is held.
# "shared": after the lock is free and before the caller hears of it; others may see it a moment before it is safe. The
#   flushes of several processes overlap: ten processes that put one by one, 4 ms a flush, get 1,300/s instead of 500/s.
# "never": a power loss may undo it, as if it had not happened, and with it whatever was committed later: the WAL
#   survives as a prefix. The death of a process undoes no commit in any case.
Flush: TypeAlias = Literal["locked", "shared", "never"]

PATIENCE: Seconds = 5.0  # how long a verb waits for the write lock before it is EngineUnavailable
FORK_PATIENCE: Seconds = 1.0  # how long a fork waits for other threads to end their transactions

# WAL frames of 4 KiB. From CHECKPOINT_FRAMES on, and after each further so many, the committing connection copies what
# it can into the database without waiting for anybody; a reader in between only delays that. From RESTART_FRAMES on it
# also asks everybody else to stand back for a moment, so that the next writer starts the file anew: under steady load
# by several processes no writer ever finds the file unused by chance, and it would grow without end. It does not ask
# while a reader stays far behind, since all writers would wait for that one.
CHECKPOINT_FRAMES = 2_000
RESTART_FRAMES = 16_000
RESTART_PATIENCE: Seconds = 1.0
JOURNAL_SIZE_LIMIT = 16 * 1024 * 1024  # what a WAL file keeps on disk when it starts anew

# A waiting writer looks again after a pause that grows from the first to the last of these. A commit takes 0.2 to 5 ms.
# Two processes that drain a queue in batches of 100, flushed, best of three on a busy machine: 14,000 messages a second
# with a last pause of 2 ms, 21,000/s with 1 ms, and no more with 0.5 ms. Ten writers that never rest share 1,300
# transactions a second evenly; waiting costs each of them 3 % of a core.
FIRST_PAUSE: Seconds = 0.000_2
LAST_PAUSE: Seconds = 0.001
GOLDEN_RATIO = 0.618_033_988_75  # its multiples modulo 1 are spread evenly: jitter without a random source


class Connection(apsw.Connection):
    """A connection that knows of its transaction whom to wake when it is committed, and whose waiting it has made vain
    (see gates.py)."""

    topics: set[str]
    dooms: list[tuple[str, Doom, Instant]]


class Session:
    """A thread's connection. ``lock`` is held during each use, so that a fork or a close can wait for its end."""

    def __init__(self, path: Path, clock: Clock, patience: Seconds, *, create: bool) -> None:
        self.pid = os.getpid()
        self.lock = threading.RLock()
        self.synchronous = ""
        self._clock = clock
        self._patience = self._usual_patience = patience
        self._give_up = 0.0
        self._checkpoint_at = CHECKPOINT_FRAMES
        self._wal: int | None = None
        flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if create else 0)
        self.connection = Connection(str(path), flags=flags, statementcachesize=100)
        try:
            self.connection.set_busy_handler(self._wait)
            initialise(self.connection, path, clock, patience)
            self.connection.pragma("journal_size_limit", JOURNAL_SIZE_LIMIT)
            self.connection.pragma("cache_size", -16_000)
            self.connection.pragma("temp_store", "memory")
            self.connection.set_wal_hook(self._after_commit)
        except BaseException:
            self.connection.close()
            raise
        self.closed = False

    def set_synchronous(self, mode: str) -> None:
        """Choose the durability of the next transaction (it cannot be changed inside of one)."""
        if self.synchronous != mode:
            self.connection.pragma("synchronous", mode)
            self.synchronous = mode

    def flush(self) -> None:
        """Wait until everything committed so far is on the disk.

        The WAL cannot be another file by now: it stays as long as a connection is open. If it was started anew
        meanwhile, a checkpoint has brought what was in it into the database, flushed. The locks of SQLite are not on
        this file, so a descriptor of our own does no harm. Raises: OSError.
        """
        if self._wal is None:
            path = self.connection.filename_wal  # not beside a link to the store, but beside its file
            self._wal = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            directory = os.open(os.path.dirname(path), os.O_RDONLY | os.O_CLOEXEC)  # noqa: PTH120
            try:
                os.fsync(directory)  # the WAL may have been made by this very session; its name must be safe too
            finally:
                os.close(directory)
        os.fdatasync(self._wal)

    def close(self) -> None:
        """Wait for the end of a use by another thread, and close. Closing twice is fine."""
        with self.lock:
            self.closed = True
            self.connection.close()
            if self._wal is not None:
                os.close(self._wal)
                self._wal = None

    def _wait(self, tries: int) -> bool:
        """Pause before the lock is tried again; False when it has taken too long."""
        now = self._clock.monotonic()
        if tries == 0:
            self._give_up = now + self._patience
        elif now >= self._give_up:
            return False
        jitter = (tries + 1 + self.pid % 997) * GOLDEN_RATIO % 1.0
        sleep(min(LAST_PAUSE, FIRST_PAUSE * 1.5 ** min(tries, 20)) * (0.5 + jitter))
        return True

    def _after_commit(self, connection: apsw.Connection, name: str, frames: int) -> int:
        """Keep the WAL short. What fails here is tried again after a later commit; the commit itself stands."""
        if frames < CHECKPOINT_FRAMES:
            self._checkpoint_at = CHECKPOINT_FRAMES
        elif frames >= self._checkpoint_at:
            self._checkpoint_at = frames + CHECKPOINT_FRAMES
            with suppress(apsw.Error):  # a reader is in the way, or the disk is full: nothing is lost
                self._checkpoint(connection, name)
        return apsw.SQLITE_OK

    def _checkpoint(self, connection: apsw.Connection, name: str) -> None:
        written, copied = connection.wal_checkpoint(name, apsw.SQLITE_CHECKPOINT_PASSIVE)
        if written >= RESTART_FRAMES and written - copied < CHECKPOINT_FRAMES:
            self._patience = RESTART_PATIENCE
            try:
                connection.wal_checkpoint(name, apsw.SQLITE_CHECKPOINT_RESTART)
            finally:
                self._patience = self._usual_patience


class Holder:
    """Closes a thread's connection when the thread ends. (Its callbacks tie it to itself: it would stay open.)"""

    def __init__(self, session: Session) -> None:
        self.session = session

    def __del__(self) -> None:
        if self.session.pid == os.getpid():
            self.session.close()


class Store:
    """The store file of one engine, and this process's connections to it.

    Any thread may use it. A fork closes the connections first, because SQLite keeps its locks per process in memory: a
    child that inherits an open connection, and opens one of its own, believes that it holds locks which the kernel does
    not know of (seen in /proc/locks), and a third process may then truncate the WAL under its feet.
    """

    def __init__(
        self,
        path: Path,
        durability: Durability,
        clock: Clock,
        patience: Seconds | None = None,
        *,
        notify: Callable[[Collection[str]], None],
        carry_out: Callable[[Connection], None],
    ) -> None:
        """``notify`` is called with the topics of a transaction that was committed, ``carry_out`` before one that dooms
        messages is."""
        self.path = path
        self.notify = notify
        self.carry_out = carry_out
        self._patience = PATIENCE if patience is None else patience
        self.pid = os.getpid()
        self._clock = clock
        self._is_relaxed = durability == "relaxed"
        self._identity: tuple[int, int] | None = None  # device and inode, once it has been opened
        self._forget_sessions()
        with _STORES_LOCK:
            _STORES.add(self)

    def read(self) -> Use:
        """Return a context for reading; each statement sees the newest committed state."""
        return Use(self)

    def write(self, flush: Flush = "locked", visible: Callable[[], None] | None = None) -> Transaction:
        """Return a context in which everything is done or nothing. A relaxed store never flushes. ``visible`` is called
        when others can see what was done: with a shared flush, before that flush."""
        return Transaction(self, "never" if self._is_relaxed else flush, visible)

    def session(self) -> Session:
        """Return the calling thread's connection; open it where there is none."""
        holder: Holder | None = getattr(self._local, "holder", None)
        if holder is not None and not holder.session.closed and holder.session.pid == os.getpid():
            self._check_identity()
            return holder.session
        if self.pid != os.getpid():
            self.forget_parent()  # forked without os.fork's hooks
        with self._lock:
            session = self._open()
            self._sessions.add(session)
        self._local.holder = Holder(session)
        return session

    def exist(self) -> None:
        """See to it that there is a store, and that it can be opened. Raises: StoreUnusable, EngineUnavailable."""
        if self._identity is None:
            self.session()

    def close(self) -> None:
        """Close this process's connections; those in use are waited for."""
        for session in self._own_sessions():
            session.close()

    def _open(self) -> Session:
        if self._identity is not None:
            self._check_identity()
        else:
            check_place(self.path)
        try:
            if self._identity is None and not self.path.exists():
                make_whole(self.path)
            create = self._identity is None and not self.path.exists()
            if not create and self._identity is None:
                refuse_stump(self.path, self._clock)
            session = Session(self.path, self._clock, self._patience, create=create)
        except apsw.Error as error:
            raise translate(error, self.path) from error
        if self._identity is None:
            self._identity = self._look()
        return session

    def _check_identity(self) -> None:
        """Notice that the file was moved, deleted or replaced: what is written to it now would be seen by nobody.

        A stat takes a microsecond, so this is done before every transaction.
        """
        found = self._look()
        if found != self._identity:
            what = "moved or deleted" if found is None else "replaced by another file"
            raise StoreUnusable(
                f"expected the store {self.path} to stay where it is while in use, but it was {what}; put it back, "
                "and start this process again"
            )

    def _look(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self.path)  # noqa: PTH116 - Path.stat takes three times as long
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    # Forks.

    def part_for_fork(self) -> None:
        """Close all connections that no transaction is using; let none be opened until the fork is done."""
        self._lock.acquire()
        for session in self._own_sessions():
            if session.lock.acquire(timeout=FORK_PATIENCE):
                try:
                    if not session.closed and not session.connection.in_transaction:  # else this thread is inside of it
                        session.close()
                finally:
                    session.lock.release()

    def rejoin_parent(self) -> None:
        self._lock.release()

    def forget_parent(self) -> None:
        """Drop what a fork brought along, without closing it: closing would act on files that the parent uses."""
        inherited = [session for session in self._own_sessions() if not session.closed]
        self._forget_sessions()
        if inherited:
            import ctypes

            for session in inherited:  # an extra reference, so that not even the end of the child closes them
                ctypes.pythonapi.Py_IncRef(ctypes.py_object(session.connection))

    def _own_sessions(self) -> list[Session]:
        return [session for session in list(self._sessions) if not session.closed]

    def _forget_sessions(self) -> None:
        self.pid = os.getpid()
        self._lock = threading.RLock()  # guards _sessions; held while opening, and during a fork
        self._local = threading.local()
        self._sessions: weakref.WeakSet[Session] = weakref.WeakSet()


class Use:
    """A thread's use of its connection, outside of a transaction."""

    __slots__ = ("_session", "_store")
    _session: Session

    def __init__(self, store: Store) -> None:
        self._store = store

    def __enter__(self) -> Connection:
        while True:
            self._session = session = self._store.session()
            session.lock.acquire()
            if not session.closed:
                break
            session.lock.release()  # a fork closed it in between
        try:
            if session.connection.in_transaction:
                session.connection.execute("ROLLBACK")  # an asynchronous exception hit between BEGIN and its guard
            self._begin(session)
        except BaseException as error:
            session.lock.release()
            if isinstance(error, apsw.Error):
                raise translate(error, self._store.path) from error
            raise
        return session.connection

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        session = self._session
        try:
            self._end(session, error)
        except apsw.Error as trouble:
            raise translate(trouble, self._store.path) from trouble
        except OSError as trouble:
            raise EngineUnavailable(
                f"expected the disk to take what was written to {self._store.path}, got {trouble}; look at the disk, "
                "then try again"
            ) from trouble
        finally:
            session.lock.release()
        if isinstance(error, apsw.Error):
            raise translate(error, self._store.path) from error

    def _begin(self, session: Session) -> None:
        """Outside of a transaction there is nothing to begin."""

    def _end(self, session: Session, error: BaseException | None) -> None:
        """Outside of a transaction there is nothing to end."""


class Transaction(Use):
    """A write transaction. It takes the write lock at once, so it can never fail half-way for want of it."""

    __slots__ = ("_flush", "_visible")

    def __init__(self, store: Store, flush: Flush, visible: Callable[[], None] | None) -> None:
        super().__init__(store)
        self._flush = flush
        self._visible = visible

    def _begin(self, session: Session) -> None:
        session.set_synchronous("full" if self._flush == "locked" else "normal")
        session.connection.topics = set()
        session.connection.dooms = []
        session.connection.execute("BEGIN IMMEDIATE")

    def _end(self, session: Session, error: BaseException | None) -> None:
        connection = session.connection
        try:
            if error is None:
                if connection.dooms:
                    self._store.carry_out(connection)
                connection.execute("COMMIT")
                # Readers are woken before the flush: on a disk that stalls for 300 ms now and then, the 99th percentile
                # of call to start was 318 ms when they were woken after it.
                if self._visible is not None:
                    self._visible()
                if connection.topics:
                    self._store.notify(connection.topics)
                if self._flush == "shared":
                    session.flush()
        finally:
            if connection.in_transaction:
                _roll_back(connection)


def _roll_back(connection: apsw.Connection) -> None:
    with suppress(apsw.FullError, apsw.IOError):  # rolled back by SQLite itself; the first error is the one to report
        connection.execute("ROLLBACK")


_STORES: weakref.WeakSet[Store] = weakref.WeakSet()
_STORES_LOCK = threading.Lock()  # guards _STORES; held during a fork, so that no store is made between its hooks
_parted: list[Store] = []  # those that the fork under way has locked


def _before_fork() -> None:
    _STORES_LOCK.acquire()
    for store in list(_STORES):
        store.part_for_fork()
        _parted.append(store)


def _after_fork_in_parent() -> None:
    while _parted:
        _parted.pop().rejoin_parent()
    _STORES_LOCK.release()


def _after_fork_in_child() -> None:
    while _parted:
        _parted.pop().forget_parent()
    _STORES_LOCK.release()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
