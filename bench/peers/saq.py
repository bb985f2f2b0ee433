"""SAQ on Redis: two processes, uvloop, hiredis, 50 jobs at a time in each (10, its default, and 100 took more processor
time); it schedules within its workers."""

from __future__ import annotations

from bench.peer import CHILDREN, Peer

PEERS = (
    Peer(
        name="saq",
        label="SAQ",
        app="bench.apps.saq_app",
        scenarios=("drain", "publish", "latency", "startup", "idle", "memory", "import", "recovery"),
        venv="saq",
        servers=("redis",),
        settings=(("BENCH_STORE", "{redis}"), ("BENCH_CONCURRENCY", "50")),
        worker=("-m", "saq", "bench.apps.saq_app.settings", "--workers", str(CHILDREN)),
        imports="from saq import Queue",
        pace=3_000,
        killed="runs again, with retries set: when its timeout (10 s) is over and a sweep (every 60 s) finds it",
        beside="horarium_redis",
    ),
)
