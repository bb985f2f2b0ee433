"""streaQ: two processes, uvloop, 16 tasks at a time in each (its default; 64 and 128 took more processor time)."""

from __future__ import annotations

from bench.peer import CHILDREN, Peer

PEERS = (
    Peer(
        name="streaq",
        label="streaQ",
        app="bench.apps.streaq_app",
        scenarios=("drain", "publish", "latency", "startup", "idle", "memory", "import", "recovery"),
        venv="streaq",
        servers=("redis",),
        settings=(("BENCH_STORE", "{redis}"), ("BENCH_CONCURRENCY", "16")),
        worker=("-m", "streaq", "run", "bench.apps.streaq_app:worker", "--workers", str(CHILDREN)),
        imports="import streaq",
        pace=1_900,
        killed="runs again: when it has been idle for 60 s and a worker reads",
        beside="horarium_redis",
    ),
)
