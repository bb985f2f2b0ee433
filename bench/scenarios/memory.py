"""How much memory does a worker with two children hold, all its processes together, after some work?"""

from __future__ import annotations

from pathlib import Path

from bench.peer import Peer
from bench.processes import pss_mib
from bench.scenario import Metric, Samples, Scenario, Size
from bench.stage import staged
from bench.venue import Venue


def measure(peer: Peer, venue: Venue, directory: Path, size: Size) -> tuple[Samples, dict[str, str]]:
    with staged(peer, venue, directory) as stage:
        stage.caller.ask("fill", count=size.memory_tasks)
        worker = stage.start_worker()
        stage.await_done(size.memory_tasks, worker)
        return {"pss": [pss_mib(worker.tree())]}, stage.facts


SCENARIO = Scenario(
    name="memory",
    question="a worker with 2 children, all processes together, after some work",
    metrics=(Metric(name="PSS", unit="MiB", samples="pss"),),
    measure=measure,
    rounds=1,
)
