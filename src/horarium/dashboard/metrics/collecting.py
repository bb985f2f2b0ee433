"""Gathers all numbers at one moment and writes them as Prometheus reads them.

Asks the store a fixed few questions, none of which reads runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from horarium.app.fleet import Node, nodes_of
from horarium.app.switches import read_switches
from horarium.clock import Instant, milliseconds
from horarium.dashboard.metrics.families import FAMILIES
from horarium.dashboard.metrics.totals import totals
from horarium.engines.records import MemberRecord
from horarium.observe.text import visible
from horarium.schedules.health import health
from horarium.tally import BOUNDS, Tally, bucket_of, plus
from horarium.version import __version__

if TYPE_CHECKING:
    from horarium.app.app import Horarium

MEDIA = "text/plain; version=0.0.4; charset=utf-8"
MOST_SCHEDULES = 1000
LATELY_MS = 300_000

# Flower's type of event for an outcome; starts are counted by themselves.
EVENTS = {
    "succeeded": "task-succeeded",
    "failed": "task-failed",
    "crashed": "task-failed",
    "retried": "task-retried",
    "revoked": "task-revoked",
    "expired": "task-revoked",
    "rejected": "task-rejected",
}
STARTS = ("task-received", "task-started")

# A metric's name, the values of its labels, and its value: a number, or a histogram and the sum of what it holds.
Histogram: TypeAlias = "tuple[tuple[int, ...], float]"
Sample: TypeAlias = "tuple[str, tuple[str, ...], float | Histogram]"


def exposition(app: Horarium) -> bytes:
    """Return all metrics as text. Raises: EngineUnavailable."""
    samples = list(_samples(app))
    return generate_latest(_Gathered(samples))


class _Gathered(Collector):
    def __init__(self, samples: Iterable[Sample]) -> None:
        self._families: dict[str, Metric] = {}
        for name, labels, value in samples:
            _ADDERS[FAMILIES[name].kind](self._family(name), [visible(each) for each in labels], value)

    def collect(self) -> Iterator[Metric]:
        return iter(self._families.values())

    def _family(self, name: str) -> Metric:
        if name not in self._families:
            known = FAMILIES[name]
            self._families[name] = _KINDS[known.kind](name, known.help, labels=known.labels)
        return self._families[name]


def _samples(app: Horarium) -> Iterator[Sample]:
    engine = app.engine
    now = engine.now()
    yield "horarium_info", (__version__,), 1
    yield from _of_tasks(totals(engine, now=now), _lately(app, now))
    members = engine.inspector.workers(now=now)
    nodes = nodes_of(members)
    yield from _of_queues(app, nodes, now)
    yield from _of_workers(members, nodes)
    yield from _of_schedules(app, now)


def _lately(app: Horarium, now: Instant) -> list[Tally]:
    return app.engine.series.tallies("1m", since=bucket_of(now - LATELY_MS, "1m"), until=now + milliseconds(60.0))


def _of_tasks(counted: Iterable[Tally], lately: Iterable[Tally]) -> Iterator[Sample]:
    events: dict[tuple[str, str], int] = {}
    tasks: dict[str, Tally] = {}
    for each in counted:
        where = (each.task, each.queue)
        for outcome, number in sorted(each.counts.items()):
            yield "horarium_task_outcomes_total", (*where, outcome), number
            if outcome in EVENTS:
                _count(events, (EVENTS[outcome], each.task), number)
        if each.waited:
            yield "horarium_task_wait_seconds", where, (each.waited, each.waited_sum)
            for type in STARTS:
                _count(events, (type, each.task), sum(each.waited))
        if each.ran:
            yield "horarium_task_run_seconds", where, (each.ran, each.ran_sum)
        tasks[each.task] = plus(tasks[each.task], each) if each.task in tasks else each
    for (type, task), number in events.items():
        yield "flower_events_total", ("", type, task), number
    for task, whole in tasks.items():
        if whole.ran:
            yield "flower_task_runtime_seconds", ("", task), (whole.ran, whole.ran_sum)
    waits: dict[str, tuple[int, float]] = {}
    for each in lately:
        count, total = waits.get(each.task, (0, 0.0))
        waits[each.task] = count + sum(each.waited), total + each.waited_sum
    for task, (count, total) in waits.items():
        if count:
            yield "flower_task_prefetch_time_seconds", ("", task), total / count


def _of_queues(app: Horarium, nodes: Iterable[Node], now: Instant) -> Iterator[Sample]:
    counts = app.engine.inspector.counts(most=0)
    for name, held in sorted(counts.queues.items()):
        yield "horarium_queue_messages", (name, "ready"), held.ready
        yield "horarium_queue_messages", (name, "scheduled"), held.scheduled
        yield "horarium_queue_messages", (name, "blocked"), held.blocked
        yield "horarium_queue_messages", (name, "in_hand"), held.claimed
        oldest = 0.0 if held.oldest_due is None else max(now - held.oldest_due, 0) / 1000
        yield "horarium_queue_oldest_seconds", (name,), oldest
    switched = read_switches(app.engine, now=now)
    read = [queue for node in nodes for queue in node.queues]
    for name in sorted({*read, *counts.queues}):
        yield "horarium_queue_workers", (name,), read.count(name)
        yield "horarium_queue_paused", (name,), switched.of_queue(name) is not None


def _of_workers(members: Iterable[MemberRecord], nodes: list[Node]) -> Iterator[Sample]:
    yield "horarium_workers", (), len(nodes)
    yield "horarium_schedulers", (), sum(each.alive and each.member.kind == "scheduler" for each in members)
    for node in nodes:
        running = sum(len(member.running) for member in node.members)
        held = node.record.held + sum(child.held for child in node.children)
        pid = str(node.record.member.pid)
        yield "horarium_worker_slots", (node.key,), node.record.member.slots
        yield "horarium_worker_running", (node.key,), running
        yield "horarium_worker_processed_total", (node.key, pid), sum(each.processed for each in node.members)
        yield "horarium_worker_memory_bytes", (node.key,), sum(each.rss_bytes for each in node.members)
        yield "flower_worker_prefetched_tasks", (node.key, ""), max(held - running, 0)
        yield "flower_worker_number_of_currently_executing_tasks", (node.key,), running
        yield "flower_worker_online", (node.key,), 1
    known = {node.key for node in nodes}
    gone = {each.member.name for each in members if each.member.kind == "worker" and not each.alive}
    for name in sorted(gone - known):
        yield "flower_worker_online", (name,), 0


def _of_schedules(app: Horarium, now: Instant) -> Iterator[Sample]:
    conditions: dict[str, int] = {}
    looked_at = 0
    for each in islice(app.schedules.find(), MOST_SCHEDULES):
        looked_at += 1
        judged = health(each, now)
        conditions[judged.condition] = conditions.get(judged.condition, 0) + 1
        name = (each.name,)
        late = 0.0 if judged.due is None else max(now - judged.due, 0) / 1000
        yield "horarium_schedule_healthy", name, not judged.is_alarming
        yield "horarium_schedule_late_seconds", name, late
        if each.next_fire is not None:
            yield "horarium_schedule_next_timestamp_seconds", name, each.next_fire / 1000
        yield "horarium_schedule_runs_total", name, each.total_runs
        yield "horarium_schedule_missed_total", name, each.missed
        yield "horarium_schedule_skipped_total", name, each.skipped
        yield "horarium_schedule_failures", name, each.failures
    for condition, number in sorted(conditions.items()):
        yield "horarium_schedules", (condition,), number
    others = app.engine.inspector.counts(most=0).schedules - looked_at if looked_at == MOST_SCHEDULES else 0
    yield "horarium_schedules_not_looked_at", (), max(others, 0)


def _count(counts: dict[tuple[str, str], int], key: tuple[str, str], number: int) -> None:
    counts[key] = counts.get(key, 0) + number


def _add_number(family: Metric, labels: list[str], value: float | Histogram) -> None:
    assert isinstance(family, CounterMetricFamily | GaugeMetricFamily) and not isinstance(value, tuple)
    family.add_metric(labels, float(value))


def _add_histogram(family: Metric, labels: list[str], value: float | Histogram) -> None:
    """Add a histogram, whose buckets count all that is no longer than their bound."""
    assert isinstance(family, HistogramMetricFamily) and isinstance(value, tuple)
    numbers, total = value
    sums = [sum(numbers[: place + 1]) for place in range(len(BOUNDS))]
    buckets = [(f"{bound:g}", float(count)) for bound, count in zip(BOUNDS, sums, strict=True)]
    family.add_metric(labels, [*buckets, ("+Inf", float(sum(numbers)))], total)


_KINDS: dict[str, Callable[..., Metric]] = {
    "counter": CounterMetricFamily,
    "gauge": GaugeMetricFamily,
    "histogram": HistogramMetricFamily,
}
_ADDERS: dict[str, Callable[[Metric, list[str], float | Histogram], None]] = {
    "counter": _add_number,
    "gauge": _add_number,
    "histogram": _add_histogram,
}
