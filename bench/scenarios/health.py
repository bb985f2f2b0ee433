"""How much processor time does a health probe take? It is started every few seconds, for ever, on every host.

A worker runs; the probe is a fresh interpreter each time, and what counts is all it uses from start to exit.
"""

from __future__ import annotations

import os
import resource
import subprocess
import time
from pathlib import Path

from bench.peer import Peer
from bench.scenario import Metric, Samples, Scenario, Size
from bench.stage import ROOT, staged
from bench.venue import Venue

READY_WITHIN = 30.0


def measure(peer: Peer, venue: Venue, directory: Path, size: Size) -> tuple[Samples, dict[str, str]]:
    with staged(peer, venue, directory) as stage:
        worker = stage.start_worker()
        command = [venue.python(peer), *peer.probe]
        names = {"directory": str(directory)}
        settings = {name: text.format_map(names) for name, text in peer.settings if name == "HORARIUM_RUN_DIR"}
        deadline = time.monotonic() + READY_WITHIN
        while _probe(command, settings)[0] != 0:  # warms byte code and page cache, too
            worker.check()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{peer.name}: not well within {READY_WITHIN} s:\n{worker.tail()}")
            time.sleep(0.05)  # between two looks at a fact
        takes = [_probe(command, settings)[1] for _ in range(size.imports)]
        return {"cpu": [took * 1000.0 for took in takes]}, stage.facts


def _probe(command: list[str], settings: dict[str, str]) -> tuple[int, float]:
    """Return the exit code of one probe, and what processor time it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **settings}, capture_output=True, timeout=60, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done.returncode, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


SCENARIO = Scenario(
    name="health",
    question="a health probe, from start to exit",
    metrics=(Metric(name="cpu", unit="ms", samples="cpu"),),
    measure=measure,
    rounds=1,
)
