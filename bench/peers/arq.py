"""arq: two workers of one process each, uvloop, hiredis.

Its worker takes up to ``max_jobs`` at each look and looks every ``poll_delay``, so with its defaults (10 and 0.5 s) two
workers do at most 40 jobs a second and more only as jobs end early (245/s here). Hence 100 and 10 ms; 20 and 1,000 jobs
cost the same processor time. Its own interval is beside it where that is felt.
"""

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
        pace=2_000,
        killed="runs again: when its timeout (300 s) and 10 s more are over",
        beside="horarium_redis",
    )


PEERS = (
    _peer("arq", "arq, polling every 10 ms", "0.01"),
    _peer("arq_seldom", "arq, its own polling (0.5 s)", "0.5", ("latency",)),
)
