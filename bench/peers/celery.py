"""Celery, set for speed: prefork, prefetch 128, no gossip, mingle or heartbeats, hiredis, JSON. Redis or RabbitMQ
carries, Redis keeps the results (with `rpc://` they would travel back to one caller and be stored nowhere).

RabbitMQ has transient messages here, which Celery's guide asks for where speed matters and Redis gives as it is set.
"""

from __future__ import annotations

from bench.peer import CHILDREN, Peer, ServerName

_CELERY = ("-m", "celery", "-A", "bench.apps.celery_app")
_QUIET = ("-l", "warning", "--without-gossip", "--without-mingle", "--without-heartbeat")
_ALL = ("drain", "publish", "latency", "startup", "idle", "memory", "import", "recovery")
_LOST = "is lost: acknowledged before it runs"


def _peer(name: str, label: str, broker: ServerName, scenarios: tuple[str, ...], *, late: bool, killed: str) -> Peer:
    servers: tuple[ServerName, ...] = ("redis",) if broker == "redis" else ("rabbitmq", "redis")
    return Peer(
        name=name,
        label=f"Celery, {label}",
        app="bench.apps.celery_app",
        scenarios=scenarios,
        venv="celery",
        servers=servers,
        settings=(
            ("BENCH_CELERY_BROKER", "{redis}/0" if broker == "redis" else "{rabbitmq}"),
            ("BENCH_CELERY_RESULTS", "{redis}/1"),
            ("BENCH_CELERY_ACKS_LATE", "1" if late else "0"),
        ),
        worker=(*_CELERY, "worker", "-P", "prefork", "-c", str(CHILDREN), "-n", "{process}@%h", *_QUIET),
        scheduler=(*_CELERY, "beat", "-l", "warning", "-s", "{directory}/beat", "--pidfile", ""),
        imports="from celery import Celery",
        pace=900,
        keeps=late,
        killed=killed,
        beside="horarium_redis",
    )


PEERS = (
    _peer("celery_redis", "Redis", "redis", (*_ALL, "chord"), late=False, killed=_LOST),
    _peer(
        "celery_redis_acks_late",
        "Redis, acks late",
        "redis",
        ("drain", "recovery"),
        late=True,
        killed="runs again: within seconds for a child, after the visibility timeout (1 h) for a host",
    ),
    _peer("celery_rabbitmq", "RabbitMQ", "rabbitmq", _ALL, late=False, killed=_LOST),
    _peer(
        "celery_rabbitmq_acks_late",
        "RabbitMQ, acks late",
        "rabbitmq",
        ("drain", "recovery"),
        late=True,
        killed="runs again: within seconds for a child, at once for a host (the broker sees its connection end)",
    ),
)
