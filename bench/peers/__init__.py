"""Who is measured, and how each is set: one file per library."""

from __future__ import annotations

from bench.peer import Peer
from bench.peers import (
    arq,
    celery,
    dramatiq,
    horarium,
    huey,
    pgqueuer,
    procrastinate,
    raw,
    rq,
    saq,
    schedulers,
    streaq,
    taskiq,
)

PEERS: tuple[Peer, ...] = (
    *horarium.PEERS,
    *huey.PEERS,
    *celery.PEERS,
    *dramatiq.PEERS,
    *rq.PEERS,
    *taskiq.PEERS,
    *saq.PEERS,
    *arq.PEERS,
    *streaq.PEERS,
    *procrastinate.PEERS,
    *pgqueuer.PEERS,
    *raw.PEERS,
    *schedulers.PEERS,
)
