"""RQ: a pool of two workers. By default each forks for each job; SimpleWorker does not, which its notes on performance
allow for jobs of a few milliseconds that can be trusted."""

from __future__ import annotations

from bench.peer import CHILDREN, Peer

_RQ = ("-m", "rq.cli")
_ALL = ("drain", "publish", "latency", "startup", "idle", "memory", "import", "recovery")


def _peer(name: str, label: str, worker: str, pace: int, killed: str, scenarios: tuple[str, ...] = _ALL) -> Peer:
    return Peer(
        name=name,
        label=label,
        app="bench.apps.rq_app",
        scenarios=scenarios,
        venv="rq",
        servers=("redis",),
        settings=(("BENCH_STORE", "{redis}"),),
        worker=(*_RQ, "worker-pool", "bench", "-q", "-n", str(CHILDREN), "-u", "{redis}", "-w", worker),
        scheduler=(*_RQ, "cron", "bench.apps.rq_crontab", "-l", "warning", "-u", "{redis}"),
        imports="from rq import Queue",
        pace=pace,
        keeps=False,
        killed=killed,
        beside="horarium_redis",
    )


PEERS = (
    _peer("rq", "RQ", "rq.worker.Worker", 150, "is moved to the failed jobs, sooner or later, unless a Retry is set"),
    _peer(
        "rq_simple",
        "RQ, SimpleWorker",
        "rq.worker.SimpleWorker",
        700,
        "is moved to the failed jobs, sooner or later, unless a Retry is set",
        ("drain", "latency", "recovery"),
    ),
)
