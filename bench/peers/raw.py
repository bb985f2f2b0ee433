"""No libraries at all: one bare round trip to each server, from the process that calls tasks elsewhere.

What these rows show beside a library's is the machine's and the server's share, and the noise of both.
"""

from __future__ import annotations

from bench.peer import Peer

PEERS = (
    Peer(
        name="raw_redis",
        label="(bare PING, Redis)",
        app="bench.apps.raw_redis",
        scenarios=("latency",),
        servers=("redis",),
        settings=(("BENCH_STORE", "{redis}"),),
        beside="horarium_redis",
    ),
    Peer(
        name="raw_postgres",
        label="(bare SELECT 1, PostgreSQL)",
        app="bench.apps.raw_postgres",
        scenarios=("latency",),
        needs=("psycopg",),
        servers=("postgres",),
        settings=(("BENCH_STORE", "{postgres}"),),
        beside="horarium_postgres",
    ),
)
