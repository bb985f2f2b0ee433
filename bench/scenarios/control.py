"""How long does it take until every worker of a fleet has answered a ping?

Ten workers, with two children each, at rest; each ping is answered by all ten, or the measurement fails. Horarium's
engines only: Celery's callers wait for their whole timeout, since they do not know who lives.
"""

from __future__ import annotations

from pathlib import Path

from bench.peer import Peer
from bench.scenario import Metric, Samples, Scenario, Size
from bench.stage import staged
from bench.venue import Venue


def measure(peer: Peer, venue: Venue, directory: Path, size: Size) -> tuple[Samples, dict[str, str]]:
    with staged(peer, venue, directory) as stage:
        workers = [stage.start_worker(f"worker{number}") for number in range(size.control_workers)]
        taken: list[float] = stage.caller.ask(
            "ping", workers=size.control_workers, calls=size.control_calls, pause=size.control_pause
        )
        for worker in workers:
            worker.check()
        return {"ping": taken}, stage.facts


SCENARIO = Scenario(
    name="control",
    question="a ping until every worker of ten has answered",
    metrics=(
        Metric(name="ping p50", unit="ms", samples="ping"),
        Metric(name="ping p95", unit="ms", samples="ping", percentile=95.0),
    ),
    measure=measure,
    rounds=1,
    by_default=False,
)
