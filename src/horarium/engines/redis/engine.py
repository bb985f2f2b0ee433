"""The Redis engine: one server (or one slot of a cluster), any number of processes on any number of hosts."""

from __future__ import annotations

from random import Random
from typing import Literal

from horarium.clock import Clock, Instant, Seconds, SystemClock
from horarium.engines.records import Capabilities
from horarium.engines.redis.address import read_address
from horarium.engines.redis.connection import Store, read_info
from horarium.engines.redis.inspector import RedisInspector
from horarium.engines.redis.notes import RedisJournal, RedisNotes
from horarium.engines.redis.notifier import RedisNotifier
from horarium.engines.redis.queue import RedisQueue
from horarium.engines.redis.results import RedisResults
from horarium.engines.redis.schedules import RedisSchedules
from horarium.engines.redis.series import RedisSeries
from horarium.errors import EngineError, InvalidSetting, StoreUnusable

PATIENCE: Seconds = 5.0


class RedisEngine:
    """An engine whose store is a namespace of a Redis or Valkey server. Nothing is opened before the first use.

    What a verb has acknowledged survives what the server's own configuration lets it survive; ``weaknesses`` tells.
    ``durability="relaxed"`` says that this is known, and tells less. ``clock`` measures intervals; the time is the
    server's. ``patience`` is how long a verb waits for an answer before it raises EngineUnavailable (None: 5 s).
    """

    capabilities = Capabilities(name="redis", durable=True, shared=True, many_hosts=True, announces=True)

    def __init__(
        self,
        url: str,
        durability: Literal["full", "relaxed"] = "full",
        *,
        clock: Clock | None = None,
        patience: Seconds | None = None,
        random: Random | None = None,
    ) -> None:
        if durability not in ("full", "relaxed"):
            raise InvalidSetting("durability", "'full' or 'relaxed'", durability)
        self._durability = durability
        address = read_address(url, PATIENCE if patience is None else patience)
        clock = clock or SystemClock()
        self._store = Store(address, clock)
        self.url = address.url
        self.notifier = RedisNotifier(self._store, clock, random or Random())
        self.queue = RedisQueue(self._store, self.notifier)
        self.results = RedisResults(self._store)
        self.schedules = RedisSchedules(self._store)
        self.notes = RedisNotes(self._store)
        self.journal = RedisJournal(self._store)
        self.series = RedisSeries(self._store)
        self.inspector = RedisInspector(self._store)

    def now(self) -> Instant:
        return self._store.now()

    def check(self) -> None:
        """See that the server answers and is the master. Raises: StoreUnusable, EngineUnavailable."""
        role = read_info(self._store.ask("INFO", "replication")).get("role")
        if role not in (None, "master"):
            raise StoreUnusable(
                f"expected the store {self.url} to be a master, got a {role}, which accepts nothing; give the "
                "address of the master, or of the sentinels that know it"
            )

    def weaknesses(self) -> tuple[str, ...]:
        if self._durability == "relaxed":
            return ()
        found = read_info(self._store.ask("INFO", "persistence"))
        if found.get("aof_enabled") != "1":
            return (
                f"{self.url} keeps no append-only file: a restart of the server loses everything since its last "
                "snapshot, or everything; set appendonly yes and appendfsync always (durability='relaxed' accepts it)",
            )
        if self._fsync() != "always":
            return (
                f"{self.url} flushes its append-only file once a second at best: a power cut loses about a second of "
                "accepted messages and of results; set appendfsync always (durability='relaxed' accepts it)",
            )
        return ()

    def close(self) -> None:
        self.notifier.close()
        self._store.close()

    def _fsync(self) -> str:
        try:
            _, policy = self._store.ask("CONFIG", "GET", "appendfsync")
        except (EngineError, ValueError):  # a hosted server may refuse the question, or know no answer
            return "unknown"
        return str(policy.decode())
