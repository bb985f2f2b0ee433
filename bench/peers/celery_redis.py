"""Celery, Redis as broker and result backend, set for speed: prefork, prefetch 128, no gossip, mingle or heartbeats,
hiredis, and a Redis server that saves nothing to disk."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import redis_server
from bench.peer import CHILDREN, Peer

_CELERY = [sys.executable, "-m", "celery", "-A", "bench.apps.celery_app"]


class CeleryRedis(Peer, frozen=True, kw_only=True):
    app: str = "bench.apps.celery_app"
    needs: tuple[str, ...] = ("celery", "redis")
    imports: str = "from celery import Celery"

    def missing(self) -> str | None:
        return Peer.missing(self) or redis_server.missing()

    @contextmanager
    def prepared(self, directory: Path) -> Iterator[dict[str, str]]:
        with redis_server.private_redis(directory) as address:
            yield {"BENCH_REDIS": address, **dict(self.environment)}

    def worker(self) -> list[str]:
        quiet = ["-l", "warning", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        return [*_CELERY, "worker", "-P", "prefork", "-c", str(CHILDREN), *quiet]

    def scheduler(self, directory: Path) -> list[str] | None:
        return [*_CELERY, "beat", "-l", "warning", "-s", str(directory / "beat"), "--pidfile", ""]


PEERS = (
    CeleryRedis(
        name="celery_redis",
        label="Celery, Redis",
        environment=(("BENCH_CELERY_ACKS_LATE", "0"),),
        scenarios=("drain", "publish", "latency", "startup", "idle", "memory", "import"),
    ),
    CeleryRedis(
        name="celery_redis_acks_late",
        label="Celery, Redis, acks late",
        environment=(("BENCH_CELERY_ACKS_LATE", "1"),),
        scenarios=("drain",),
    ),
)
