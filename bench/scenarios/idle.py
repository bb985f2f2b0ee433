"""How much of a core do a worker with two children and a scheduler use while there is nothing to do?

The schedule holds one nightly entry. What the server uses meanwhile is told apart.
"""

from __future__ import annotations

import time
from pathlib import Path

from bench.peer import Peer
from bench.processes import cpu_seconds
from bench.scenario import Metric, Samples, Scenario, Size
from bench.stage import staged
from bench.venue import Venue


def measure(peer: Peer, venue: Venue, directory: Path, size: Size) -> tuple[Samples, dict[str, str]]:
    with staged(peer, venue, directory) as stage:
        worker = stage.start_worker()
        scheduler = stage.start_scheduler()
        stage.caller.ask("delay", count=1)
        stage.await_done(1, worker)
        time.sleep(size.idle_settle)  # what is measured here is a stretch of time in which nothing happens
        family = [*worker.tree(), *(scheduler.tree() if scheduler else [])]
        server = stage.server_processes()
        before, server_before, began = cpu_seconds(family), cpu_seconds(server), time.monotonic()
        time.sleep(size.idle_seconds)
        used, server_used = cpu_seconds(family) - before, cpu_seconds(server) - server_before
        lasted = time.monotonic() - began
        worker.check()
        if scheduler:
            scheduler.check()
        samples = {"cpu": [100.0 * used / lasted]}
        if server:
            samples["server cpu"] = [100.0 * server_used / lasted]
        return samples, stage.facts


SCENARIO = Scenario(
    name="idle",
    question="worker and scheduler with nothing to do",
    metrics=(
        Metric(name="cpu", unit="% of a core", samples="cpu"),
        Metric(name="server's cpu", unit="% of a core", samples="server cpu"),
    ),
    measure=measure,
    rounds=1,
)
