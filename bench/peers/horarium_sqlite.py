"""Horarium on SQLite, as it comes: WAL, synchronous FULL, results stored, two children."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.peer import CHILDREN, Peer

_HORARIUM = [sys.executable, "-m", "horarium", "-A", "bench.apps.horarium_app"]


class HorariumSqlite(Peer, frozen=True, kw_only=True):
    app: str = "bench.apps.horarium_app"
    needs: tuple[str, ...] = ("horarium",)
    imports: str = "from horarium import Horarium"

    def worker(self) -> list[str]:
        return [*_HORARIUM, "worker", "-l", "warning", "-c", str(CHILDREN)]

    def scheduler(self, directory: Path) -> list[str] | None:
        return [*_HORARIUM, "beat", "-l", "warning"]


PEERS = (
    HorariumSqlite(
        name="horarium_sqlite",
        label="Horarium, SQLite",
        scenarios=("drain", "publish", "latency", "startup", "idle", "memory", "import"),
    ),
)
