"""Huey: two worker processes, else its own defaults. On SQLite: WAL, synchronous as the library was built (FULL),
polling from 100 ms up; on Redis: a blocking pop.

Variants, named by what differs: no results kept (fewer writes), synchronous OFF (not durable; shows what the disk
costs), and a consumer that polls every 5 ms instead of 100 ms and up (quicker to start, busier when idle).
"""

from __future__ import annotations

from bench.peer import CHILDREN, Peer, ServerName

_MODULE = "bench.apps.huey_app"
_WORKER = ("-m", "huey.bin.huey_consumer", f"{_MODULE}.huey", "-k", "process", "-w", str(CHILDREN), "-q")
_EAGER = ("-d", "0.005", "-m", "0.005")
_ALL = ("drain", "publish", "latency", "startup", "idle", "memory", "import", "recovery")


def _peer(
    name: str,
    label: str,
    scenarios: tuple[str, ...] = _ALL,
    *,
    store: str = "sqlite:///{directory}/huey.db",
    results: bool = True,
    fsync: str = "default",
    polling: tuple[str, ...] = (),
    pace: int = 3_000,
) -> Peer:
    on_redis = store.startswith("{redis}")
    servers: tuple[ServerName, ...] = ("redis",) if on_redis else ()
    return Peer(
        name=name,
        label=f"Huey, {label}",
        app=_MODULE,
        scenarios=scenarios,
        venv="huey",
        servers=servers,
        settings=(
            ("BENCH_STORE", store.removeprefix("sqlite:///")),
            ("BENCH_HUEY_RESULTS", "1" if results else "0"),
            ("BENCH_HUEY_FSYNC", fsync),
        ),
        worker=(*_WORKER, *polling),
        imports="from huey import RedisHuey" if on_redis else "from huey import SqliteHuey",
        pace=pace,
        keeps=False,
        killed="is lost: Huey removes a task from its queue before it runs it",
        beside="horarium_redis" if on_redis else "horarium_sqlite",
    )


PEERS = (
    _peer("huey_sqlite", "SQLite"),
    _peer("huey_sqlite_no_results", "SQLite, no results", ("drain",), results=False),
    _peer("huey_sqlite_no_fsync", "SQLite, synchronous=OFF", ("drain",), fsync="off"),
    _peer("huey_sqlite_eager", "SQLite, polling every 5 ms", ("latency", "idle"), polling=_EAGER),
    _peer("huey_redis", "Redis", store="{redis}/0", pace=5_000),
)
