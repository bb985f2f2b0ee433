"""Dramatiq on Redis: two processes with one thread each, results stored. No scheduler of its own."""

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
        settings=(("BENCH_STORE", "{redis}"),),
        worker=("-m", "dramatiq", _MODULE, "--processes", str(CHILDREN), "--threads", "1"),
        imports="import dramatiq\nfrom dramatiq.brokers.redis import RedisBroker",
        pace=4_000,
        killed="runs again: when its heartbeat is 60 s old and another worker happens to look",
        beside="horarium_redis",
    ),
)
