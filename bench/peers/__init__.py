"""Horarium and its peers, one file per library and store."""

from __future__ import annotations

from bench.peer import Peer
from bench.peers import celery_redis, horarium_sqlite, huey_sqlite

PEERS: tuple[Peer, ...] = (*horarium_sqlite.PEERS, *huey_sqlite.PEERS, *celery_redis.PEERS)
