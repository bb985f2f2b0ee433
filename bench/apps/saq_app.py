"""The tasks on SAQ."""
# mypy: disable-error-code="import-not-found,import-untyped,misc"

from __future__ import annotations

import asyncio
import os
from importlib.metadata import version
from typing import Any

import uvloop
from saq import CronJob, Queue

from bench.apps import witness

RETRIES = 3  # attempts in all; with its default of 1 a killed worker's job would be aborted, not run again

asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # its worker runs in the loop of the process's policy
queue = Queue.from_url(os.environ["BENCH_STORE"], name="bench")
_called = 0


async def noop(context: dict[str, Any]) -> None:
    return None


async def tell(context: dict[str, Any]) -> None:
    witness.tell_start()


async def hold_on(context: dict[str, Any]) -> None:
    await asyncio.sleep(witness.tell_hold())


settings = {
    "queue": queue,
    "functions": [noop, tell, hold_on],
    "cron_jobs": [CronJob(noop, cron="0 3 * * *")],
    "concurrency": int(os.environ["BENCH_CONCURRENCY"]),
}


async def delay() -> Any:
    global _called
    _called += 1
    return await queue.enqueue("noop", retries=RETRIES)


bulk = None  # map() and batch() send one at a time


async def note() -> None:
    await queue.enqueue("tell", retries=RETRIES)


async def hold() -> None:
    await queue.enqueue("hold_on", retries=RETRIES)


async def done() -> int:
    """Calls that are complete; their jobs, with the results, stay for 600 s. The cron job waits all the while."""
    return _called - int(await queue.count("queued")) - int(await queue.count("active"))


async def readable(handle: Any) -> bool:
    await handle.refresh()
    # Its sweep, as a worker starts, takes a job that another one has just moved to the active ones for a stuck one and
    # aborts it: one of 2,000 here, mostly the first, ends as "aborting" though it has run as well.
    return handle.status in ("complete", "aborting", "aborted")


def facts() -> dict[str, str]:
    return {
        "saq": version("saq"),
        "redis-py": version("redis"),
        "hiredis": version("hiredis"),
        "uvloop": version("uvloop"),
        "concurrency": f"{settings['concurrency']} in each process",
        "retries": f"{RETRIES} attempts; timeout of a job 10 s, sweep every 60 s (its defaults)",
        "results": "stored",
    }
