"""How long from the worker command to the first task done? One task waits already."""

from __future__ import annotations

import time
from pathlib import Path

from bench.peer import Peer
from bench.scenario import Metric, Samples, Scenario, Size
from bench.stage import staged
from bench.venue import Venue


def measure(peer: Peer, venue: Venue, directory: Path, size: Size) -> tuple[Samples, dict[str, str]]:
    with staged(peer, venue, directory) as stage:
        stage.caller.ask("delay", count=1)
        commanded = time.monotonic()
        worker = stage.start_worker()
        seen = stage.await_done(1, worker)
        return {"first done": [seen[0][0] - commanded]}, stage.facts


SCENARIO = Scenario(
    name="startup",
    question="worker command to first task done",
    metrics=(Metric(name="first done", unit="s", samples="first done"),),
    measure=measure,
    rounds=2,
)
