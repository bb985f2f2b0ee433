"""The tasks on Procrastinate."""
# mypy: disable-error-code="import-not-found,import-untyped,untyped-decorator,misc"

from __future__ import annotations

import asyncio
import os
from importlib.metadata import version
from typing import Any

import psycopg
from procrastinate import App, PsycopgConnector

from bench.apps import witness

BATCH = 1_000  # calls in one batch_defer
STORE = os.environ["BENCH_STORE"]

app = App(connector=PsycopgConnector(conninfo=STORE))
_look: Any = None


@app.task
async def noop() -> None:
    return None


@app.task
async def tell() -> None:
    witness.tell_start()


@app.task
async def hold_on() -> None:
    await asyncio.sleep(witness.tell_hold())


@app.periodic(cron="0 3 * * *")
@app.task
async def nightly(timestamp: int) -> None:
    """Something for the scheduler to look after while it idles."""


def delay() -> Any:
    return noop.defer()


def bulk(count: int) -> tuple[Any, Any]:
    ids: list[int] = []
    for start in range(0, count, BATCH):
        ids += noop.batch_defer(*({} for _ in range(min(BATCH, count - start))))
    return ids[0], ids[-1]


def note() -> None:
    tell.defer()


def hold() -> None:
    hold_on.defer()


def done() -> int:
    """Jobs that have ended; their rows stay, what they returned is not stored."""
    (count,) = _look.execute("select count(*) from procrastinate_jobs where status = 'succeeded'").fetchone()
    return int(count)


def readable(handle: Any) -> bool:
    (status,) = _look.execute("select status from procrastinate_jobs where id = %s", (handle,)).fetchone()
    return bool(status == "succeeded")


def facts() -> dict[str, str]:
    global _look
    _look = psycopg.connect(STORE, autocommit=True)
    app.open()  # the caller has no loop: a connector and a pool for such programs
    app.schema_manager.apply_schema()
    return {
        "procrastinate": version("procrastinate"),
        "psycopg": version("psycopg"),
        "results": "the end of each job is, what it returned is not",
    }
