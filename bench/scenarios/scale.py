"""Does a message cost more when very many lie there: queued, kept for a time to come, or kept as runs that have ended?

Only Horarium's own engines, driven at the seam by one process without a worker, so that nothing else is in the figure.
Not part of a run unless asked for: making a million messages and a million runs takes minutes.
"""

from __future__ import annotations

from pathlib import Path

from bench.peer import Peer
from bench.scenario import Metric, Samples, Scenario, Size
from bench.stage import staged
from bench.venue import Venue

LOADS = ("an empty store", "kept runs", "kept runs and future messages")


def measure(peer: Peer, venue: Venue, directory: Path, size: Size) -> tuple[Samples, dict[str, str]]:
    with staged(peer, venue, directory) as stage:
        samples = stage.caller.ask("scale", depths=size.scale_depths, laps=size.scale_laps, loads=LOADS)
        return samples, stage.facts


def _metrics() -> tuple[Metric, ...]:
    depths = Size().scale_depths
    works = [Metric(name=f"work off, {depth:,} queued", unit="us", samples=f"work {depth}") for depth in depths]
    puts = [Metric(name=f"put, {depth:,} queued", unit="us", samples=f"put {depth}") for depth in depths]
    claims = [Metric(name=f"claim one, {load}", unit="us", samples=f"claim {load}") for load in LOADS]
    return (*works, *puts, *claims)


SCENARIO = Scenario(
    name="scale",
    question="cost of a message (in batches of 100) and of one claim, by what lies in the store",
    metrics=_metrics(),
    measure=measure,
    rounds=1,
    by_default=False,
)
