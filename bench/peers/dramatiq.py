"""Dramatiq on Redis: two processes, results stored. It has no scheduler of its own.

Two threads in each and a prefetch of 100: for no-ops its 8 threads and their prefetch of 16 were slower here (3,700/s
against 4,000 to 5,000/s; one thread with its prefetch of 2 waits most of the time: 530/s).
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
        worker=("-m", "dramatiq", _MODULE, "--processes", str(CHILDREN), "--threads", "2"),
        imports="import dramatiq\nfrom dramatiq.brokers.redis import RedisBroker",
        pace=4_000,
        killed="runs again: when its heartbeat is 60 s old and another worker happens to look",
        beside="horarium_redis",
    ),
)
