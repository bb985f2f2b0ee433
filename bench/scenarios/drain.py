"""How many no-op tasks a second do two children work off, results stored, and what does one cost in processor time?

All tasks are queued before the worker starts. Counted from the first stored result that is seen to the last, so that
starting up is left out for everyone (see startup). A peer gets as many as it does in about ``drain_aim`` seconds; one
that needs longer than ``drain_seconds`` is stopped then. Processor time is that of all the worker's processes and that
of the server's, over the same stretch.
"""

from __future__ import annotations

from pathlib import Path

from bench.peer import Peer
from bench.processes import Running, cpu_seconds
from bench.scenario import Metric, Samples, Scenario, Size
from bench.stage import Stage, staged
from bench.venue import Venue


def measure(peer: Peer, venue: Venue, directory: Path, size: Size) -> tuple[Samples, dict[str, str]]:
    count = size.drain_of(peer)
    with staged(peer, venue, directory) as stage:
        stage.caller.ask("fill", count=count)
        worker = stage.start_worker()
        meter = _Meter(stage, worker)
        seen = _at_least_two(stage.await_done(count, worker, within=size.drain_seconds, at_first=meter.begin))
        used = meter.used()
        (began, first), (ended, last) = seen[0], seen[-1]
        if last >= count and not stage.caller.ask("verify"):
            raise RuntimeError(f"{peer.name}: all tasks are done, yet a sampled result cannot be read")
        costs = {name: [seconds / (last - first) * 1e6] for name, seconds in used.items()}
        return {"rate": [(last - first) / (ended - began)], "done": [float(last)], **costs}, stage.facts


class _Meter:
    """Processor seconds of the worker and of the server from ``begin`` on."""

    def __init__(self, stage: Stage, worker: Running) -> None:
        self._stage = stage
        self._worker = worker
        self._before: dict[str, float] = {}

    def begin(self) -> None:
        self._before = self._now()

    def used(self) -> dict[str, float]:
        return {name: seconds - self._before[name] for name, seconds in self._now().items()}

    def _now(self) -> dict[str, float]:
        now = {"worker cpu": cpu_seconds(self._worker.tree())}
        if server := self._stage.server_processes():
            now["server cpu"] = cpu_seconds(server)
        return now


def _at_least_two(seen: list[tuple[float, int]]) -> list[tuple[float, int]]:
    if len(seen) < 2:
        raise RuntimeError("all tasks were done at the first look: too few of them to tell a rate; raise --tasks")
    return seen


SCENARIO = Scenario(
    name="drain",
    question="no-op tasks worked off by 2 children, results stored",
    metrics=(
        Metric(name="tasks", unit="/s", samples="rate", more_is_better=True),
        Metric(name="worker's cpu a task", unit="us", samples="worker cpu"),
        Metric(name="server's cpu a task", unit="us", samples="server cpu"),
    ),
    measure=measure,
)
