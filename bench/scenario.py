"""What a scenario is, how large a run is, and how samples become figures."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct

from bench.peer import Peer
from bench.venue import Venue

BULK_SECONDS = 5  # of a drain's pace

Samples: TypeAlias = dict[str, list[float]]  # by metric; a measurement taken once a round is a list of one


class Size(Struct, frozen=True, kw_only=True):
    """How much is done in one round."""

    rounds: int = 3
    drain_tasks: int | None = None  # None: as many as a peer does in about ``drain_aim`` seconds
    drain_aim: float = 3.0
    drain_seconds: float = 20.0  # whoever is slower than its pace is stopped then: its rate is known
    single_calls: int = 2_000
    bulk_calls: int = 20_000
    latency_calls: int = 100
    latency_seconds: float = 10.0  # whoever looks seldom makes fewer calls
    latency_pause: tuple[float, float] = (0.02, 0.13)  # seconds at rest before each call, uniform
    idle_settle: float = 2.0
    idle_seconds: float = 6.0
    memory_tasks: int = 2_000
    imports: int = 10
    recovery_seconds: float = 75.0  # whoever does not recover within that is said not to
    scale_depths: tuple[int, ...] = (1_000, 10_000, 100_000, 1_000_000)
    scale_laps: int = 60  # of 100 messages each
    history_lengths: tuple[int, ...] = (100_000, 1_000_000, 10_000_000)
    history_laps: int = 30
    crowd_owners: tuple[int, ...] = (1, 4, 16, 64)
    crowd_tasks: int = 30_000
    chord_members: tuple[int, ...] = (100, 1_000, 10_000)
    chain_length: int = 1_000
    chain_seconds: float = 60.0  # whoever is not done by then is said not to be
    due_cases: tuple[tuple[int, int], ...] = ((1_000, 10_000), (10_000, 10_000), (100_000, 100_000))  # due, entries
    due_seconds: float = 60.0  # whoever is not done by then is stopped: its rate is known
    million: int = 1_000_000
    million_idle: float = 10.0
    million_edits: int = 10
    lateness_schedules: int = 100  # each fires once a second
    lateness_seconds: float = 15.0
    control_workers: int = 10
    control_calls: int = 200
    control_pause: float = 0.05  # seconds at rest before each call

    def drain_of(self, peer: Peer) -> int:
        """Return how many tasks a peer is given to drain."""
        return self.drain_tasks or int(peer.pace * self.drain_aim)

    def bulk_of(self, peer: Peer) -> int:
        """Return how many calls a peer makes in bulk: who drains slowly mostly calls slowly."""
        return min(self.bulk_calls, peer.pace * BULK_SECONDS)


QUICK = Size(
    rounds=1,
    drain_tasks=2_000,
    single_calls=50,
    bulk_calls=200,
    latency_calls=5,
    latency_pause=(0.01, 0.02),
    idle_settle=0.2,
    idle_seconds=0.5,
    memory_tasks=50,
    imports=2,
    recovery_seconds=3.0,
    scale_depths=(100, 1_000),
    scale_laps=3,
    history_lengths=(1_000, 6_000),
    history_laps=2,
    crowd_owners=(1, 4),
    crowd_tasks=300,
    chord_members=(100, 1_000),
    chain_length=20,
    due_cases=((1_000, 10_000),),
    due_seconds=20.0,
    million=2_000,
    million_idle=0.5,
    million_edits=2,
    lateness_schedules=20,
    lateness_seconds=2.0,
    control_workers=2,
    control_calls=5,
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
    measure: Callable[[Peer, Venue, Path, Size], tuple[Samples, dict[str, str]]]  # one round: samples, and facts
    rounds: int | None = None  # at most so many: what it measures hardly varies, or takes long
    by_default: bool = True
    side_by_side: bool = False  # most of its time is waiting, so peers that are not ours may wait together


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
