"""The tasks on Horarium, on SQLite as it comes."""

from __future__ import annotations

import os
from typing import Any

import apsw

from bench.apps import witness
from horarium import Horarium, crontab
from horarium.version import __version__

STORE = os.environ["BENCH_STORE"]
BATCH = 1_000  # calls in one send_many

app = Horarium("bench", store=f"sqlite:///{STORE}")
app.conf.beat_schedule = {"nightly": {"task": "bench.noop", "schedule": crontab(minute=0, hour=3)}}


@app.task(name="bench.noop")
def noop() -> None:
    return None


@app.task(name="bench.tell")
def tell() -> None:
    witness.tell_start()


def delay() -> Any:
    return noop.delay()


def bulk(count: int) -> tuple[Any, Any]:
    """Send ``count`` in batches of BATCH, as a program would that does not hold them all at once."""
    results = []
    for start in range(0, count, BATCH):
        results += app.send_many([noop.s() for _ in range(min(BATCH, count - start))])
    return results[0], results[-1]


def note() -> None:
    tell.delay()


def done() -> int:
    """Results stored."""
    return app.engine.inspector.counts().states.get("SUCCESS", 0)


def readable(handle: Any) -> bool:
    return bool(handle.successful())


def facts() -> dict[str, str]:
    app.engine.check()  # opens the store, and so makes it
    return {
        "horarium": __version__,
        "apsw": apsw.apsw_version(),
        "sqlite": apsw.sqlite_lib_version(),
        "journal_mode": "wal",
        "durability": f"{app.conf.durability} (calls and outcomes are on the disk before they are answered)",
        "results": "stored",
    }
