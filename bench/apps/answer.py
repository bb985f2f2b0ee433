"""The calling process of one peer: imports its app, reads orders from stdin, answers on stdout, one JSON per line.

It is a process of its own so that no peer shares an interpreter with another or with the runner.
"""

from __future__ import annotations

import importlib
import json
import random
import sys
import time
from typing import Any

from bench.apps import witness


def main() -> None:
    app = importlib.import_module(sys.argv[1])
    orders = Orders(app)
    answers = sys.stdout
    sys.stdout = sys.stderr  # whatever a library prints must not be taken for an answer
    for line in sys.stdin:
        order = json.loads(line)
        answer = getattr(orders, order["do"])(**order["with"])
        print(json.dumps(answer), file=answers, flush=True)


class Orders:
    """What the runner may ask for. ``app`` is a module: see the package for what it offers."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._handles: list[Any] = []  # the first and the last call of each order: samples for ``verify``

    def facts(self) -> dict[str, str]:
        """Tell settings and versions as the peer itself sees them."""
        facts: dict[str, str] = self._app.facts()
        return facts

    def delay(self, count: int) -> float:
        """Call the no-op task one by one; return the seconds it took."""
        call = self._app.delay
        call_range = range(count - 1)
        began = time.perf_counter()
        first = call()
        for _ in call_range:
            last = call()
        took = time.perf_counter() - began
        self._handles += [first, last] if count > 1 else [first]
        return took

    def bulk(self, count: int) -> float | None:
        """Call the no-op task in the library's own bulk form; return the seconds, or None where there is none."""
        if self._app.bulk is None:
            return None
        began = time.perf_counter()
        first, last = self._app.bulk(count)
        took = time.perf_counter() - began
        self._handles += [first, last]
        return took

    def fill(self, count: int) -> None:
        """Queue the no-op task ``count`` times, in whatever way is quickest; untimed."""
        if self.bulk(count) is None:
            self.delay(count)

    def done(self) -> int:
        """Count the calls known to have ended."""
        count: int = self._app.done()
        return count

    def verify(self) -> bool:
        """Read back the results of the sampled calls through the library's own interface."""
        return all(self._app.readable(handle) for handle in self._handles)

    def latency(self, calls: int, pause_min: float, pause_max: float, seed: int) -> dict[str, list[float]]:
        """Call one task at a time, resting between calls.

        Returns, in milliseconds and for each call, how long the call took to return and how long after its beginning
        the task started (which may be before it returned).
        """
        rest = random.Random(seed)
        accepts, waits = [], []
        with witness.listen() as listener:
            for _ in range(calls):
                time.sleep(rest.uniform(pause_min, pause_max))
                called = time.monotonic_ns()
                self._app.note()
                accepts.append((time.monotonic_ns() - called) / 1e6)
                waits.append((witness.started_ns(listener) - called) / 1e6)
        return {"accept": accepts, "wait": waits}


if __name__ == "__main__":
    main()
