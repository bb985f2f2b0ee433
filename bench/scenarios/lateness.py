"""How late is a firing: from its nominal instant until a reader of the queue has it?

A hundred schedules fire once a second each, evenly spread. The reader waits for the notification and claims, as a
worker does, so its figures are a little above the moment at which the message lay in the queue, never below.
"""

from __future__ import annotations

import time
from pathlib import Path

from bench.peer import Peer
from bench.scenario import Metric, Samples, Scenario, Size
from bench.stage import staged
from bench.venue import Venue

LEAD = 3.0  # seconds: the scheduler has long started then


def measure(peer: Peer, venue: Venue, directory: Path, size: Size) -> tuple[Samples, dict[str, str]]:
    with staged(peer, venue, directory) as stage:
        instant = time.time() + LEAD
        stage.caller.ask("schedules", verb="each_second", schedules=size.lateness_schedules, instant=instant)
        scheduler = stage.start_scheduler()
        late = stage.caller.ask("schedules", verb="read", instant=instant, seconds=size.lateness_seconds)
        if scheduler is not None:
            scheduler.check()
        if len(late) != (wanted := round(size.lateness_schedules * size.lateness_seconds)):
            raise RuntimeError(f"{peer.name}: expected {wanted} firings, got {len(late)}; some were missed or late")
        return {"late": late}, stage.facts


SCENARIO = Scenario(
    name="lateness",
    question="nominal instant to in the hands of a reader of the queue, 100 schedules a second",
    metrics=(
        Metric(name="p50", unit="ms", samples="late"),
        Metric(name="p99", unit="ms", samples="late", percentile=99.0),
        Metric(name="worst", unit="ms", samples="late", percentile=100.0),
    ),
    measure=measure,
    rounds=2,
    by_default=False,
)
