"""Does anything cost more when very many runs have ended and are kept?

Only Horarium's own engines, and of those the ones that keep runs on a disk: ten million of them would not fit into the
memory of most machines. Driven at the seam by one process, without a worker. Not part of a run unless asked for: making
ten million runs takes a quarter of an hour for each store.
"""

from __future__ import annotations

from pathlib import Path

from bench.peer import Peer
from bench.scenario import Metric, Samples, Scenario, Size
from bench.stage import staged
from bench.venue import Venue

QUESTIONS = (
    ("claim", "claim one", "us"),
    ("work", "work off", "us"),
    ("find", "read one run", "us"),
    ("page", "first page of a task's runs", "ms"),
    ("deep", "a page 5,000 runs further down", "ms"),
    ("failed", "first page of failures", "ms"),
    ("counts", "count all by state", "ms"),
    ("forget", "forget 1,000 old runs", "ms"),
)


def measure(peer: Peer, venue: Venue, directory: Path, size: Size) -> tuple[Samples, dict[str, str]]:
    with staged(peer, venue, directory) as stage:
        samples: Samples = {}
        for length in size.history_lengths:
            stage.caller.ask("history_grow", length=length)
            found = stage.caller.ask("history_ask", laps=size.history_laps)
            samples |= {f"{question} {length}": taken for question, taken in found.items()}
        return samples, stage.facts


def _metrics() -> tuple[Metric, ...]:
    return tuple(
        Metric(name=f"{what}, {length:,} kept", unit=unit, samples=f"{question} {length}")
        for question, what, unit in QUESTIONS
        for length in Size().history_lengths
    )


SCENARIO = Scenario(
    name="history",
    question="cost of work, of looking and of forgetting, by how many runs are kept",
    metrics=_metrics(),
    measure=measure,
    rounds=1,
    by_default=False,
)
