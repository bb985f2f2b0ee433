"""The calling process of one peer: imports its app, reads orders from stdin, answers on stdout, one JSON per line.

It is a process of its own so that no peer shares an interpreter with another or with the runner. Where an app's calls
are coroutines, all orders run in one event loop; else none runs, for a library may behave otherwise inside of one.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import random
import sys
import time
from collections.abc import Coroutine
from contextlib import nullcontext
from typing import Any, TextIO

from bench.apps import witness


def main() -> None:
    app = importlib.import_module(sys.argv[1])
    orders = Orders(app)
    answers = sys.stdout
    sys.stdout = sys.stderr  # whatever a library prints must not be taken for an answer
    if orders.are_async:
        asyncio.run(_serve_in_loop(app, orders, answers))
    else:
        for line in sys.stdin:
            _tell(_finished(orders.obey(line)), answers)


async def _serve_in_loop(app: Any, orders: Orders, answers: TextIO) -> None:
    """Between two orders the loop stands still: nobody is waited for then."""
    async with app.opened() if hasattr(app, "opened") else nullcontext():
        for line in sys.stdin:
            _tell(await orders.obey(line), answers)


def _tell(answer: Any, answers: TextIO) -> None:
    print(json.dumps(answer), file=answers, flush=True)


def _finished(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that waits for nothing to its end."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise RuntimeError("expected an app without coroutines, yet it waits for something; make its delay one as well")


class Orders:
    """What the runner may ask for. ``app`` is a module: see the package for what it offers."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._handles: list[Any] = []  # the first and the last call of each order: samples for ``verify``
        self._history: Any = None
        self._schedules: Any = None
        self.are_async = inspect.iscoroutinefunction(getattr(app, "delay", None))

    async def obey(self, line: str) -> Any:
        order = json.loads(line)
        return await getattr(self, order["do"])(**order["with"])

    async def facts(self) -> dict[str, str]:
        """Tell settings and versions as the peer itself sees them."""
        facts: dict[str, str] = await _result(self._app.facts())
        return facts

    async def delay(self, count: int) -> float:
        """Call the no-op task one by one; return the seconds it took."""
        began = time.perf_counter()
        first, last = await self._each_awaited(count) if self.are_async else self._each(count)
        took = time.perf_counter() - began
        self._handles += [first, last]
        return took

    async def bulk(self, count: int) -> float | None:
        """Call the no-op task in the library's own bulk form; return the seconds, or None where there is none."""
        if self._app.bulk is None:
            return None
        began = time.perf_counter()
        first, last = await _result(self._app.bulk(count))
        took = time.perf_counter() - began
        self._handles += [first, last]
        return took

    async def fill(self, count: int) -> None:
        """Queue the no-op task ``count`` times, in whatever way is quickest; untimed."""
        if await self.bulk(count) is None:
            await self.delay(count)

    async def done(self) -> int:
        """Count the calls known to have ended."""
        count: int = await _result(self._app.done())
        return count

    async def verify(self) -> bool:
        """Read back the results of the sampled calls through the library's own interface."""
        for handle in self._handles:
            if not await _result(self._app.readable(handle)):
                return False
        return True

    async def latency(
        self, calls: int, seconds: float, pause_min: float, pause_max: float, seed: int
    ) -> dict[str, list[float]]:
        """Call one task at a time, resting between calls; no more of them after so many seconds.

        Returns, in milliseconds and for each call, how long the call took to return and how long after its beginning
        the task started (which may be before it returned).
        """
        rest = random.Random(seed)
        accepts: list[float] = []
        waits: list[float] = []
        deadline = time.monotonic() + seconds
        with witness.listen() as listener:
            while len(waits) < calls and time.monotonic() < deadline:
                await self._sleep(rest.uniform(pause_min, pause_max))
                called = time.monotonic_ns()
                await _result(self._app.note())
                accepts.append((time.monotonic_ns() - called) / 1e6)
                waits.append((witness.started_ns(listener, called) - called) / 1e6)
        return {"accept": accepts, "wait": waits}

    async def hold(self) -> int:
        """Call the task that holds on; return the process that runs it, once it does."""
        self._listener = witness.listen()
        await _result(self._app.hold())
        return witness.held_by(self._listener)

    async def again(self, within: float) -> int | None:
        """Wait until that task starts once more; return the monotonic nanosecond, None if it does not."""
        return witness.started_again_ns(self._listener, within)

    async def scale(self, **arguments: Any) -> dict[str, list[float]]:
        """Measure at the store itself how cost grows with what lies there (only Horarium's apps can)."""
        samples: dict[str, list[float]] = self._app.scale(**arguments)
        return samples

    async def history_grow(self, length: int) -> None:
        """Let so many ended runs be kept."""
        if self._history is None:
            self._history = self._app.history()
        self._history.grow(length)

    async def history_ask(self, laps: int) -> dict[str, list[float]]:
        """Ask what a history of that length is asked."""
        taken: dict[str, list[float]] = self._history.ask(laps)
        return taken

    async def crowd_in(self, owners: int, count: int) -> None:
        """Connect so many owners, and let so many messages wait for them (only Horarium's apps can)."""
        self._crowd = self._app.crowd(owners)
        self._crowd.fill(count)

    async def crowd_work(self) -> float:
        """Let the owners work off all that waits; return the seconds."""
        seconds: float = self._crowd.work_off()
        return seconds

    async def chord(self, members: int) -> tuple[float, int]:
        """Send a chord and wait for its result; return the seconds, and how often its body ran."""
        before, began = witness.bodies(), time.perf_counter()
        given = self._app.chord_of(members)
        took = time.perf_counter() - began
        if given != members:
            raise RuntimeError(f"the body of a chord of {members} was given {given} values")
        return took, witness.bodies() - before

    async def chain(self, length: int, within: float) -> float | None:
        """Send a chain and wait for its result; return the seconds, None if it has not ended within so many."""
        began = time.perf_counter()
        count = self._app.chain_of(length, within)
        if count not in (length, None):
            raise RuntimeError(f"a chain of {length} has counted to {count}")
        return time.perf_counter() - began if count is not None else None

    async def ping(self, workers: int, calls: int, pause: float) -> list[float]:
        """Wait until so many workers live, then ask all of them time and again; return the milliseconds of each call
        (only Horarium's apps can)."""
        taken: list[float] = self._app.ping(workers, calls, pause)
        return taken

    async def plan(self, entries: int, due: int, instant: float) -> None:
        """Let a scheduler find so many entries, some of which come due at one instant, in seconds since the epoch."""
        await _result(self._app.plan(entries, due, instant))

    async def enqueued(self) -> int:
        """Count what a scheduler has enqueued."""
        count: int = await _result(self._app.enqueued())
        return count

    async def schedules(self, verb: str, **arguments: Any) -> Any:
        """Have something done with schedules that only Horarium's apps can (bench/apps/horarium_schedules.py)."""
        if self._schedules is None:
            self._schedules = self._app.schedules()
        return getattr(self._schedules, verb)(**arguments)

    def _each(self, count: int) -> tuple[Any, Any]:
        call = self._app.delay
        first = last = call()
        for _ in range(count - 1):
            last = call()
        return first, last

    async def _each_awaited(self, count: int) -> tuple[Any, Any]:
        call = self._app.delay
        first = last = await call()
        for _ in range(count - 1):
            last = await call()
        return first, last

    async def _sleep(self, seconds: float) -> None:
        if self.are_async:
            await asyncio.sleep(seconds)
        else:
            time.sleep(seconds)


async def _result(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


if __name__ == "__main__":
    main()
