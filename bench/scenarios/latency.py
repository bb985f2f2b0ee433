"""How long after the call does an idle worker start the task?

One task at a time, with a random rest before each. The task tells its start by a datagram, so no result store and no
polling of the caller's is in the figure. Bare round trips to the servers, with the same rests, tell the noise of the
machine apart: nobody can be quicker, and their worst ones are not the fault of a library.
"""

from __future__ import annotations

from pathlib import Path

from bench.peer import Peer
from bench.scenario import Metric, Samples, Scenario, Size
from bench.stage import FIRST_SECONDS, staged
from bench.venue import Venue

WARM_UP = 10  # both children have run one before it counts
SEED = 20  # the same rests for every peer


def measure(peer: Peer, venue: Venue, directory: Path, size: Size) -> tuple[Samples, dict[str, str]]:
    low, high = size.latency_pause
    with staged(peer, venue, directory) as stage:
        if peer.worker:  # else it is a bare round trip
            stage.start_worker()
        stage.caller.ask("latency", calls=WARM_UP, seconds=FIRST_SECONDS, pause_min=0.0, pause_max=0.05, seed=SEED)
        most: dict[str, float] = {"calls": size.latency_calls, "seconds": size.latency_seconds}
        samples = stage.caller.ask("latency", **most, pause_min=low, pause_max=high, seed=SEED)
        return samples, stage.facts


SCENARIO = Scenario(
    name="latency",
    question="call to start, idle worker, one task at a time",
    metrics=(
        Metric(name="p50", unit="ms", samples="wait"),
        Metric(name="p99", unit="ms", samples="wait", percentile=99.0),
        Metric(name="of it the call, p50", unit="ms", samples="accept"),
        Metric(name="of it the call, p99", unit="ms", samples="accept", percentile=99.0),
    ),
    measure=measure,
    rounds=2,
)
