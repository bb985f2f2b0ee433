"""What is measured, one file per question."""

from __future__ import annotations

from bench.scenario import Scenario
from bench.scenarios import (
    chord,
    control,
    crowd,
    drain,
    due,
    health,
    history,
    idle,
    imports,
    latency,
    lateness,
    memory,
    million,
    publish,
    recovery,
    scale,
    startup,
)

SCENARIOS: tuple[Scenario, ...] = (
    drain.SCENARIO,
    publish.SCENARIO,
    latency.SCENARIO,
    startup.SCENARIO,
    idle.SCENARIO,
    memory.SCENARIO,
    imports.SCENARIO,
    health.SCENARIO,
    chord.SCENARIO,
    recovery.SCENARIO,
    scale.SCENARIO,
    crowd.SCENARIO,
    history.SCENARIO,
    due.SCENARIO,
    million.SCENARIO,
    lateness.SCENARIO,
    control.SCENARIO,
)
DEFAULT = tuple(scenario for scenario in SCENARIOS if scenario.by_default)
RARE = tuple(scenario for scenario in SCENARIOS if not scenario.by_default)
