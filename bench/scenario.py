"""What a scenario is, how large a run is, and how samples become figures."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct

from bench.peer import Peer

Samples: TypeAlias = dict[str, list[float]]  # by metric; a measurement taken once a round is a list of one


class Size(Struct, frozen=True, kw_only=True):
    """How much is done in one round."""

    rounds: int = 3
    drain_tasks: int = 20_000
    drain_seconds: float = 20.0  # the slow ones are stopped then: their rate is known
    single_calls: int = 3_000
    bulk_calls: int = 20_000
    latency_calls: int = 100
    latency_pause: tuple[float, float] = (0.05, 0.45)  # seconds at rest before each call, uniform
    idle_settle: float = 3.0
    idle_seconds: float = 15.0
    memory_tasks: int = 2_000
    imports: int = 10


QUICK = Size(
    rounds=1,
    drain_tasks=200,
    single_calls=50,
    bulk_calls=200,
    latency_calls=5,
    latency_pause=(0.01, 0.02),
    idle_settle=0.2,
    idle_seconds=0.5,
    memory_tasks=50,
    imports=2,
)


class Metric(Struct, frozen=True, kw_only=True):
    """One figure of a scenario: which samples, and which point of them."""

    name: str
    unit: str
    samples: str
    percentile: float = 50.0
    more_is_better: bool = False


class Scenario(Struct, frozen=True, kw_only=True):
    name: str
    question: str
    metrics: tuple[Metric, ...]
    measure: Callable[[Peer, Path, Size], tuple[Samples, dict[str, str]]]  # one round: samples, and the peer's facts


class Figure(Struct, frozen=True, kw_only=True):
    """A metric of one peer over all rounds."""

    metric: str
    unit: str
    value: float
    low: float  # of the samples
    high: float
    samples: int


def figure(metric: Metric, samples: list[float]) -> Figure:
    """Condense samples: the median, or the nearest rank for another percentile."""
    return Figure(
        metric=metric.name,
        unit=metric.unit,
        value=statistics.median(samples) if metric.percentile == 50.0 else nearest_rank(samples, metric.percentile),
        low=min(samples),
        high=max(samples),
        samples=len(samples),
    )


def nearest_rank(samples: list[float], percentile: float) -> float:
    """Return the smallest sample that is not exceeded by ``percentile`` per cent of them."""
    ordered = sorted(samples)
    rank = -(-len(ordered) * percentile // 100)  # rounded up
    return ordered[max(int(rank), 1) - 1]
