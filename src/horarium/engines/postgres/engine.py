"""The PostgreSQL engine: one schema of one database, any number of hosts."""

from __future__ import annotations

from random import Random

from horarium.clock import Clock, Instant, Seconds, SystemClock
from horarium.engines.postgres.address import read_address
from horarium.engines.postgres.connection import Durability, Store
from horarium.engines.postgres.inspector import PostgresInspector
from horarium.engines.postgres.notes import PostgresJournal, PostgresNotes
from horarium.engines.postgres.notifier import PostgresNotifier
from horarium.engines.postgres.queue import PostgresQueue
from horarium.engines.postgres.results import PostgresResults
from horarium.engines.postgres.schedules import PostgresSchedules
from horarium.engines.postgres.series import PostgresSeries
from horarium.engines.postgres.server_clock import ServerClock
from horarium.engines.postgres.sql import Database
from horarium.engines.postgres.topics import Topics
from horarium.engines.records import Capabilities
from horarium.errors import InvalidSetting, StoreUnusable

PATIENCE: Seconds = 5.0


class PostgresEngine:
    """An engine whose store is a schema (``?schema=``, by default ``horarium``) of a PostgreSQL database.

    Nothing is connected to or made before the first use. ``durability="full"``: what a verb has acknowledged survives
    a crash of the server and a power loss. ``"relaxed"``: a crash of the server may undo the last half second, so that
    an ended run is run again. ``clock``: for tests, in place of the server's. ``patience`` is how long a verb waits for
    the server or a lock before it raises EngineUnavailable (None: 5 s). ``random`` is for the pauses between tries.
    """

    capabilities = Capabilities(
        name="postgres", durable=True, shared=True, many_hosts=True, announces=True, transactional=True
    )

    def __init__(
        self,
        url: str,
        durability: Durability = "full",
        *,
        clock: Clock | None = None,
        patience: Seconds | None = None,
        random: Random | None = None,
    ) -> None:
        if durability not in ("full", "relaxed"):
            raise InvalidSetting("durability", "'full' or 'relaxed'", durability)
        patience = PATIENCE if patience is None else patience
        address = read_address(url, patience=patience, durable=durability == "full")
        host = SystemClock()
        self._store = Store(address, durability, patience, clock=host, random=random or Random())
        self._clock = clock or ServerClock(self._read_clock, host)
        self.url = address.shown
        topics = Topics(address.schema)
        self.queue = PostgresQueue(self._store, topics)
        self.results = PostgresResults(self._store)
        self.schedules = PostgresSchedules(self._store, topics)
        self.notifier = PostgresNotifier(self._store, topics)
        self.notes = PostgresNotes(self._store)
        self.journal = PostgresJournal(self._store, topics)
        self.series = PostgresSeries(self._store)
        self.inspector = PostgresInspector(self._store, topics, self.now)

    def now(self) -> Instant:
        return self._clock.now()

    def check(self) -> None:
        """Connect, bring the schema up to date, and see whether it can be written to.

        Raises: StoreUnusable, EngineUnavailable.
        """
        _, _, _, encoding, is_replica, read_only = self._configuration()
        if is_replica:
            raise StoreUnusable(
                f"expected the store {self.url} to be a primary server, it is a replica; set `store` to the "
                "primary's URL"
            )
        if read_only == "on":
            raise StoreUnusable(
                f"expected the store {self.url} to take writes, default_transaction_read_only is on; switch it off for "
                "this user or database"
            )
        if encoding != "UTF8":
            raise StoreUnusable(
                f"expected the database of the store {self.url} to be encoded in UTF8, it is in {encoding}; create one "
                "with ENCODING 'UTF8' TEMPLATE template0"
            )
        self._store.carry_out(lambda db, again: db.run("probe"))

    def weaknesses(self) -> tuple[str, ...]:
        fsync, full_page_writes, commit, *_ = self._configuration()
        found = []
        if fsync == "off":
            found.append(
                "fsync is off: a power loss or a crash of the server's host can destroy the whole database; "
                "set fsync = on in postgresql.conf"
            )
        if full_page_writes == "off":
            found.append(
                "full_page_writes is off: a power loss can leave pages that are half old and half new; "
                "set full_page_writes = on unless the file system writes whole pages"
            )
        if commit == "off" and self._store.durable == "on":
            found.append(
                "synchronous_commit is off although durability is full: a crash of the server undoes what was "
                "acknowledged in the last half second; take it out of the options in `store`"
            )
        return tuple(found)

    def close(self) -> None:
        self.notifier.close()
        self._store.close()

    def _configuration(self) -> tuple[str, str, str, str, bool, str]:
        def work(db: Database, again: bool) -> tuple[str, str, str, str, bool, str]:
            ((fsync, full_page_writes, commit, encoding, is_replica, read_only),) = db.fetch("configuration")
            return fsync, full_page_writes, commit, encoding, is_replica, read_only

        return self._store.carry_out(work)

    def _read_clock(self) -> float:
        ((now,),) = self._store.carry_out(lambda db, again: db.fetch("clock"))
        return float(now)
