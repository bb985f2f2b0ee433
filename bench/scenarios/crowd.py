"""Does a message cost the server more when many workers are connected?

Only Horarium's own engines, and only those that have a server. The owners are threads of one process, each with a
connection of its own, so the rate says little; the server's processor time for each message is what is asked for.
"""

from __future__ import annotations

from pathlib import Path

from bench.peer import Peer
from bench.processes import cpu_seconds
from bench.scenario import Metric, Samples, Scenario, Size
from bench.stage import staged
from bench.venue import Venue


def measure(peer: Peer, venue: Venue, directory: Path, size: Size) -> tuple[Samples, dict[str, str]]:
    samples: Samples = {}
    facts: dict[str, str] = {}
    for owners in size.crowd_owners:
        place = directory / f"{owners}-owners"
        directory.chmod(0o711)  # PostgreSQL runs as a user of its own and must come through
        place.mkdir()
        with staged(peer, venue, place) as stage:
            facts = stage.facts
            if not stage.server_processes():
                return {}, facts
            stage.caller.ask("crowd_in", owners=owners, count=size.crowd_tasks)
            before = cpu_seconds(stage.server_processes())
            seconds = stage.caller.ask("crowd_work")
            used = cpu_seconds(stage.server_processes()) - before
            samples[f"rate {owners}"] = [size.crowd_tasks / seconds]
            samples[f"server {owners}"] = [used / size.crowd_tasks * 1e6]
    return samples, facts


def _metrics() -> tuple[Metric, ...]:
    owners = Size().crowd_owners
    costs = [Metric(name=f"server's cpu, {many} workers", unit="us", samples=f"server {many}") for many in owners]
    rates = [
        Metric(name=f"tasks, {many} workers", unit="/s", samples=f"rate {many}", more_is_better=True) for many in owners
    ]
    return (*costs, *rates)


SCENARIO = Scenario(
    name="crowd",
    question="cost of a message to the server, by how many workers are connected",
    metrics=_metrics(),
    measure=measure,
    rounds=1,
    by_default=False,
)
