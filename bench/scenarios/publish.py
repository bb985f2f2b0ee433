"""How many calls a second does one process make: one by one, and in the library's bulk form? No worker runs."""

from __future__ import annotations

from pathlib import Path

from bench.peer import Peer
from bench.scenario import Metric, Samples, Scenario, Size
from bench.stage import staged
from bench.venue import Venue

WARM_UP = 20  # the first calls open connections


def measure(peer: Peer, venue: Venue, directory: Path, size: Size) -> tuple[Samples, dict[str, str]]:
    with staged(peer, venue, directory) as stage:
        stage.caller.ask("delay", count=WARM_UP)
        samples = {"single": [size.single_calls / stage.caller.ask("delay", count=size.single_calls)]}
        many = size.bulk_of(peer)
        if (seconds := stage.caller.ask("bulk", count=many)) is not None:
            samples["bulk"] = [many / seconds]
        return samples, stage.facts


SCENARIO = Scenario(
    name="publish",
    question="calls by one process, no worker running",
    metrics=(
        Metric(name="one by one", unit="/s", samples="single", more_is_better=True),
        Metric(name="in bulk", unit="/s", samples="bulk", more_is_better=True),
    ),
    measure=measure,
)
