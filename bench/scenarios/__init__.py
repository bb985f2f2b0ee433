"""What is measured, one file per question."""

from __future__ import annotations

from bench.scenario import Scenario
from bench.scenarios import drain, idle, imports, latency, memory, publish, startup

SCENARIOS: tuple[Scenario, ...] = (
    drain.SCENARIO,
    publish.SCENARIO,
    latency.SCENARIO,
    startup.SCENARIO,
    idle.SCENARIO,
    memory.SCENARIO,
    imports.SCENARIO,
)
