"""The bars Horarium has to clear, and whether it did."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from msgspec import Struct

from bench.peers import PEERS
from bench.run import Report
from bench.scenario import Size

State: TypeAlias = Literal["met", "missed", "not measured"]

SQLITE, REDIS, POSTGRES = "horarium_sqlite", "horarium_redis", "horarium_postgres"
SHALLOW, DEEP = min(Size().scale_depths), max(Size().scale_depths)
# Those a ratio is wanted to the fastest of: a killed worker loses nothing with them (the recovery scenario shows it).
CAREFUL_ON_REDIS = tuple(
    peer.name for peer in PEERS if peer.beside == REDIS and peer.keeps and "drain" in peer.scenarios
)


class Bar(Struct, frozen=True, kw_only=True):
    """A limit for a figure of Horarium's, or for its ratio to a figure ``over``: of the best of these peers (its own
    where there are none), of the same metric unless ``over_metric`` names another one."""

    peer: str
    scenario: str
    metric: str
    limit: float
    at_least: bool = False  # else at most
    over: tuple[str, ...] = ()
    over_metric: str = ""
    over_label: str = ""  # what to call them together

    def __str__(self) -> str:
        sign = ">=" if self.at_least else "<="
        return f"{self.scenario}: {self.metric} of {self.peer} {sign} {self.limit:,g}{self._times()}"

    def _times(self) -> str:
        whose = self.over_label or ", ".join(self.over)
        told = " ".join(
            part for part in (self.over_metric, f"of {whose}" if whose and self.over_metric else whose) if part
        )
        return f"x {told}" if told else ""


class Judgement(Struct, frozen=True, kw_only=True):
    bar: str
    state: State
    found: str


def _drained(peer: str, limit: float, *over: str, label: str = "") -> Bar:
    return Bar(peer=peer, scenario="drain", metric="tasks", limit=limit, at_least=True, over=over, over_label=label)


def _sent(peer: str, metric: str, limit: float, *over: str) -> Bar:
    return Bar(peer=peer, scenario="publish", metric=metric, limit=limit, at_least=True, over=over)


def _flat(peer: str) -> tuple[Bar, ...]:
    """Cost that does not grow with what lies in the store, within 20 %."""
    pairs = (
        (f"work off, {DEEP:,} queued", f"work off, {SHALLOW:,} queued"),
        (f"put, {DEEP:,} queued", f"put, {SHALLOW:,} queued"),
        ("claim one, kept runs", "claim one, an empty store"),
        ("claim one, kept runs and future messages", "claim one, an empty store"),
    )
    return tuple(Bar(peer=peer, scenario="scale", metric=metric, limit=1.2, over_metric=than) for metric, than in pairs)


def _joined() -> tuple[Bar, ...]:
    """A large chord against Celery's, and how its cost grows with its members."""
    largest, smaller = (f"chord of {members:,}" for members in sorted(Size().chord_members, reverse=True)[:2])

    def bar(limit: float, metric: str, **over: Any) -> Bar:
        return Bar(peer=REDIS, scenario="chord", metric=metric, limit=limit, at_least=True, **over)

    return bar(5, largest, over=("celery_redis",)), bar(0.8, largest, over_metric=smaller)


def _fired(peer: str, at_10_000: float, at_100_000: float) -> tuple[Bar, ...]:
    """What one scheduler does: when very many come due at once, beside others, and when a million lie there."""
    all_due, of_many = "10,000 of 10,000 due", "1,000 of 10,000 due"
    ratios = (
        (100, of_many, "celery_beat"),
        (100, of_many, "django_celery_beat"),
        (1, all_due, "redbeat"),
        (1, all_due, "apscheduler_memory"),
    )
    limits = (
        ("due", f"until enqueued, {all_due}", at_10_000),
        ("due", "until enqueued, 100,000 of 100,000 due", at_100_000),
        ("million", "start to first firing", 2),
        ("million", "resident", 100),
        ("million", "cpu", 2),
        ("million", "edit to firing, worst", 1),
        ("lateness", "p50", 10),
        ("lateness", "p99", 50),
    )
    return (
        *(Bar(peer=peer, scenario=scenario, metric=metric, limit=limit) for scenario, metric, limit in limits),
        *(
            Bar(peer=peer, scenario="due", metric=f"rate, {case}", limit=limit, at_least=True, over=(other,))
            for limit, case, other in ratios
        ),
    )


BARS = (
    _drained(SQLITE, 7_000),
    _drained(SQLITE, 1.4, "huey_sqlite"),
    _drained(SQLITE, 1.4, "huey_sqlite_no_results"),
    _drained(SQLITE, 9, "celery_redis"),
    _drained(REDIS, 25_000),
    _drained(REDIS, 30, "celery_redis"),
    _drained(REDIS, 6, *CAREFUL_ON_REDIS, label="the fastest at-least-once peer on Redis"),
    _drained(POSTGRES, 15_000),
    _drained(POSTGRES, 20, "procrastinate"),
    _drained(POSTGRES, 1, "pgqueuer"),
    _sent(SQLITE, "one by one", 2_000),
    _sent(SQLITE, "in bulk", 30_000),
    _sent(REDIS, "one by one", 4, "celery_redis"),
    _sent(REDIS, "one by one", 0.8, "dramatiq_redis"),
    _sent(REDIS, "in bulk", 40_000),
    _sent(POSTGRES, "in bulk", 20_000),
    Bar(peer=SQLITE, scenario="latency", metric="p50", limit=6),
    Bar(peer=SQLITE, scenario="latency", metric="p99", limit=20),
    Bar(peer=REDIS, scenario="latency", metric="p50", limit=1),
    Bar(peer=REDIS, scenario="latency", metric="p99", limit=3, over_metric="p50"),
    Bar(peer=POSTGRES, scenario="latency", metric="p50", limit=2.5),
    Bar(peer=POSTGRES, scenario="latency", metric="p99", limit=3, over_metric="p50"),
    Bar(peer=SQLITE, scenario="startup", metric="first done", limit=0.8),
    Bar(peer=SQLITE, scenario="idle", metric="cpu", limit=1),
    Bar(peer=SQLITE, scenario="memory", metric="PSS", limit=70),
    Bar(peer=SQLITE, scenario="import", metric="time", limit=80),
    Bar(peer=SQLITE, scenario="import", metric="clients loaded", limit=0),
    Bar(peer=SQLITE, scenario="health", metric="cpu", limit=50),
    *(Bar(peer=peer, scenario="recovery", metric="child", limit=1) for peer in (SQLITE, REDIS, POSTGRES)),
    *(Bar(peer=peer, scenario="recovery", metric="host", limit=20) for peer in (SQLITE, REDIS, POSTGRES)),
    *_joined(),
    Bar(peer=REDIS, scenario="control", metric="ping p95", limit=150),
    *_flat(SQLITE),
    *_flat(REDIS),
    *_flat(POSTGRES),
    *_fired(SQLITE, at_10_000=2, at_100_000=15),
    *_fired(REDIS, at_10_000=1, at_100_000=10),
    *_fired(POSTGRES, at_10_000=2, at_100_000=15),
)


def judge(report: Report) -> list[Judgement]:
    """Compare a report with every bar whose scenario it ran."""
    return [_judge(bar, report) for bar in BARS if bar.scenario in report.scenarios]


def _judge(bar: Bar, report: Report) -> Judgement:
    ours = report.value(bar.scenario, bar.peer, bar.metric)
    if ours is None:
        found = report.absent.get(bar.peer, "no figure of Horarium's")
        return Judgement(bar=str(bar), state="missed", found=found)
    whole, of = _measure_of(bar, report)
    if whole is None:
        return Judgement(bar=str(bar), state="not measured", found=of)
    ratio = ours / whole
    met = ratio >= bar.limit if bar.at_least else ratio <= bar.limit
    found = f"{ratio:,.0f}" if ratio >= 1_000 else f"{ratio:.4g}"
    return Judgement(bar=str(bar), state="met" if met else "missed", found=f"{found}{of}")


def _measure_of(bar: Bar, report: Report) -> tuple[float | None, str]:
    """Return what a figure is divided by, and how to say so; None, and why, if that was not measured."""
    if not bar.over and not bar.over_metric:
        return 1.0, ""
    metric = bar.over_metric or bar.metric
    taken = {name: report.value(bar.scenario, name, metric) for name in bar.over or (bar.peer,)}
    known = {name: value for name, value in taken.items() if value is not None}
    if not known:
        return None, "; ".join(report.absent.get(name, f"{name} took no part") for name in taken)
    best = max(known, key=known.__getitem__)
    return known[best], "x" if len(taken) == 1 else f"x {best}"
