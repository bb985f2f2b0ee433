"""PgQueuer on PostgreSQL: two workers of one process each, asyncpg, uvloop, batches of 100."""

from __future__ import annotations

from bench.peer import TWICE, Peer

_RUN = ("bench.apps.pgqueuer_app",)  # its run(), as `pgq run` calls it: with the typer of today that command fails

PEERS = (
    Peer(
        name="pgqueuer",
        label="PgQueuer, batches of 100",
        app="bench.apps.pgqueuer_app",
        scenarios=("drain", "publish", "latency", "startup", "idle", "memory", "import", "recovery"),
        venv="pgqueuer",
        servers=("postgres",),
        settings=(("BENCH_STORE", "{postgres}"),),
        worker=(*TWICE, *_RUN),
        imports="import pgqueuer",
        pace=24_000,
        killed="runs again: when its heartbeat is 30 s old",
        beside="horarium_postgres",
    ),
)
