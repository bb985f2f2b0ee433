"""How much of a core do a worker with two children and a scheduler use while there is nothing to do?

The schedule holds one nightly entry. What a Redis server uses meanwhile is not counted.
"""

from __future__ import annotations

import time
from pathlib import Path

from bench.peer import Peer
from bench.processes import cpu_seconds
from bench.scenario import Metric, Samples, Scenario, Size
from bench.stage import staged


def measure(peer: Peer, directory: Path, size: Size) -> tuple[Samples, dict[str, str]]:
    with staged(peer, directory) as stage:
        worker = stage.start_worker()
        scheduler = stage.start_scheduler()
        stage.caller.ask("delay", count=1)
        stage.await_done(1, worker)
        time.sleep(size.idle_settle)  # what is measured here is a stretch of time in which nothing happens
        family = [*worker.tree(), *(scheduler.tree() if scheduler else [])]
        before, began = cpu_seconds(family), time.monotonic()
        time.sleep(size.idle_seconds)
        used, lasted = cpu_seconds(family) - before, time.monotonic() - began
        worker.check()
        if scheduler:
            scheduler.check()
        return {"cpu": [100.0 * used / lasted]}, stage.facts


SCENARIO = Scenario(
    name="idle",
    question="worker and scheduler with nothing to do",
    metrics=(Metric(name="cpu", unit="% of a core", samples="cpu"),),
    measure=measure,
)
