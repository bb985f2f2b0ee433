"""Dramatiq on Redis: two processes, results stored. It has no scheduler of its own.

One thread in each and a prefetch of 100: for no-ops its 8 threads, with their prefetch of 16, took 40 % more processor
time and were slower (4,000/s against 5,000/s). One thread with a prefetch of 2, its default, waits most of the time.
"""

from __future__ import annotations

from bench.peer import CHILDREN, Peer

_MODULE = "bench.apps.dramatiq_app"

PEERS = (
    Peer(
        name="dramatiq_redis",
        label="Dramatiq, Redis",
        app=_MODULE,
        scenarios=("drain", "publish", "latency", "startup", "idle", "memory", "import", "recovery"),
        venv="dramatiq",
        servers=("redis",),
        settings=(("BENCH_STORE", "{redis}"), ("dramatiq_queue_prefetch", "100")),
        worker=("-m", "dramatiq", _MODULE, "--processes", str(CHILDREN), "--threads", "1"),
        imports="import dramatiq\nfrom dramatiq.brokers.redis import RedisBroker",
        pace=4_000,
        killed="runs again: when its heartbeat is 60 s old and another worker happens to look",
        beside="horarium_redis",
    ),
)
