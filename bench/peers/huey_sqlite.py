"""Huey on SQLite: two worker processes, its own defaults otherwise (WAL; synchronous as the library was built, FULL).

Variants, named by what differs: no results kept (fewer writes), synchronous OFF (not durable; shows what the disk
costs), and a consumer that polls every 5 ms instead of 100 ms and up (quicker to start, busier when idle).
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.peer import CHILDREN, Peer

_MODULE = "bench.apps.huey_app"


class HueySqlite(Peer, frozen=True, kw_only=True):
    app: str = _MODULE
    needs: tuple[str, ...] = ("huey",)
    imports: str = "from huey import SqliteHuey"
    polling: tuple[str, ...] = ()

    def worker(self) -> list[str]:
        consumer = [sys.executable, "-m", "huey.bin.huey_consumer", f"{_MODULE}.huey"]
        return [*consumer, "-k", "process", "-w", str(CHILDREN), "-q", *self.polling]

    def scheduler(self, directory: Path) -> list[str] | None:
        return None  # the consumer has one of its own


def _settings(results: bool, fsync: str) -> tuple[tuple[str, str], ...]:
    return (("BENCH_HUEY_RESULTS", "1" if results else "0"), ("BENCH_HUEY_FSYNC", fsync))


PEERS = (
    HueySqlite(
        name="huey_sqlite",
        label="Huey, SQLite",
        environment=_settings(results=True, fsync="default"),
        scenarios=("drain", "publish", "latency", "startup", "idle", "memory", "import"),
    ),
    HueySqlite(
        name="huey_sqlite_no_results",
        label="Huey, SQLite, no results",
        environment=_settings(results=False, fsync="default"),
        scenarios=("drain",),
    ),
    HueySqlite(
        name="huey_sqlite_no_fsync",
        label="Huey, SQLite, synchronous=OFF",
        environment=_settings(results=True, fsync="off"),
        scenarios=("drain", "publish"),
    ),
    HueySqlite(
        name="huey_sqlite_eager",
        label="Huey, SQLite, polling every 5 ms",
        environment=_settings(results=True, fsync="default"),
        polling=("-d", "0.005", "-m", "0.005"),
        scenarios=("latency", "idle"),
    ),
)
