"""What does a scheduler cost when a million schedules are stored, and nothing is due?

Only Horarium's own engines. The scheduler's start ends with the firing of a schedule that is due already; an edit is
saved and announced as the commands do it, and makes a schedule due at once.
"""

from __future__ import annotations

import time
from pathlib import Path

from bench.peer import Peer
from bench.processes import cpu_seconds, rss_mib
from bench.scenario import Metric, Samples, Scenario, Size
from bench.stage import staged
from bench.venue import Venue


def measure(peer: Peer, venue: Venue, directory: Path, size: Size) -> tuple[Samples, dict[str, str]]:
    with staged(peer, venue, directory) as stage:
        stored = stage.caller.ask("schedules", verb="store", count=size.million)
        commanded = time.monotonic()
        scheduler = stage.start_scheduler()
        if scheduler is None:
            raise RuntimeError(f"{peer.name}: expected a scheduler of its own, found none; give it a command")
        started = stage.caller.ask("schedules", verb="await_fired") - commanded
        time.sleep(size.idle_settle)  # what is measured next is a stretch of time in which nothing happens
        family, server = scheduler.tree(), stage.server_processes()
        before, server_before, began = cpu_seconds(family), cpu_seconds(server), time.monotonic()
        time.sleep(size.million_idle)
        used, server_used = cpu_seconds(family) - before, cpu_seconds(server) - server_before
        lasted = time.monotonic() - began
        edits = [stage.caller.ask("schedules", verb="edit") for _ in range(size.million_edits)]
        scheduler.check()
        samples: Samples = {
            "stored": [stored],
            "started": [started],
            "cpu": [100.0 * used / lasted],
            "edits": edits,
            "rss": [rss_mib(scheduler.tree())],
        }
        if server:
            samples["server cpu"] = [100.0 * server_used / lasted]
        return samples, stage.facts


SCENARIO = Scenario(
    name="million",
    question="a million stored schedules, nothing due",
    metrics=(
        Metric(name="storing them", unit="s", samples="stored"),
        Metric(name="start to first firing", unit="s", samples="started"),
        Metric(name="resident", unit="MiB", samples="rss"),
        Metric(name="cpu", unit="% of a core", samples="cpu"),
        Metric(name="server's cpu", unit="% of a core", samples="server cpu"),
        Metric(name="edit to firing, p50", unit="s", samples="edits"),
        Metric(name="edit to firing, worst", unit="s", samples="edits", percentile=100.0),
    ),
    measure=measure,
    rounds=1,
    by_default=False,
)
