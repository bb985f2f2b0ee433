"""The bars Horarium has to clear, and whether it did."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from bench.run import Report

State: TypeAlias = Literal["met", "missed", "not measured"]
HORARIUM = "horarium_sqlite"


class Bar(Struct, frozen=True, kw_only=True):
    """A limit for a figure of Horarium's, or, with ``over``, for its ratio to the same figure of a peer."""

    scenario: str
    metric: str
    limit: float
    at_least: bool = False  # else at most
    over: str | None = None

    def __str__(self) -> str:
        sign = ">=" if self.at_least else "<="
        limit = f"{self.limit:g}x {self.over}" if self.over else f"{self.limit:g}"
        return f"{self.scenario}: {self.metric} {sign} {limit}"


class Judgement(Struct, frozen=True, kw_only=True):
    bar: str
    state: State
    found: str


BARS = (
    Bar(scenario="drain", metric="tasks", limit=7_000, at_least=True),
    Bar(scenario="drain", metric="tasks", limit=1.4, at_least=True, over="huey_sqlite"),
    Bar(scenario="drain", metric="tasks", limit=1.4, at_least=True, over="huey_sqlite_no_results"),
    Bar(scenario="drain", metric="tasks", limit=9, at_least=True, over="celery_redis"),
    Bar(scenario="publish", metric="one by one", limit=2_000, at_least=True),
    Bar(scenario="publish", metric="in bulk", limit=30_000, at_least=True),
    Bar(scenario="latency", metric="p50", limit=6),
    Bar(scenario="latency", metric="p99", limit=20),
    Bar(scenario="startup", metric="first done", limit=0.8),
    Bar(scenario="idle", metric="cpu", limit=1),
    Bar(scenario="memory", metric="PSS", limit=70),
    Bar(scenario="import", metric="time", limit=80),
    Bar(scenario="import", metric="clients loaded", limit=0),
)


def judge(report: Report) -> list[Judgement]:
    """Compare a report with every bar whose scenario it ran."""
    return [_judge(bar, report) for bar in BARS if bar.scenario in report.scenarios]


def _judge(bar: Bar, report: Report) -> Judgement:
    ours = report.value(bar.scenario, HORARIUM, bar.metric)
    theirs = report.value(bar.scenario, bar.over, bar.metric) if bar.over else 1.0
    if ours is None:
        return Judgement(bar=str(bar), state="missed", found="no figure of Horarium's")
    if theirs is None:
        found = report.absent.get(str(bar.over), f"{bar.over} took no part")
        return Judgement(bar=str(bar), state="not measured", found=found)
    ratio = ours / theirs
    met = ratio >= bar.limit if bar.at_least else ratio <= bar.limit
    return Judgement(bar=str(bar), state="met" if met else "missed", found=f"{ratio:.4g}" + ("x" if bar.over else ""))
