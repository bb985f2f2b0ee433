"""An app's way to its store: opened by the first call that needs it, one for all threads of the process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any, Protocol, Self

from horarium.address import ARCHIVES, SAME_STORE, masked
from horarium.app.archive import Archive, archive_for
from horarium.app.watch import ResultsWatch
from horarium.clock import Clock, Instant, Seconds
from horarium.engines.protocol import Engine
from horarium.settings import Settings

MOST_PATIENCE: Seconds = 5.0  # of one try of any verb; runners try again, so longer waits only hide the trouble


class Connection:
    """The store that the settings name. ``engine`` hands over an open one instead."""

    def __init__(self, conf: Settings, clock: Clock, engine: Engine | None = None) -> None:
        self.clock = clock
        self._conf = conf
        self._lock = RLock()  # guards _engine, _is_lent, _watch and _archive
        self._engine = engine
        self._is_lent = False
        self._watch: ResultsWatch | None = None
        self._archive: tuple[str, Archive] | None = None  # with the name under which it was made

    @property
    def engine(self) -> Engine:
        """The store, opened at the first use. Raises: ImproperlyConfigured, StoreUnusable, EngineUnavailable."""
        if self._engine is None:
            with self._lock:
                if self._engine is None:
                    self._engine = self._connect()
        return self._engine

    def __call__(self, *_: Any, **__: Any) -> Borrowed:
        """Return it for a ``with`` block, as Celery's ``app.connection()`` is used. There is one way to the store,
        which the app closes; arguments mean nothing."""
        return Borrowed(self)

    @property
    def urls(self) -> tuple[str, ...]:
        """The addresses that the settings name: of the store, and of another one for results, if there is."""
        store, results = self._conf.store, self._conf.result_backend
        return (store,) if results in (None, SAME_STORE, store, *ARCHIVES) else (store, str(results))

    @property
    def shown(self) -> tuple[str, ...]:
        """The same as people may see them."""
        return tuple(map(masked, self.urls))

    @property
    def archive(self) -> Archive | None:
        """Where ends are written besides the store, None if nowhere. Raises: ImproperlyConfigured."""
        if not self.is_archived:
            return None
        with self._lock:
            named = str(self._conf.result_backend)
            if self._archive is None or self._archive[0] != named:
                self._archive = named, archive_for(named, self._conf)
            return self._archive[1]

    @property
    def is_archived(self) -> bool:
        """Whether ends are written down besides the store."""
        return self._conf.result_backend in ARCHIVES

    @property
    def keeps_results(self) -> bool:
        return self._conf.result_backend is not None

    @property
    def keeps_for(self) -> Seconds | None:
        """How long results are kept; None: for ever."""
        keep: Seconds | None = self._conf.result_expires
        return keep or None

    @property
    def watch(self) -> ResultsWatch:
        """What coroutines wait on for results."""
        with self._lock:
            if self._watch is None:
                self._watch = ResultsWatch(self.engine)
            return self._watch

    @property
    def is_open(self) -> bool:
        """Whether the store has been opened."""
        return self._engine is not None

    def now(self) -> Instant:
        """Read the store's clock if the store is open, else this host's."""
        engine = self._engine
        return engine.now() if engine is not None else self.clock.now()

    @contextmanager
    def replaced(self, engine: Engine, clock: Clock) -> Iterator[None]:
        """Use another store and another clock for the length of a ``with`` block: for tests. All threads see it.

        The store is whoever lends it's: ``close`` does not let go of it, or what comes next would go to the real one.
        """
        with self._lock:
            before = self.clock, self._engine, self._watch, self._is_lent
            self.clock, self._engine, self._watch, self._is_lent = clock, engine, None, True
        try:
            yield
        finally:
            with self._lock:
                watch = self._watch
                self.clock, self._engine, self._watch, self._is_lent = before
            if watch is not None:
                watch.close()

    def close(self) -> None:
        """Let go of the store. It is opened again when it is needed again; closing twice is fine."""
        with self._lock:
            watch, self._watch = self._watch, None
            engine = None if self._is_lent else self._engine
            if not self._is_lent:
                self._engine = None
            self._archive = None  # what it has open is its thread's, and closed there
        if watch is not None:
            watch.close()
        if engine is not None:
            engine.close()

    def _connect(self) -> Engine:
        from horarium.engines.connect import connect, connect_pair  # with it come the engines' own libraries

        # A publish may try more than once, but none of its tries may outlast its deadline.
        patience = min(MOST_PATIENCE, self._conf.task_publish_timeout)
        durability = self._conf.durability
        store, *others = self.urls
        for results in others:
            return connect_pair(store, results, durability=durability, patience=patience)
        return connect(store, durability=durability, patience=patience)


class Borrowed:
    """A connection in the hands of somebody who thinks that it must be closed."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def close(self) -> None:
        """Do nothing."""

    release = close

    def as_uri(self) -> str:
        """Return the store's address as people may see it."""
        return self.connection.shown[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class Connected(Protocol):
    """Whatever has a way to a store: an app."""

    @property
    def connection(self) -> Connection: ...
