"""Who is measured, and how each is set: one file per library."""

from __future__ import annotations

from bench.peer import Peer
from bench.peers import celery, horarium, huey, raw

PEERS: tuple[Peer, ...] = (
    *horarium.PEERS,
    *huey.PEERS,
    *celery.PEERS,
    *raw.PEERS,
)
