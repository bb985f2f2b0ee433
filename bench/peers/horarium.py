"""Horarium as it comes, on each of its stores: results stored, at least once, two children, bulk calls of 1,000."""

from __future__ import annotations

from typing import Literal

from bench.peer import CHILDREN, Peer, ServerName

_COMMAND = ("-m", "horarium", "-A", "bench.apps.horarium_app")
_ENGINES = {"sqlite": "apsw", "redis": "horarium.engines.redis", "postgres": "horarium.engines.postgres"}
_SCENARIOS = (
    "drain",
    "publish",
    "latency",
    "startup",
    "idle",
    "memory",
    "import",
    "recovery",
    "scale",
    "chord",
    "due",
    "million",
    "lateness",
    "control",
)
_OF_ITS_OWN = {"sqlite": ("history", "health"), "redis": ("crowd",), "postgres": ("crowd", "history")}


def _peer(store: Literal["sqlite", "redis", "postgres"], label: str, url: str, pace: int) -> Peer:
    servers: dict[str, tuple[ServerName, ...]] = {"sqlite": (), "redis": ("redis",), "postgres": ("postgres",)}
    return Peer(
        name=f"horarium_{store}",
        label=f"Horarium, {label}",
        app="bench.apps.horarium_app",
        scenarios=(*_SCENARIOS, *_OF_ITS_OWN[store]),
        needs=("horarium", _ENGINES[store]),
        servers=servers[store],
        settings=(("BENCH_STORE", url), ("HORARIUM_RUN_DIR", "{directory}/run")),
        worker=(*_COMMAND, "worker", "-l", "warning", "-c", str(CHILDREN)),
        scheduler=(*_COMMAND, "beat", "-l", "warning"),
        probe=("-m", "horarium.health", "worker"),
        imports="from horarium import Horarium",
        killed="runs again: its supervisor, or the lease of 15 s, gives back what it held",
        pace=pace,
        at_once=100_000,
    )


PEERS = (
    _peer("sqlite", "SQLite", "sqlite:///{directory}/store.db", 14_000),
    _peer("redis", "Redis", "{redis}/0", 32_000),
    _peer("postgres", "PostgreSQL", "{postgres}", 24_000),
)
