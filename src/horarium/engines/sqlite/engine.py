"""The SQLite engine: one file on a local disk, any number of processes on this host."""

from __future__ import annotations

import os
from pathlib import Path

from horarium.clock import Clock, Instant, Seconds, SystemClock
from horarium.engines.records import Capabilities
from horarium.engines.sqlite.connection import Durability, Store
from horarium.engines.sqlite.inspector import SqliteInspector
from horarium.engines.sqlite.moves import carry_out_dooms
from horarium.engines.sqlite.notes import SqliteJournal, SqliteNotes
from horarium.engines.sqlite.notifier import SqliteNotifier
from horarium.engines.sqlite.queue import SqliteQueue
from horarium.engines.sqlite.results import SqliteResults
from horarium.engines.sqlite.schedules import SqliteSchedules
from horarium.engines.sqlite.series import SqliteSeries
from horarium.errors import InvalidSetting, StoreUnusable

QUICK_CHECK_BYTES = 32 * 1024 * 1024  # a store up to this size is read through by check(), in some 0.1 s


class SqliteEngine:
    """An engine whose store is a file. Nothing is opened or made before the first use.

    ``durability="full"``: what a verb has acknowledged survives a power loss. ``"relaxed"``: it survives the death of
    every process, but a power loss may undo the last commits, so that an ended run is run again. ``clock`` is the
    store's clock: the host's, for every process that shares the file is on this host. ``patience`` is how long a verb
    waits for the write lock before it raises EngineUnavailable (None: 5 s).
    """

    capabilities = Capabilities(name="sqlite", durable=True, shared=True, many_hosts=False)

    def __init__(
        self,
        path: str | os.PathLike[str],
        durability: Durability = "full",
        *,
        clock: Clock | None = None,
        patience: Seconds | None = None,
    ) -> None:
        if durability not in ("full", "relaxed"):
            raise InvalidSetting("durability", "'full' or 'relaxed'", durability)
        self._clock = clock or SystemClock()
        self._path = Path(path).expanduser().absolute()
        self.notifier = SqliteNotifier(self._path.resolve(), SystemClock(), exist=lambda: self._store.exist())
        # Waiting for locks is real waiting, whatever the store's clock.
        self._store = Store(
            self._path, durability, SystemClock(), patience, notify=self.notifier.notify, carry_out=carry_out_dooms
        )
        self.url = f"sqlite:///{self._path}"
        self.queue = SqliteQueue(self._store)
        self.results = SqliteResults(self._store)
        self.schedules = SqliteSchedules(self._store)
        self.notes = SqliteNotes(self._store)
        self.journal = SqliteJournal(self._store)
        self.series = SqliteSeries(self._store)
        self.inspector = SqliteInspector(self._store, self._clock)

    def now(self) -> Instant:
        return self._clock.now()

    def check(self) -> None:
        """Open the store, take its write lock for a moment and, if it is small, read through all of it.

        Raises: StoreUnusable, EngineUnavailable.
        """
        with self._store.write():
            size = self._path.stat().st_size
        if size <= QUICK_CHECK_BYTES:
            with self._store.read() as db:
                found = [" ".join(str(line).split()) for (line,) in db.execute("PRAGMA quick_check(1)")]
            if found != ["ok"]:
                raise StoreUnusable(
                    f"expected the store {self._path} to be sound, it is damaged ({'; '.join(found)}); restore it from "
                    "a backup, or move it away to start with an empty one"
                )

    def weaknesses(self) -> tuple[str, ...]:
        return ()  # what weakens SQLite, such as a network file system, is refused on opening

    def close(self) -> None:
        self.notifier.close()
        self._store.close()
