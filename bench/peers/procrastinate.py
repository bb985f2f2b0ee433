"""Procrastinate on PostgreSQL: two workers of one process each, five jobs at a time in each (1, 10 and 30 were no
quicker); jobs stay after their end, as they do by default."""

from __future__ import annotations

from bench.peer import TWICE, Peer

PEERS = (
    Peer(
        name="procrastinate",
        label="Procrastinate",
        app="bench.apps.procrastinate_app",
        scenarios=("drain", "publish", "latency", "startup", "idle", "memory", "import", "recovery"),
        venv="procrastinate",
        servers=("postgres",),
        settings=(("BENCH_STORE", "{postgres}"),),
        worker=(*TWICE, "procrastinate", "-a", "bench.apps.procrastinate_app.app", "worker", "-c", "5"),
        imports="import procrastinate",
        pace=700,
        keeps=False,
        killed="stays in state 'doing' until a periodic task of one's own retries it (its guide shows one)",
        beside="horarium_postgres",
    ),
)
