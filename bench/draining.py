"""Working off a batch that has been made ready before: how fast, and for how much of a worker's processor."""

from __future__ import annotations

import time
from typing import Any

from bench.processes import Running, cpu_seconds

LOOK = 0.02
PATIENCE = 120.0
REST = 1.5  # a worker looks at the switches, and adds what it counted, once a second


def drain(app: Any, task: str, number: int, worker: Running, *, queue: str) -> tuple[float, float]:
    """Let a worker, which reads this queue alone, work off so many tasks; return tasks a second, and microseconds of
    its CPU (of all its processes) for each. Any: the app of a module that has been chosen by the environment."""
    from horarium.app.switches import Switches

    switches = Switches(app.connection)
    switches.pause_queue(queue, by="bench")
    for start in range(0, number, 1000):
        app.send_many([app.tasks[task].s().set(queue=queue) for _ in range(min(1000, number - start))])
    time.sleep(REST)
    worker.check()
    family = worker.tree()
    used, began = cpu_seconds(family), time.monotonic()
    switches.resume_queue(queue)
    while (counts := app.engine.inspector.counts(most=0).queues.get(queue)) and (counts.ready or counts.claimed):
        if time.monotonic() > began + PATIENCE:
            raise TimeoutError(f"expected {number} tasks to be done within {PATIENCE} s, got {counts}")
        time.sleep(LOOK)
    took = time.monotonic() - began
    time.sleep(REST)
    return number / took, (cpu_seconds(family) - used) / number * 1e6
