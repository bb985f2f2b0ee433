"""The tasks on Horarium, on whichever store BENCH_STORE names, as it comes."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from bench.apps import witness
from bench.apps.horarium_crowd import Crowd
from bench.apps.horarium_history import History
from bench.apps.horarium_scale import scale as scale_of
from bench.apps.horarium_schedules import Schedules
from horarium import Horarium, chain, chord, crontab
from horarium.engines.connect import connect
from horarium.errors import ResultTimeout
from horarium.version import __version__

STORE = os.environ["BENCH_STORE"]
FLEET_WITHIN = 60.0  # seconds until all workers have started
BATCH = 1_000  # calls in one send_many
LIBRARIES = {"sqlite": ("apsw",), "redis": ("redis", "hiredis"), "postgresql": ("psycopg",)}

app = Horarium("bench", store=STORE)
app.conf.beat_schedule = {"nightly": {"task": "bench.noop", "schedule": crontab(minute=0, hour=3)}}


@app.task(name="bench.noop")
def noop() -> None:
    return None


@app.task(name="bench.tell")
def tell() -> None:
    witness.tell_start()


@app.task(name="bench.hold_on")
def hold_on() -> None:
    time.sleep(witness.tell_hold())


@app.task(name="bench.collect")
def collect(values: list[Any]) -> int:
    witness.tell_body()
    return len(values)


@app.task(name="bench.step")
def step(number: int) -> int:
    return number + 1


def delay() -> Any:
    return noop.delay()


def bulk(count: int) -> tuple[Any, Any]:
    """Send ``count`` in batches of BATCH, as a program would that does not hold them all at once."""
    results = []
    for start in range(0, count, BATCH):
        results += app.send_many([noop.s() for _ in range(min(BATCH, count - start))])
    return results[0], results[-1]


def chord_of(members: int) -> int:
    """Send a chord, wait for it, and return how many values its body was given."""
    return int(chord([noop.si() for _ in range(members)], collect.s()).apply_async().get(timeout=600))


def chain_of(length: int, within: float) -> int | None:
    """Send a chain, wait for it, and return what it has counted to; None if it has not ended by then."""
    try:
        return int(chain([step.s(0), *[step.s() for _ in range(length - 1)]]).apply_async().get(timeout=within))
    except ResultTimeout:
        return None


def note() -> None:
    tell.delay()


def hold() -> None:
    hold_on.delay()


def done() -> int:
    """Results stored."""
    return app.engine.inspector.counts().states.get("SUCCESS", 0)


def readable(handle: Any) -> bool:
    return bool(handle.successful())


def scale(depths: Sequence[int], laps: int, loads: Sequence[str]) -> dict[str, list[float]]:
    return scale_of(app.engine, depths, laps, loads)


def crowd(owners: int) -> Crowd:
    return Crowd(lambda: connect(STORE), owners)


def history() -> History:
    return History(app.engine)


def schedules() -> Schedules:
    return Schedules(app.engine)


def plan(entries: int, due: int, instant: float) -> None:
    schedules().plan(entries, due, instant)


def enqueued() -> int:
    return schedules().enqueued()


def ping(workers: int, calls: int, pause: float) -> list[float]:
    deadline = time.monotonic() + FLEET_WITHIN
    while len(app.control.ping(timeout=1.0)) < workers:
        if time.monotonic() > deadline:
            raise TimeoutError(f"expected {workers} workers to answer within {FLEET_WITHIN} s")
    taken = []
    for _ in range(calls):
        time.sleep(pause)
        began = time.perf_counter()
        answers = len(app.control.ping(timeout=5.0))
        taken.append((time.perf_counter() - began) * 1000)
        if answers != workers:
            raise RuntimeError(f"expected {workers} answers, got {answers}")
    return taken


def facts() -> dict[str, str]:
    app.engine.check()  # opens the store, and so makes it
    return {
        "horarium": __version__,
        **{name: version(name) for name in LIBRARIES[STORE.partition(":")[0]]},
        "durability": f"{app.conf.durability} (calls and outcomes are in the store before they are answered)",
        "results": "stored",
    }
