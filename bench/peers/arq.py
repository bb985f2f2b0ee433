"""arq: two workers of one process each, uvloop, hiredis, at its own polling interval and at one of 10 ms."""

from __future__ import annotations

from bench.peer import TWICE, Peer

_ALL = ("drain", "publish", "latency", "startup", "idle", "memory", "import", "recovery")


def _peer(name: str, label: str, poll: str, scenarios: tuple[str, ...] = _ALL) -> Peer:
    return Peer(
        name=name,
        label=label,
        app="bench.apps.arq_app",
        scenarios=scenarios,
        venv="arq",
        servers=("redis",),
        settings=(("BENCH_STORE", "{redis}"), ("BENCH_CONCURRENCY", "100"), ("BENCH_ARQ_POLL", poll)),
        worker=(*TWICE, "arq", "bench.apps.arq_app.WorkerSettings", "--custom-log-dict", "bench.apps.arq_app.QUIET"),
        imports="import arq",
        pace=1_400,
        killed="runs again: when its timeout (300 s) and 10 s more are over",
        beside="horarium_redis",
    )


PEERS = (
    _peer("arq", "arq", "0.5"),
    _peer("arq_eager", "arq, polling every 10 ms", "0.01", ("latency", "idle")),
)
