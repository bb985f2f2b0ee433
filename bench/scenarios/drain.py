"""How many no-op tasks a second do two children work off, results stored?

All tasks are queued before the worker starts. Counted from the first stored result that is seen to the last, so that
starting up is left out for everyone (see startup). Peers that need longer than ``drain_seconds`` are stopped then.
"""

from __future__ import annotations

from pathlib import Path

from bench.peer import Peer
from bench.scenario import Metric, Samples, Scenario, Size
from bench.stage import staged


def measure(peer: Peer, directory: Path, size: Size) -> tuple[Samples, dict[str, str]]:
    with staged(peer, directory) as stage:
        stage.caller.ask("fill", count=size.drain_tasks)
        worker = stage.start_worker()
        seen = _at_least_two(stage.await_done(size.drain_tasks, worker, within=size.drain_seconds))
        (began, first), (ended, last) = seen[0], seen[-1]
        if last >= size.drain_tasks and not stage.caller.ask("verify"):
            raise RuntimeError(f"{peer.name}: all tasks are done, yet a sampled result cannot be read")
        return {"rate": [(last - first) / (ended - began)], "done": [float(last)]}, stage.facts


def _at_least_two(seen: list[tuple[float, int]]) -> list[tuple[float, int]]:
    if len(seen) < 2:
        raise RuntimeError("all tasks were done at the first look: too few of them to tell a rate; raise --tasks")
    return seen


SCENARIO = Scenario(
    name="drain",
    question="no-op tasks worked off by 2 children, results stored",
    metrics=(Metric(name="tasks", unit="/s", samples="rate", more_is_better=True),),
    measure=measure,
)
